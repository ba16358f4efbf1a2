# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Many outcomes of checks for people: one message of a bounded size, and a table. Pure."""

from __future__ import annotations

import textwrap
import typing as t

from .remedies import to_yaml
from .run import result_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .run import Outcome

# How long the message may become before it refers to the results for the rest, and one check's part of it (a log may be
# long), in characters; and how many checks of a group are named.
_MESSAGE_LENGTH = 8000
_CHECK_LENGTH = 1000
_NAMED = 5


def summary_of(outcomes: Sequence[Outcome]) -> tuple[str, list[str]]:
    """Return one message for many checks, and a table with a line for each."""
    failed = [one for one in outcomes if not one.passed]
    if not failed:
        return f"all {len(outcomes)} checks are as expected", table(outcomes)
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in failed:
        groups.setdefault((one.error or why(one), one.check.target if one.tried else ""), []).append(one)
    text = f"{len(failed)} of {len(outcomes)} checks are not as expected:"
    left = len(failed)
    for group in groups.values():
        if len(text) > _MESSAGE_LENGTH:
            text += f"\n- and {left} more, with other causes or targets: see results"
            break
        text = "\n".join([text, *_lines_of(group)])
        left -= len(group)
    return text, table(outcomes)


def _lines_of(group: list[Outcome]) -> Iterator[str]:
    """Yield what is said of checks that failed for one cause at one target: the first in full, the others by name."""
    first, *others = group
    problem = first.problem()
    yield f"- {problem if len(problem) <= _CHECK_LENGTH else problem[:_CHECK_LENGTH] + ' ...'}"
    if first.advice:
        yield f"  Hint: {first.advice}"
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        yield f"  The same for {', '.join(one.check.describe() for one in others[:_NAMED])}{more}."
    fix = fix_of(first)
    if fix:
        yield textwrap.indent(fix, "    ")


def fix_of(outcome: Outcome) -> str:
    """Return the tasks that would make a check pass which is not as expected; empty if there are none."""
    finding = outcome.finding
    if outcome.passed or finding is None or outcome.check.expect == "unreachable" or not finding.tasks:
        return ""
    return to_yaml(finding.tasks)


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the outcomes as lines with aligned columns."""
    # What went wrong is seen by looking down the first column, and how by the two after EXPECTED.
    rows = [("RESULT", "SOURCE", "TARGET", "HOST", "PORT", "PROTOCOL", "EXPECTED", "FOUND", "PATH OR CAUSE", "MS")]
    for one in outcomes:
        shown = result_of(one)
        rows.append(
            (
                "ok" if one.passed else "FAILED",
                shown["source"],
                shown["target"],
                shown["host"],
                str(shown["port"] or "-"),
                shown["protocol"],
                one.check.cause or one.check.expect,
                "-" if one.error else "reachable" if one.reachable else "unreachable",
                why(one),
                "-" if shown["latency_ms"] is None else f"{shown['latency_ms']:.1f}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def why(outcome: Outcome) -> str:
    """Return the cause, or the path of a target that was reached."""
    if outcome.error:
        return "error" if outcome.tried else "not tried"
    return outcome.finding.cause if outcome.finding else str(outcome.path() or "-")
