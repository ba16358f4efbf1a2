# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports in a real browser: their elements are there, the console is empty, and nothing is requested.

Those of the ready labs come from real runs, under names of their own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.plugin_utils._report import build
from ansible_collections.linklab.docker.plugins.plugin_utils._report_files import report_files, summary_files
from browser import see
from junitparser import JUnitXml
from report_cases import failing, hostile, large, preview, told

ROOT = Path(__file__).resolve().parents[2]
CASES = {"passing": told, "failing": failing, "preview": preview, "hostile": hostile, "large": large}
# By lab: the containers, and the checks.
READY = {"links": (2, 2), "networks": (2, 1), "three_tier": (3, 3)}
# In a MySQL database's name a hyphen would need quotes.
NAMES = {
    "three_tier": (re.compile("shop"), "lt_shop"),
    None: (re.compile(r"\b(lesson|database|client|test_network)\b"), r"lt-\1"),
}


@pytest.fixture
def seen(tmp_path):
    """Open a text as a page."""

    def open_(text: str):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        return see(path, tmp_path / "profile")

    return open_


@pytest.mark.parametrize("case", CASES)
def test_a_report(seen, case):
    found = seen(report_files(build(CASES[case]()))["report.html"])
    assert found.console == []
    assert found.requests == []
    assert {"verdict", "topology", "matrix", "checks", "changes"} <= found.page.ids
    assert not {"script", "img", "iframe", "object"} & set(found.page.tags)
    assert found.page.tags.count("svg") == 1


def test_a_summary(seen):
    found = seen(summary_files({"ada": build(told()), "ben": build(hostile()), "cem": {}})["summary.html"])
    assert (found.console, found.requests) == ([], [])
    assert {"labs", "verdict"} <= found.page.ids


def test_that_a_request_and_an_error_would_be_noticed(seen):
    found = seen("<!DOCTYPE html><img src='http://127.0.0.1:8000/x.png'><script>console.error('oh')</script>")
    assert found.requests == ["GET http://127.0.0.1:8000/x.png HTTP/1.1"]
    assert any("oh" in line for line in found.console)


@pytest.mark.parametrize("lab", READY)
def test_the_report_of_a_ready_lab(tmp_path, lab):
    text = (ROOT / f"playbooks/labs/{lab}.yml").read_text(encoding="utf-8")
    path = tmp_path / "lab.yml"
    names, ours = NAMES.get(lab) or NAMES[None]
    path.write_text(names.sub(ours, text), encoding="utf-8")
    arguments = ["playbooks/lab.yml", "-e", f"lab_file={path}", "-e", json.dumps({"lab_report": str(tmp_path / "out")})]
    try:
        play(*arguments)
        found = see(tmp_path / "out/report.html", tmp_path / "profile")
    finally:
        play(*arguments, "-e", "lab_state=absent")
    containers, checks = READY[lab]
    assert (found.console, found.requests) == ([], [])
    assert sum(one == "container" for one in found.page.classes) == containers
    assert f"{checks} of {checks} checks are as expected." in found.page.text
    assert {f"check-{number}" for number in range(1, checks + 1)} <= found.page.ids
    edges = sum(bool(re.fullmatch("edge (reached|isolated)", one)) for one in found.page.classes)
    assert edges > checks  # each check, and the legend
    assert "Docker Engine" in found.page.text
    suites = JUnitXml.fromfile(str(tmp_path / "out/junit.xml"))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (checks, 0, 0, 0)
    report = json.loads((tmp_path / "out/lab.json").read_text(encoding="utf-8"))
    assert report["result"] == "passed"
    assert "fish-and-chips" not in "".join(one.read_text(encoding="utf-8") for one in (tmp_path / "out").iterdir())


def play(*arguments: str) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
