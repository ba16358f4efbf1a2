# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/connectivity.md, made from the causes that the code knows.

Run as a program, it writes them into the page: python tests/support/causes_page.py
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._causes import Cause

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/connectivity.md"
_SECTION = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the page with its tables as they should be."""
    from ansible_collections.linklab.docker.plugins.module_utils._causes import BANDS, CAUSES

    tables = {
        "checks": _table(
            ("Check", "It passes when"), [(f"`{band}`", _markdown(meaning)) for band, meaning in BANDS.items()]
        ),
        "causes": _table(
            ("Cause", "Check", "What is the case", "What to do", "Waited for"),
            [_row(name, cause) for name, cause in CAUSES.items()],
        ),
    }
    return _SECTION.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", page)


def _row(name: str, cause: Cause) -> tuple[str, ...]:
    waited = "no" if cause.lasting else "yes"
    return f"`{name}`", f"`{cause.band}`", _markdown(cause.meaning), _markdown(cause.remedy), waited


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _cell in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _markdown(text: str) -> str:
    """The markup of Ansible's documentation as Markdown."""
    return re.sub(r"[COVM]\(([^)]*)\)", r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / ".collections"))
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
