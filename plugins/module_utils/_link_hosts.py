# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Where legacy links lead by the hosts file of their source, and how that is put right while it runs.

The engine writes the file when the source starts, and corrects an address when the target starts. It does neither when
somebody edited the file, nor, before Engine 28, when a target comes back to the default bridge with another address.
"""

from __future__ import annotations

import typing as t
from contextlib import suppress
from pathlib import Path

from ansible_collections.linklab.docker.plugins.module_utils._container_actions import RewriteHosts
from ansible_collections.linklab.docker.plugins.module_utils._plan import Disruption

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._legacy_links import LegacyLink
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container


def read_link_hosts(engine: Engine, source: Container) -> str:
    """Return the hosts file of a container that runs."""
    path = source.raw.get("HostsPath") or ""
    if source.id in path and engine.connection.docker_host.startswith("unix:"):
        # Where the engine is on this machine and the user may, this takes no time, and an archive 50 ms.
        with suppress(OSError):
            return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    # Not at the top: few have a legacy link, and this loads what reads archives and runs programs.
    from ansible_collections.linklab.docker.plugins.module_utils._hosts import read_hosts

    return read_hosts(engine, source.id)


# -- what is to be done. Pure -----------------------------------------------------------------------------------------


def plan_hosts(
    source: Container,
    links: Iterable[LegacyLink],
    hosts: str,
    *,
    moved: Collection[str] = (),
    started: Collection[str] = (),
    images: tuple[str, ...] = (),
) -> RewriteHosts | None:
    """Return what puts the names of legacy links right; None if all lead where they shall.

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


def _is_own_name(source: Container, alias: str) -> bool:
    """Whether a name means something else in a container, because its configuration says so."""
    if any(mount.get("Destination") == "/etc/hosts" for mount in source.raw.get("Mounts") or ()):
        # The file is the user's.
        return True
    extra = (source.raw.get("HostConfig") or {}).get("ExtraHosts") or ()
    return alias == source.hostname or any(entry.replace("=", ":", 1).partition(":")[0] == alias for entry in extra)


def aliases_of(source: Container) -> frozenset[str]:
    return frozenset(link.alias for link in source.legacy_links)


def link_addresses(source: Container, target: Container) -> tuple[str, ...]:
    """Return where a source reaches a target, that on the default bridge first.

    A migration that is under way has the name lead to another network that both are on.
    """
    shared = ["bridge", *(name for name in source.endpoints if name != "bridge")]
    ends = [target.endpoints[name] for name in shared if name in target.endpoints]
    return tuple(address for end in ends for address in (end.ipv4, end.ipv6) if address)


# -- the lines of the file. Pure --------------------------------------------------------------------------------------


def found_at(hosts: str, alias: str, links: Collection[str] = ()) -> list[str]:
    """Return all addresses that the alias of a link has.

    Args:
        links: the aliases of all links: the line of another one may have the same name further back.
    """
    lines = (line.partition("#")[0].split() for line in hosts.splitlines())
    return [fields[0] for fields in lines if _names(fields, alias, links)]


def _names(fields: Sequence[str], alias: str, links: Collection[str]) -> bool:
    return alias in fields[1:] and (fields[1] == alias or fields[1] not in links)


def pointed(hosts: str, alias: str, addresses: Sequence[str], names: Iterable[str], links: Collection[str] = ()) -> str:
    """Return a hosts file in which a link's alias leads to I(addresses) alone, to the first if it led to none of them.

    Args:
        names: what else the target is called.
        links: as for found_at().
    """
    kept: list[str] = []
    for line in hosts.splitlines(keepends=True):
        fields = line.partition("#")[0].split()
        if not _names(fields, alias, links) or fields[0] in addresses:
            kept.append(line)
        elif fields[1] != alias:
            kept.append(f"{fields[0]}\t{' '.join(name for name in fields[1:] if name != alias)}\n")
    if not found_at("".join(kept), alias, links):
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += "\n"
        kept.append(f"{addresses[0]}\t{' '.join(dict.fromkeys((alias, *filter(None, names))))}\n")
    return "".join(kept)
