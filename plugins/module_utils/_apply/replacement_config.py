# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read from a container's description how to create another one like it. Pure.

The engine's description is what it was created with merged with what its image brings and with what the engine chose
itself. This takes the engine's choices out again, and what they stand for (such as a volume without a name) in.
"""

from __future__ import annotations

import copy
import posixpath
import typing as t
from dataclasses import dataclass, replace

from .._model.bridge import DEFAULT_BRIDGE

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._engine.info import EngineInfo
    from .._model.state import ContainerState, Endpoint

Json = t.Any

# Modes in which the engine, or another container, decides about the host name.
_BORROWED_NETWORK = ("host", "container:")


@dataclass(frozen=True)
class Sources:
    """What the description refers to, as far as it is still there.

    Attributes:
        image: the description of the image that the container was made of, by its ID.
        image_by_name: the ID that the image's name stands for now; empty if the name is gone.
        volumes_from: the containers of C(HostConfig.VolumesFrom) that are still there, as written there.
    """

    image: Mapping[str, Json]
    image_by_name: str = ""
    volumes_from: frozenset[str] = frozenset()


def create_body(container: ContainerState, sources: Sources) -> dict[str, Json]:
    """Return the body of C(POST /containers/create) for a container like I(container), but for its endpoints.

    Legacy links are not in it either: they lead to containers, and which ones its description does not tell.
    """
    raw = container.raw
    body: dict[str, Json] = copy.deepcopy(dict(raw["Config"]))
    host: dict[str, Json] = copy.deepcopy(dict(raw["HostConfig"]))
    if sources.image_by_name != raw["Image"]:
        # The name stands for another image by now, or for none.
        body["Image"] = raw["Image"]
    _name_the_host(body, host, container)
    if not body.get("Entrypoint") and (sources.image.get("Config") or {}).get("Entrypoint"):
        # An entrypoint that was taken away reads as none, and none would bring the image's back.
        body["Entrypoint"] = [""]
    host["Links"] = None
    _bind_volumes(host, raw.get("Mounts") or (), sources.volumes_from)
    body["HostConfig"] = host
    return body


def _name_the_host(body: dict[str, Json], host: Mapping[str, Json], container: ContainerState) -> None:
    mode = host.get("NetworkMode") or ""
    if body.get("Hostname") == container.short_id:
        # The engine's own choice, which the successor makes for itself.
        body["Hostname"] = ""
    if mode.startswith(_BORROWED_NETWORK) or host.get("UTSMode") == "host":
        body["Hostname"] = body["Domainname"] = ""


def _bind_volumes(host: dict[str, Json], mounts: Iterable[Mapping[str, Json]], volumes_from: frozenset[str]) -> None:
    """Name the volumes that have no name in the configuration: anonymous ones, and those of other containers."""
    by_target = {posixpath.normpath(mount["Destination"]): mount for mount in mounts}
    # Without a colon it is the place of an anonymous volume.
    binds = [bind for bind in host.get("Binds") or () if ":" in bind]
    named = {posixpath.normpath(bind.split(":")[1]) for bind in binds}
    for mount in host.get("Mounts") or ():
        target = posixpath.normpath(mount.get("Target") or "/")
        named.add(target)
        if target in by_target and mount.get("Type") == "volume" and not mount.get("Source"):
            # NoCopy, here and below: a volume that its owner emptied stays empty.
            options = {**(mount.get("VolumeOptions") or {}), "NoCopy": True}
            mount.update(Source=by_target[target]["Name"], VolumeOptions=options)
    given = host.get("VolumesFrom") or []
    # One that is gone cannot be named any more; what came from it is bound by name instead.
    host["VolumesFrom"] = [ref for ref in given if ref in volumes_from] or None
    unnamed = [(target, mount) for target, mount in by_target.items() if target not in named]
    host["Binds"] = [*binds, *_binds(unnamed, inherited=bool(given))] or None


def _binds(mounts: Iterable[tuple[str, Mapping[str, Json]]], *, inherited: bool) -> Iterator[str]:
    """Yield binds by name; folders of the host only where containers of C(VolumesFrom) gave them (I(inherited))."""
    for target, mount in mounts:
        if mount.get("Type") == "volume":
            yield ":".join([mount["Name"], target, *_modes(mount, "nocopy")])
        elif mount.get("Type") == "bind" and inherited:
            yield ":".join([mount["Source"], target, *_modes(mount, mount.get("Propagation") or "")])


def _modes(mount: Mapping[str, Json], further: str) -> list[str]:
    modes = [] if mount.get("RW", True) else ["ro"]
    modes += [further] if further else []
    return [",".join(modes)] if modes else []


# -- endpoints --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wiring:
    """How a new container gets its endpoints: engines before API 1.44 take one at most when they create it.

    Attributes:
        networking: C(NetworkingConfig) for the create request.
        leave: the network that the network mode attaches to, where the container must not be; empty if there is none.
        join: network name and C(EndpointSettings) of all other endpoints.
    """

    networking: Mapping[str, Json]
    leave: str
    join: tuple[tuple[str, Mapping[str, Json]], ...]


def wiring(container: ContainerState, info: EngineInfo) -> Wiring:
    """Return how a successor gets the endpoints of I(container), with all their settings."""
    mode = container.network_mode
    if mode.startswith("container:"):
        return Wiring({}, "", ())
    first = _first_network(container)
    wanted = {name: _settings(end, info, first=name == first) for name, end in container.endpoints.items()}
    if first not in wanted:
        return Wiring({}, first, tuple(wanted.items()))
    # A connect takes no MAC address before API 1.54.
    at_once = {name for name, end in wanted.items() if "MacAddress" in end and not info.speaks("1.54")} - {first}
    join = tuple((name, settings) for name, settings in wanted.items() if name not in {first, *at_once})
    # The key must be what the mode says, which may be the network's ID.
    keys = {first: first if mode == "default" else mode}
    given = {keys.get(name, name): wanted[name] for name in (first, *sorted(at_once)) if wanted[name] or at_once}
    return Wiring({"EndpointsConfig": given} if given else {}, "", join)


def _first_network(container: ContainerState) -> str:
    """Return the name of the network that the engine attaches a container of this network mode to."""
    mode = container.network_mode
    if mode == "default":
        return DEFAULT_BRIDGE
    if mode not in container.endpoints and len(mode) >= 12:
        for name, endpoint in container.endpoints.items():
            if endpoint.network_id.startswith(mode):
                return name
    return mode


def _settings(endpoint: Endpoint, info: EngineInfo, *, first: bool) -> Mapping[str, Json]:
    """Return an endpoint's settings, with the MAC address that was asked for.

    Before API 1.44 a container has one MAC address at most, in its own configuration. From 1.54 on each endpoint can
    have one, and the engine does not tell whether it was asked for.
    """
    mac = endpoint.requested_mac if info.speaks("1.44") else ""
    if not mac and not first and info.speaks("1.54"):
        mac = endpoint.mac
    return replace(endpoint.settings, mac_address=mac or None).to_api()
