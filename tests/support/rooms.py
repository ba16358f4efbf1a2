# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms of plugins/module_utils: their order, which the table in CONTRIBUTING.md sets, and what they import.

A room imports from rooms of rows above its own, and from nothing else. Rooms that share a row do not import each other.
"""

from __future__ import annotations

import re
import typing as t

from own_imports import ROOT, own_imports

if t.TYPE_CHECKING:
    from pathlib import Path

UTILS = ROOT / "plugins/module_utils"
PAGE = ROOT / "CONTRIBUTING.md"
# A migration proves itself with the checks of connectivity.
EXCEPTIONS = frozenset({("_migrate", "_connectivity")})

_DIAGRAM = re.compile(r"(<!-- begin: rooms -->\n).*?(<!-- end: rooms -->)", re.DOTALL)
_ROOM = re.compile(r"`(_\w+)(?:/|\.py)`")


class Arrow(t.NamedTuple):
    """An import from one room into another. where: FILE:LINE."""

    room: str
    other: str
    where: str


def rows(page: str) -> list[list[str]]:
    """Return the rooms of each row of the table, from the ground up."""
    lines = page.partition("| Room |")[2].partition("\n\n")[0].splitlines()[2:]
    return [_ROOM.findall(line.split("|")[1]) for line in lines]


def room_of(path: Path) -> str:
    """Return the room of a file, by its path below module_utils."""
    return path.parts[0].removesuffix(".py")


def arrows(utils: Path = UTILS) -> t.Iterator[Arrow]:
    """Yield the imports that lead from one room into another."""
    for file in sorted(utils.rglob("*.py")):
        room = room_of(file.relative_to(utils))
        for found in own_imports(file, utils):
            if room_of(found.module) != room:
                yield Arrow(room, room_of(found.module), f"{file.relative_to(utils)}:{found.line}")


def wrong_way(order: list[list[str]], utils: Path = UTILS) -> list[str]:
    """Say which imports do not lead into a room of a row above."""
    floor = {room: number for number, row in enumerate(order) for room in row}
    return [
        f"{arrow.where} imports from {arrow.other}"
        for arrow in arrows(utils)
        if floor[arrow.other] >= floor[arrow.room] and (arrow.room, arrow.other) not in EXCEPTIONS
    ]


def circles(utils: Path = UTILS) -> list[list[str]]:
    """Return the files that import each other, directly or by way of others, each group once."""
    direct = {
        str(file.relative_to(utils)): {str(found.module) for found in own_imports(file, utils)}
        for file in sorted(utils.rglob("*.py"))
    }
    reached = {file: _reached(file, direct) for file in direct}
    groups = {tuple(other for other in direct if other in reached[file] and file in reached[other]) for file in direct}
    return sorted(list(group) for group in groups if group)


def diagram(order: list[list[str]], utils: Path = UTILS) -> str:
    """Return the rooms as a Mermaid diagram, without the arrows that follow from others."""
    direct: dict[str, set[str]] = {room: set() for row in order for room in row}
    for arrow in arrows(utils):
        direct[arrow.room].add(arrow.other)
    lines = ["```mermaid", "flowchart BT"]
    lines += [f'    {room.strip("_")}["{room}{"/" if (utils / room).is_dir() else ".py"}"]' for room in direct]
    for room, others in direct.items():
        indirect = {far for other in others for far in _reached(other, direct)}
        lines += [f"    {room.strip('_')} --> {other.strip('_')}" for other in direct if other in others - indirect]
    return "\n".join([*lines, "```", ""])


def _reached(room: str, direct: t.Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    new = set(direct[room])
    while new:
        found |= new
        new = {far for other in new for far in direct[other]} - found
    return found


def with_diagram(page: str) -> str:
    """Return CONTRIBUTING.md with the diagram as it should be."""
    return _DIAGRAM.sub(lambda found: f"{found[1]}{diagram(rows(page))}{found[2]}", page)
