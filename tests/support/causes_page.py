# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of docs/connectivity.md, and the choices of the option cause, made from the causes that the code knows.

Run as a program, it writes them: python tests/support/causes_page.py
"""

from __future__ import annotations

import re
import sys
import textwrap
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import Cause

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/connectivity.md"
MODULE = ROOT / "plugins/modules/connectivity.py"
_CHOICES = re.compile(r"^( +)choices: \[source_missing,[^]]*\]", re.MULTILINE)
_CAUSES = re.compile(r"(<!-- begin: causes -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")


def with_tables(page: str) -> str:
    """Return the page with its table of causes as it should be: what each means and what to do is written there."""
    return _CAUSES.sub(lambda found: f"{found[1]}{_table(found[2])}{found[3]}", page)


def page_of_causes(page: str) -> str:
    """Return a page with a section for each cause of the table, so that each has an address and a search finds it."""
    found = _CAUSES.search(page)
    rows = _rows(found[2]) if found else []
    head = (
        "# Causes\n\nWhat the module `linklab.docker.connectivity` names as the cause, in the order of its checks. See"
        " also [Why does my application not reach its database?](connectivity.md)\n"
    )
    return head + "".join(_section(row) for row in rows[2:])


def _section(row: list[str]) -> str:
    name, band, meaning, remedy, waited, isolates, accepted = row
    return (
        f"\n## {name.strip('`')}\n\n{meaning}\n\n**What to do:** {remedy}\n\n"
        f"- It is the check {band} that fails.\n"
        + ("- It can resolve on its own, so that it is waited for.\n" if waited == "yes" else "")
        + ("- It proves that the two are isolated.\n" if isolates == "yes" else "")
        + (f"- A task that expects {accepted} accepts it, too.\n" if accepted else "")
    )


def with_choices(source: str) -> str:
    """Return the module's source with the choices of its options cause as they should be."""
    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import CAUSES

    def choices(found: re.Match[str]) -> str:
        text = f"choices: [{', '.join(CAUSES)}]"
        return textwrap.fill(text, 120, initial_indent=found[1], subsequent_indent=f"{found[1]}  ")

    return _CHOICES.sub(choices, source)


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in _BETWEEN_CELLS.split(line)[1:-1]] for line in table.splitlines()]


def _table(present: str) -> str:
    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import CAUSES

    texts = {row[0]: row[2:4] for row in _rows(present)[2:]}
    head = ("Cause", "Check", "What is wrong", "What to do", "Waited for", "Proves isolation", "Also accepted as")
    lines = [head, tuple("---" for _cell in head)]
    lines += [_row(name, cause, texts.get(f"`{name}`", ["TO BE WRITTEN"] * 2)) for name, cause in CAUSES.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(name: str, cause: Cause, texts: list[str]) -> tuple[str, ...]:
    return (
        f"`{name}`",
        f"`{cause.band}`",
        *texts,
        "no" if cause.lasting else "yes",
        "yes" if cause.isolates else "no",
        ", ".join(f"`{one}`" for one in cause.split_from),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / ".collections"))
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    MODULE.write_text(with_choices(MODULE.read_text(encoding="utf-8")), encoding="utf-8")
