# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the engine would refuse, or accept and break on later: found before anything is changed. Pure."""

from __future__ import annotations

import types
import typing as t

from .._model.bridge import DEFAULT_BRIDGE
from .addresses import address_problems
from .plan import Reattach

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._compose.network import NetworkSpec
    from .._engine.info import EngineInfo
    from .._model.endpoint import EndpointSettings
    from .._model.state import ContainerState, Network
    from .plan import Attach

# Setting name to the API version that has it, and the engine that brought that version. A MAC address is part of the
# API since 1.44, but before 1.54 it counts when a container is created only: a connect accepts and ignores it.
AT_CONNECT = types.MappingProxyType({"gw_priority": ("1.48", "28.0"), "mac_address": ("1.54", "29.3")})
AT_CREATION = {**AT_CONNECT, "mac_address": ("1.44", "25.0")}
MAC_IS_SEEN_TO = {**AT_CONNECT, "mac_address": ("1.0", "")}


def container_problems(container: ContainerState) -> Iterator[str]:
    """Say why a container cannot be attached to any network."""
    mode = container.network_mode
    name = container.name
    if mode == "host":
        yield (
            f"{name} uses the host's network (network_mode host) and cannot be attached to another;"
            " create it again without that mode"
        )
    elif mode.startswith("container:"):
        yield (
            f"{name} shares the network of container {mode.partition(':')[2][:12]} (network_mode container:...)"
            " and has none of its own; attach that container instead"
        )
    elif "none" in container.endpoints:
        yield (
            f"{name} is on the network 'none', which the engine lets nothing join; detach it first"
            f" (network_attach with network: none, containers: [{name}], state: absent)"
        )
    elif container.status in ("dead", "removing"):
        yield f"{name} is being removed (status {container.status})"


def network_problems(network: Network) -> Iterator[str]:
    """Say why no container can be attached to a network."""
    if network.driver in ("host", "null"):
        yield f"network {network.name} has the driver {network.driver}: the engine lets no container join it later"
    if network.scope == "swarm" and not network.attachable:
        yield f"network {network.name} belongs to a swarm and is not attachable: only services can use it"


def is_default_bridge(network: Network) -> bool:
    """Whether a network is the one that containers get who ask for none, which has no names."""
    return network.options.get("com.docker.network.bridge.default_bridge") == "true" or network.name == DEFAULT_BRIDGE


def settings_problems(
    name: str,
    settings: EndpointSettings,
    network: Network | None,
    create: NetworkSpec | None,
    info: EngineInfo,
    *,
    gates: Mapping[str, tuple[str, str]] = AT_CONNECT,
) -> Iterator[str]:
    """Say which given settings of container I(name) are not possible on a network.

    Args:
        gates: AT_CREATION for an endpoint that is made together with its container; MAC_IS_SEEN_TO where that is right.
    """
    for option in settings.given():
        version, engine = gates.get(option, ("1.0", ""))
        if not info.speaks(version):
            yield (
                f"{name}: {option} needs API {version} (Docker Engine {engine}); this engine"
                f"{f' ({info.version})' if info.version else ''} speaks {info.api_version}"
            )
    if network is not None and is_default_bridge(network):
        useless = {
            "aliases": settings.aliases,
            "links": settings.links,
            "ipv4_address": settings.ipv4_address,
            "ipv6_address": settings.ipv6_address,
        }
        given = [option for option, value in useless.items() if value]
        if given:
            yield (
                f"{name}: the default bridge knows no {', '.join(given)}; use a network of your own"
                + (", or linklab.docker.container_link for a legacy link" if "links" in given else "")
            )
            return
    yield from address_problems(name, settings, network, create, info)


def mac_problems(changes: Iterable[Attach | Reattach], info: EngineInfo) -> Iterator[str]:
    """Say where a new endpoint would not get the MAC address that was asked for when the container was created.

    Engines before API 1.44 give it to each endpoint on that network; from 1.54 on it is part of the connect. Between
    these the engine has it for the first endpoint only.
    """
    if info.speaks("1.54") or not info.has("1.44"):
        return
    for action in changes:
        if isinstance(action, Reattach) and action.old.requested_mac:
            yield (
                f"{action.container.name} was created with the MAC address {action.old.requested_mac} on"
                f" {action.network}, and a new endpoint would lose it ({action.reason}): this engine takes one for an"
                " existing container from API 1.54 (Docker Engine 29.3) on. To give it up, detach the container"
                " (state: absent) and attach it again; to keep it, create the container again"
            )
