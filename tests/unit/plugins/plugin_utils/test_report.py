# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports as data: which check became what, stages and points, and that no secret is in them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.linklab.docker.plugins.plugin_utils._report import build
from report_cases import SECRET, failing, preview, result, told


def statuses(report):
    return [one["status"] for one in report["checks"]]


def test_a_lab_that_passes():
    report = build(told())
    assert report["result"] == "passed"
    assert report["counts"] == {"checks": 1, "passed": 1, "failed": 0, "skipped": 0}
    (check,) = report["checks"]
    assert (check["number"], check["latency_ms"], check["seconds"], check["path"]) == (1, 4.1, 0.25, "network:front")
    assert (check["cause"], check["hint"], check["task"]) == ("", "", "")
    assert report["points"] is None
    assert report["engine"]["version"] == "28.5.1"
    assert not report["planned"]


def test_stages_and_points_of_a_lab_that_fails():
    report = build(failing())
    assert report["result"] == "failed"
    assert statuses(report) == ["passed", "passed", "failed", "skipped"]
    assert [one["stage"] for one in report["checks"]] == ["one", "two", "two", "three"]
    assert report["points"] == {"earned": 2.0, "possible": 9.0}
    # All or nothing: one of the two ports of the second element is closed.
    assert [(one["status"], one["earned"], one["checks"]) for one in report["criteria"]] == [
        ("passed", 2.0, [1]),
        ("failed", 0.0, [2, 3]),
        ("skipped", 0.0, [4]),
    ]
    assert report["checks"][2]["task"] == "- name: Attach it\n"
    assert report["checks"][3]["message"] == "Skipped, since a check of the stage before it is not as expected (two)."


def test_a_check_of_two_elements_is_one_check_and_counts_for_both():
    checks = [
        {"name": name, "points": 1, "source": ["web"], "target": ["app"], "port": [8080], "protocol": "tcp"}
        for name in ("a", "b")
    ]
    report = build(told(checks=checks))
    assert [one["checks"] for one in report["criteria"]] == [[1], [1]]
    assert report["points"] == {"earned": 2.0, "possible": 2.0}
    assert len(report["checks"]) == 1


def test_a_preview_draws_the_plan():
    report = build(preview())
    assert report["result"] == "preview"
    assert report["preview"] and report["planned"]
    assert [one["name"] for one in report["topology"]["containers"]] == ["app", "web"]
    assert report["checks"][0]["message"] == "A preview has nothing to look at."
    assert report["changes"][0]["action"] == "create_network"


def test_a_preview_of_a_lab_that_is_as_described_is_checked():
    report = build(told(preview=True, topology={"actions": [], "disruption": "none"}))
    assert (report["result"], report["changes"]) == ("passed", [])


@pytest.mark.parametrize(
    "more,message",
    [
        ({"topology": {"failed": True, "msg": "no such image"}}, "no such image"),
        ({"topology": {"unreachable": True}}, "The lab could not be brought up."),
        ({"mistakes": ["lab_name is missing"]}, "The lab has mistakes. Nothing was changed.\n- lab_name is missing"),
    ],
)
def test_a_lab_that_could_not_be_brought_up(more, message):
    report = build(told(proofs=[], graph={"failed": True, "msg": "no engine"}, **more))
    assert (report["result"], report["message"], statuses(report)) == ("error", message, ["skipped"])
    assert report["checks"][0]["message"] == "The lab could not be brought up."
    assert report["planned"]


def test_checks_that_cannot_be_read_are_left_to_the_mistakes():
    report = build(told(checks=[{"source": ["web"]}], mistakes=["lab_checks[0].target is missing"]))
    assert (report["result"], report["checks"]) == ("error", [])
    # A topology that cannot be drawn, the same.
    assert build(told(graph={}, containers={"web": {"imag": "x"}}))["topology"]["containers"] == []


def test_checks_that_were_not_made_are_no_success():
    assert build(told(proofs=[]))["result"] == "error"


def test_a_task_that_failed_before_its_checks():
    report = build(told(proofs=[{"failed": True, "msg": f"the engine does not answer, password={SECRET}"}]))
    assert (report["result"], report["checks"][0]["cause"]) == ("failed", "error")
    assert "does not answer" in report["checks"][0]["message"]
    assert SECRET not in json.dumps(report)


def test_a_hole_has_no_hint_how_to_keep_it():
    hole = result("web", "app", 8080, expect="unreachable", passed=False)
    report = build(told(proofs=[{"results": [hole]}]))
    assert (report["checks"][0]["cause"], report["checks"][0]["task"]) == ("", "")


def test_no_secret_is_in_a_report():
    one = result("web", "app", 8080, cause="access_denied", msg=f"denied: {SECRET}")
    one["diagnosis"] = dict.fromkeys(("cause", "message", "hint", "task"), f"x {SECRET}") | {"cause": "access_denied"}
    one["probe"] = {"image": SECRET}
    actions = [{"action": "update_container", "subject": "web", "reason": f"has {SECRET}", "disruption": "none"}]
    found = json.dumps(build(told(proofs=[{"results": [one]}], topology={"actions": actions, "msg": SECRET})))
    assert SECRET not in found
    assert "denied: ********" in found


def test_a_password_that_is_the_name_of_its_user_stays_legible():
    login = {"source": ["web"], "target": ["app"], "login": {"user": "clerk", "password": "clerk"}}
    found = build(told(checks=[login], proofs=[{"results": [result("web", "app", 3306, msg="hello clerk")]}]))
    assert found["checks"][0]["message"] == "hello clerk"


def test_a_migration():
    one = {"source": "web", "name": "db", "target": "app", "port": 80, "resolves": True, "reachable": True, "msg": "ok"}
    names = [
        one,
        {**one, "port": None, "reachable": None},
        {**one, "reachable": False},
        {**one, "resolves": None, "reachable": None},
    ]
    report = build(told(names=names, checks=[], proofs=[]))
    assert statuses(report) == ["passed", "passed", "failed", "skipped"]
    assert report["checks"][2]["cause"] == "not_reached"
    assert report["result"] == "failed"
