# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""In which order containers come that need one another. Pure."""

from __future__ import annotations

import typing as t

from .._errors import SpecError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def levels(needs: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the names in levels, each of which needs only those before it; raise SpecError for a circle.

    Args:
        needs: what each name needs. Names that need nothing themselves because nobody knows them do not count.
    """
    known = {name: [other for other in others if other in needs] for name, others in needs.items()}
    level: dict[str, int] = {}
    while len(level) < len(known):
        ready = [name for name in known if name not in level and all(other in level for other in known[name])]
        if not ready:
            circle = _circle(known, level)
            raise SpecError(f"containers need each other in a circle: {' -> '.join(circle)}", ("containers", circle[0]))
        for name in ready:
            level[name] = 1 + max((level[other] for other in known[name]), default=-1)
    count = max(level.values(), default=-1) + 1
    return tuple(tuple(name for name in known if level[name] == number) for number in range(count))


def _circle(needs: Mapping[str, list[str]], done: Mapping[str, int]) -> list[str]:
    path = [next(name for name in needs if name not in done)]
    while path.count(path[-1]) < 2:
        path.append(next(other for other in needs[path[-1]] if other not in done))
    return path[path.index(path[-1]) :]
