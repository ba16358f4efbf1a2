# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcomes of a sweep as a table: a line for each module, and one for each task."""

from __future__ import annotations

import typing as t
from collections import Counter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fault_sweep import Outcome

_HEAD = ("points tried", "lost", "not converged", "unclear messages")


def _rows(outcomes: Sequence[Outcome], key: Callable[[Outcome], tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for group in dict.fromkeys(map(key, outcomes)):
        own = [one for one in outcomes if key(one) == group]
        counts = (len(own), *(sum(map(bool, found)) for found in zip(*(_found(one) for one in own), strict=True)))
        yield (*group, *map(str, counts))


def _found(outcome: Outcome) -> tuple[list[str], list[str], list[str]]:
    return outcome.lost, outcome.not_converged, outcome.unclear


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lines of the table, a line for each module."""
    rows = [("module", *_HEAD), *_rows(outcomes, lambda one: (one.scenario.module,))]
    if len(rows) > 2:
        rows.append(next(_rows(outcomes, lambda _one: ("all",))))
    return _markdown(rows)


def _markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        if number == 0:
            yield f"| {' | '.join('-' * width for width in widths)} |"


def markdown(outcomes: Sequence[Outcome], engine: str, *, everything: bool) -> str:
    """Return the tables as a document."""
    tasks = _rows(outcomes, lambda one: (one.scenario.module, one.scenario.name))
    command = f"make test-faults{' FAULTS=all' if everything else ''}"
    return "\n".join(
        [
            _INTRODUCTION.format(command=command, engine=engine),
            *table(outcomes),
            "",
            *_markdown([("module", "task", *_HEAD), *tasks]),
            "",
            *_markdown([("fault", "points tried"), *_sorted(Counter(one.point.fault for one in outcomes))]),
            _LEGEND,
        ]
    )


def _sorted(counts: Counter[str]) -> Iterable[tuple[str, str]]:
    return [(f"`{name}`", str(number)) for name, number in sorted(counts.items())]


_INTRODUCTION = """\
# What was made to fail

Made by `{command}` on Docker Engine {engine}. Each task is run once for each request that it sends and each
fault, from the same beginning. *Lost*: something of the user's is not there afterwards. *Not converged*: the same task
run again fails, or leaves something else than where nothing goes wrong, or a third run changes something. *Unclear*:
the message is not one line that names what was wanted, what the engine said, and what the outcome was.
"""

_LEGEND = """
`error`: the answer is 500, and the engine never hears of the request; `error-after`: it does, and the answer is 500 all
the same. `cut-before`, `cut-after`: the connection ends before or after the engine acts; `cut-within`: in the middle of
its answer. `late`: the answer comes when the module has given up. `sent-twice`, `answered-twice`: the engine gets the
request, or the module the answer, twice. `kill-before`, `kill-after`: the module is killed (`SIGKILL`) before or after
the engine acts.
"""
