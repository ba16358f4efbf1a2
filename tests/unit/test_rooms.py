# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where code lives: which room may import from which, and what CONTRIBUTING.md says about it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from own_imports import PACKAGE, own_imports, packed
from rooms import PAGE, UTILS, arrows, circles, diagram, room_of, rows, with_diagram, wrong_way

TESTS = Path(__file__).parent / "plugins/module_utils"
ORDER = [["_errors"], ["_engine"], ["_link", "_attach"]]


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_import_leads_into_a_room_above(page):
    assert wrong_way(rows(page)) == []


def test_no_files_import_each_other():
    assert circles() == []


def test_every_file_is_in_a_room_and_every_room_is_there(page):
    there = {room_of(file.relative_to(UTILS)) for file in UTILS.rglob("*.py")}
    assert there == {room for row in rows(page) for room in row}


def test_rooms_import_each_other_relatively():
    absolute = [
        f"{file.relative_to(UTILS)}:{found.line}"
        for file in UTILS.rglob("*.py")
        for found in own_imports(file, UTILS)
        if not found.relative
    ]
    assert absolute == []


def test_the_diagram_is_that_of_the_imports(page):
    assert with_diagram(page) == page, "draw it again: tests/tools/rooms --write"


def test_what_the_page_names_is_there(page):
    """As FILE or FILE:NAME, from plugins/module_utils on."""
    named = re.findall(r"`(_\w+/\w+\.py)(?::(\w+))?`", page)
    assert named
    for file, name in named:
        code = (UTILS / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"(?m)^ *(class|def) {name}\b|^{name}\b", code), f"{file} has no {name}"


def test_tests_are_in_the_room_of_what_they_test(page):
    known = {room for row in rows(page) for room in row}
    assert {path.parent.name for path in TESTS.glob("*/test_*.py")} <= known


# -- that it would be noticed -----------------------------------------------------------------------------------------


@pytest.fixture
def utils(tmp_path: Path) -> t.Callable[[str, str], Path]:
    """Make a folder in which one file of C(_engine) and one of C(_link) have these texts."""

    def make(engine: str = "", link: str = "") -> Path:
        for path, text in (
            ("_errors.py", ""),
            ("_engine/client.py", engine),
            ("_link/task.py", link),
            ("_attach/task.py", ""),
        ):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path

    return make


@pytest.mark.parametrize(
    "statement",
    [
        "from .._link.task import LinkTask",
        "from .._link import task",
        f"from {PACKAGE}._link.task import LinkTask",
        f"import {PACKAGE}._link.task",
        "def late():\n    from .._link.task import LinkTask",
        "if t.TYPE_CHECKING:\n    from .._link.task import LinkTask",
    ],
)
def test_an_import_from_below(utils, statement):
    line = statement.count("\n") + 1
    assert wrong_way(ORDER, utils(engine=statement)) == [f"_engine/client.py:{line} imports from _link"]


def test_an_import_from_beside(utils):
    found = wrong_way(ORDER, utils(link="from .._attach.task import AttachTask"))
    assert found == ["_link/task.py:1 imports from _attach"]


def test_a_circle(utils):
    folder = utils(engine="from .._link.task import x", link="from .._attach import task")
    (folder / "_attach/task.py").write_text("def late():\n    from .._engine import client\n", encoding="utf-8")
    assert circles(folder) == [["_attach/task.py", "_engine/client.py", "_link/task.py"]]


def test_imports_from_above_and_within(utils):
    folder = utils(engine="from .._errors import NotFound", link="import json\nfrom .._engine import client\n")
    assert wrong_way(ORDER, folder) == []
    assert [(arrow.room, arrow.other) for arrow in arrows(folder)] == [("_engine", "_errors"), ("_link", "_engine")]


def test_a_diagram_without_what_follows(utils):
    folder = utils(
        engine="from .._errors import NotFound", link="from .._errors import NotFound\nfrom .._engine import client\n"
    )
    drawn = diagram(ORDER, folder)
    assert "link --> engine\n" in drawn
    assert "engine --> errors\n" in drawn
    assert "link --> errors" not in drawn


def test_what_is_packed(utils):
    folder = utils(engine="from .._errors import NotFound", link="def late():\n    from .._engine import client\n")
    assert packed(folder / "_link/task.py", folder) == {Path("_engine/client.py"), Path("_errors.py")}
