# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The legacy links of a container as they are: which container each really leads to."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import quote

from .._errors import NotFound
from .state import read_container

if t.TYPE_CHECKING:
    from .._engine.info import EngineInfo
    from .._engine.reader import Reader
    from .state import ContainerState


Json = t.Any

# The engine hands on every variable of the target but these.
NOT_HANDED_ON = frozenset({"HOME", "PATH"})


@dataclass(frozen=True)
class LegacyLink:
    """A legacy link that a container has.

    Attributes:
        name: what the container's description calls the target.
        target: the container that the engine holds on to, whatever it is called now; None if it was removed. A link to
            a removed container is stale, even where another one has its name: every start and exec of the source fail.
    """

    alias: str
    name: str
    target: ContainerState | None

    @property
    def stale(self) -> bool:
        return self.target is None

    def __str__(self) -> str:
        return f"{self.name}:{self.alias}"


def read_legacy_links(engine: Reader, container: ContainerState) -> tuple[LegacyLink, ...]:
    """Read the links of a container: one request for each.

    For as long as a link leads anywhere, its target also has the name C(SOURCE/ALIAS).
    """
    return tuple(
        LegacyLink(link.alias, link.target, _target(engine, container, link.alias)) for link in container.legacy_links
    )


def _target(engine: Reader, source: ContainerState, alias: str) -> ContainerState | None:
    found = legacy_target(engine, source.name, alias)
    # No link leads to its own source: an interrupted removal lends it the name of a lost target (see unlink_mark).
    return None if found is not None and found.id == source.id else found


def legacy_target(engine: Reader, source: str, alias: str) -> ContainerState | None:
    """Return the container that the engine holds on to for a link; None if it was removed."""
    try:
        raw = engine.get(f"/containers/{quote(source, safe='')}/{quote(alias, safe='')}/json")
    except NotFound:
        return None
    return read_container(raw, engine.info)


def link_entry(kind: str, name: str, alias: str, target: ContainerState | None, network: str) -> dict[str, Json]:
    """Return a link of either kind as data.

    Args:
        kind: C(legacy) or C(network).
        name: what the source calls the target, which tells nothing about who that is now.
        target: None if the link leads nowhere.
    """
    endpoint = target.endpoints.get(network) if target is not None else None
    return {
        "kind": kind,
        "target": target.name if target is not None else name,
        "target_id": target.id if target is not None else "",
        "alias": alias,
        "address": endpoint.ipv4 if endpoint is not None else "",
        "stale": target is None,
    }


def engine_release(info: EngineInfo) -> tuple[int, int]:
    """Return the engine's major and minor release, such as C((29, 6)); zeros if it does not say."""
    parts = info.version.split("-")[0].split("+")[0].split(".")
    numbers = [int(part) if part.isdigit() else 0 for part in [*parts, "0", "0"][:2]]
    return numbers[0], numbers[1]
