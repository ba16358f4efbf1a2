# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of reports: JUnit that others read, HTML in which every name is text, CSV without formulas."""

from __future__ import annotations

import csv
import io
import json

import pytest
from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import visible
from ansible_collections.linklab.docker.plugins.plugin_utils._report import build
from ansible_collections.linklab.docker.plugins.plugin_utils._report_files import (
    junit,
    report_files,
    summary_files,
    summary_lines,
)
from browser import Page
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from report_cases import HOSTILE, SECRET, failing, hostile, large, preview, result, told

CASES = {"passing": told, "failing": failing, "preview": preview, "hostile": hostile, "large": large}


def page_of(told_: dict[str, object]) -> Page:
    return Page(report_files(build(told_))["report.html"])


@pytest.mark.parametrize("case", CASES)
def test_a_page_loads_nothing_and_runs_nothing(case):
    page = page_of(CASES[case]())
    assert not {"script", "img", "iframe", "object", "embed"} & set(page.tags)
    assert not page.handlers
    assert all(link == "data:," or link.startswith("#") for link in page.links), page.links
    assert "verdict" in page.ids and "topology" in page.ids and "checks" in page.ids


def test_what_is_on_a_page():
    page = page_of(failing())
    text = page.text
    for part in (
        "Failed",
        "2 of 9 points",
        "2 of 4 checks are as expected, 1 is not, 1 was skipped.",
        "port_closed",
        "4.1 ms",
        "- name: Attach it",
        "create network front it does not exist none",
        "Docker Engine 28.5.1 (API 1.51), linklab.docker 0.2.0, ansible-core 2.21.5",
        "2026-11-29 12:00:00 UTC",
    ):
        assert part in text, text
    assert {f"#check-{number}" for number in range(1, 5)} <= set(page.links)


def test_hostile_texts_are_shown_as_texts():
    page = page_of(hostile())
    known = set(page_of(failing()).tags) | {"pre", "rect", "circle"}
    assert set(page.tags) <= known
    shown = "\n".join(page.texts)
    for text in HOSTILE:
        assert visible(text) in shown


@given(st.text(), st.text(), st.text())
def test_any_text_is_shown_as_text(name, message, image):
    one = result("web", "app", 8080, cause="mysql_error", msg=message)
    lab = told(name=name, proofs=[{"results": [one], "passed": False}])
    lab["graph"]["containers"][0].update(name=name or "app", image=image)
    report = build(lab)
    files = report_files(report)
    page = Page(files["report.html"])
    assert set(page.tags) == set(page_of(told(proofs=[{"results": [one], "passed": False}])).tags)
    assert json.loads(files["lab.json"]) == json.loads(json.dumps(report))
    assert len(list(JUnitXml.fromstring(files["junit.xml"].encode()))) == 1


# -- JUnit ------------------------------------------------------------------------------------------------------------


def cases_of(told_: dict[str, object]):
    found = JUnitXml.fromstring(junit(build(told_)).encode())
    (suite,) = found
    assert (found.tests, found.failures, found.errors, found.skipped) == (
        suite.tests,
        suite.failures,
        suite.errors,
        suite.skipped,
    )
    cases = list(suite)
    assert suite.tests == len(cases)
    for kind, count in ((Failure, suite.failures), (Error, suite.errors), (Skipped, suite.skipped)):
        assert count == sum(isinstance(one, kind) for case in cases for one in case.result)
    return suite, cases


def test_junit_of_a_lab_that_passes():
    suite, (case,) = cases_of(told())
    assert (suite.name, suite.hostname, suite.timestamp) == ("shop", "lab1", "2026-11-29T12:00:00")
    assert (case.classname, case.name, case.time, case.result) == ("shop", "web -> app:8080 (tcp)", 0.25, [])


def test_junit_of_a_lab_that_fails():
    suite, cases = cases_of(failing())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 1, 0, 1)
    assert {one.name: one.value for one in suite.properties()} == {"points.earned": "2", "points.possible": "9"}
    (failure,) = cases[2].result
    assert (failure.type, failure.message) == ("port_closed", "web -> app: port_closed")
    assert failure.text == "web -> app: port_closed\n\n- name: Attach it"
    assert cases[0].name == "Names: web -> app (dns)" and cases[0].classname == "shop.one"
    (skipped,) = cases[3].result
    assert skipped.message.startswith("Skipped, since")


def test_junit_of_a_hole():
    hole = result("web", "app", 8080, expect="unreachable", passed=False)
    checks = [{**told()["checks"][0], "expect": "unreachable"}]
    _suite, (case,) = cases_of(told(proofs=[{"results": [hole]}], checks=checks))
    assert case.result[0].type == "reached"
    assert case.name == "web -> app:8080 (tcp, unreachable)"


def test_junit_of_a_lab_that_could_not_be_brought_up():
    suite, cases = cases_of(told(proofs=[], topology={"failed": True, "msg": "no such image"}))
    assert (suite.tests, suite.errors, suite.skipped) == (2, 1, 1)
    assert (cases[0].name, cases[0].result[0].message) == ("the lab is brought up", "no such image")


def test_junit_of_hostile_texts():
    suite, cases = cases_of(hostile())
    assert suite.failures == len(cases) - 1 == len(HOSTILE) - 1
    assert {case.result[0].message for case in cases[1:]} == {visible(text) for text in HOSTILE if text}


# -- many reports -----------------------------------------------------------------------------------------------------


def test_a_summary():
    reports = {"ada": build(told()), "ben": build(failing()), "cem": {}}
    files = summary_files(reports)
    rows = list(csv.DictReader(io.StringIO(files["summary.csv"])))
    assert [(row["name"], row["result"], row["earned"], row["points"], row["passed"]) for row in rows] == [
        ("ada", "passed", "", "", "1"),
        ("ben", "failed", "2", "9", "2"),
        ("cem", "error", "", "", "0"),
    ]
    page = Page(files["summary.html"])
    assert page.links == ["data:,", "ada/report.html", "ben/report.html"]
    assert "1 of 3 passed" in " ".join(page.texts)
    assert summary_lines(reports) == [
        "ada: passed, 1 of 1 checks",
        "ben: failed, 2 of 4 checks, 2 of 9 points",
        "cem: There is no report: the host was not reached, or the run was interrupted.",
    ]


def test_a_summary_of_hostile_names():
    files = summary_files({text: build(hostile()) for text in HOSTILE})
    rows = list(csv.reader(io.StringIO(files["summary.csv"])))
    assert len(rows) == 1 + len(HOSTILE)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    page = Page(files["summary.html"])
    assert not {"script", "img", "b"} & set(page.tags)


@pytest.mark.parametrize("case", CASES)
def test_no_file_has_a_secret(case):
    files = {**report_files(build(CASES[case]())), **summary_files({"x": build(CASES[case]())})}
    assert not [name for name, text in files.items() if SECRET in text]
