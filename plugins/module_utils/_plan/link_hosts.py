# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Where legacy links lead by the hosts file of their source, and what corrects it while the source runs. Pure.

The engine writes the file when the source starts, and corrects an address when the target starts. It does neither when
somebody edited the file, nor, before Engine 28, when a target comes back to the default bridge with another address.
"""

from __future__ import annotations

import typing as t

from .._model.bridge import DEFAULT_BRIDGE
from .._model.hosts_lines import NAMES_OF_ALL, found_at
from .container_actions import RewriteHosts
from .plan import Disruption

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState


def plan_hosts(
    source: ContainerState,
    links: Iterable[LegacyLink],
    hosts: str,
    *,
    moved: Collection[str] = (),
    started: Collection[str] = (),
    images: tuple[str, ...] = (),
) -> RewriteHosts | None:
    """Return what corrects the names of legacy links; None if all resolve as they should.

    Args:
        links: those that the source keeps.
        hosts: its hosts file.
        moved: names of targets that get another endpoint on the default bridge first, and perhaps another address.
        started: names of targets that are started first.
        images: as in RewriteHosts.
    """
    reasons = {}
    for link in links:
        target, alias = link.target, link.alias
        if target is None or _is_own_name(source, alias):
            continue
        if target.name in moved:
            reasons[alias] = f"{target.name} comes back to the default bridge, perhaps with another address"
            continue
        found, wanted = found_at(hosts, alias, aliases_of(source)), link_addresses(source, target)
        wrong = [address for address in found if address not in wanted]
        if not found and (wanted or target.name in started):
            reasons[alias] = f"its hosts file has no line for {alias}, its link to {target.name}"
        elif wanted and wrong:
            # Not without an address: the engine corrects a line that is there when the target starts.
            reasons[alias] = (
                f"{alias} leads to {', '.join(wrong)} by its hosts file, and {target.name} is at {wanted[0]}"
            )
    if not reasons:
        return None
    return RewriteHosts("; ".join(reasons.values()), Disruption.NONE, source, tuple(reasons), images)


def _is_own_name(source: ContainerState, alias: str) -> bool:
    """Whether a name means something else in a container, as in each of them or because its configuration says so."""
    if alias in NAMES_OF_ALL:
        return True
    if any(mount.get("Destination") == "/etc/hosts" for mount in source.raw.get("Mounts") or ()):
        # The file is the user's.
        return True
    extra = (source.raw.get("HostConfig") or {}).get("ExtraHosts") or ()
    return alias == source.hostname or any(entry.replace("=", ":", 1).partition(":")[0] == alias for entry in extra)


def aliases_of(source: ContainerState) -> frozenset[str]:
    return frozenset(link.alias for link in source.legacy_links)


def link_addresses(source: ContainerState, target: ContainerState) -> tuple[str, ...]:
    """Return where a source reaches a target, that on the default bridge first.

    A migration that is under way has the name lead to another network that both are on.
    """
    shared = [DEFAULT_BRIDGE, *(name for name in source.endpoints if name != DEFAULT_BRIDGE)]
    ends = [target.endpoints[name] for name in shared if name in target.endpoints]
    return tuple(address for end in ends for address in (end.ipv4, end.ipv6) if address)
