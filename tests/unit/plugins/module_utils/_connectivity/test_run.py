# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How checks end: when to wait, what is as expected, what is reported, and what stays hidden."""

from __future__ import annotations

import json
import math
import time
import typing as t
from dataclasses import replace

import pytest
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.linklab.docker.plugins.module_utils._connectivity import run as connectivity_run
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import CAUSES, accepts
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence, Peer
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.finding import Finding
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import Connect, ProbeAnswer
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.run import (
    Attempt,
    Outcome,
    Run,
    result_of,
    run_check,
    run_checks,
    stands,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.task import hidden, names_of_users
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.modules import connectivity
from hypothesis import given
from hypothesis import strategies as st
from recorded import Recorded

Json = t.Any


def found(cause: str) -> Finding:
    return Finding(cause, f"it is {cause}", "Fix it.")


def evidence(one: Check) -> Evidence:
    container = Recorded("20.10").container("full")
    return Evidence(one, Peer(container, container), Peer(container, container))


def check(**options: Json) -> Check:
    return Check("a", "b", **options)


causes = st.sampled_from([None, *CAUSES])


@given(causes, st.sampled_from(["reachable", "unreachable"]), st.sampled_from(["", *CAUSES]))
def test_what_is_as_expected(cause, expect, wanted):
    one = check(expect=expect, cause=wanted if expect == "unreachable" else "")
    outcome = Outcome(one, evidence(one), found(cause) if cause else None, (Attempt(0.1, None),))
    if expect == "reachable":
        assert outcome.passed == (cause is None)
    elif one.cause:
        assert outcome.passed == (cause is not None and accepts(one.cause, cause))
    else:
        assert outcome.passed == (cause is not None and CAUSES[cause].isolates)
    result = result_of(outcome)
    assert result["passed"] == outcome.passed
    assert result["reachable"] == (cause is None)
    assert result["msg"].startswith("a -> b:3306 (mysql): ")


@given(causes, st.sampled_from(["", *CAUSES]))
def test_when_to_wait(cause, wanted):
    finding = found(cause) if cause else None
    one = check(expect="unreachable" if wanted else "reachable", cause=wanted)
    if finding is None or CAUSES[cause].lasting:
        assert stands(one, finding)
    else:
        assert stands(one, finding) == accepts(wanted, cause)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Json:
    """Let attempts find these causes, one after the other; None is a way that works."""

    def given_(*causes: str | None) -> list[str | None]:
        left = list(causes)

        def attempt(_engine: Json, one: Check, _images: Json) -> tuple[Evidence, Finding | None]:
            cause = left.pop(0)
            if cause == "error":
                raise Refusal("the image is not there")
            return evidence(one), found(cause) if cause else None

        monkeypatch.setattr(connectivity_run, "attempt", attempt)
        return left

    return given_


def causes_of(outcome: Outcome) -> list[str | None]:
    return [one.finding.cause if one.finding else None for one in outcome.attempts]


def test_what_can_come_right_is_tried_again(passes):
    passes("server_starting", "port_closed", None)
    outcome = run_check(None, check(interval=0.05), Run())
    assert causes_of(outcome) == ["server_starting", "port_closed", None]
    assert outcome.passed


def test_what_cannot_come_right_is_not(passes):
    left = passes("no_common_network", None)
    outcome = run_check(None, check(interval=0.05), Run())
    assert causes_of(outcome) == ["no_common_network"]
    assert left == [None]
    assert "Fix it." in outcome.message()


def test_the_time_is_over(passes):
    passes(*["port_closed"] * 99)
    outcome = run_check(None, check(interval=0.05, timeout=0.12), Run())
    assert 2 <= len(outcome.attempts) <= 3
    assert f"({len(outcome.attempts)} attempts in 0 s)" in outcome.message()
    passes("port_closed")
    assert len(run_check(None, check(timeout=0), Run()).attempts) == 1


def test_a_task_that_is_asked_to_end_waits_no_more(passes):
    passes("port_closed")
    run = Run()
    run.stop.set()
    assert len(run_check(None, check(timeout=60, interval=30), run).attempts) == 1


def test_a_check_that_cannot_be_made(passes):
    passes("error")
    outcome = run_check(None, check(expect="unreachable"), Run())
    assert not outcome.passed
    assert not outcome.reachable
    assert outcome.message() == "a -> b:3306 (mysql): the image is not there"
    assert result_of(outcome)["diagnosis"] is None


def test_no_check_is_tried_when_the_time_of_all_is_over(passes):
    left = passes("port_closed", None)
    run = Run()
    run.begin(0.05)
    time.sleep(0.06)
    outcome = run_check(None, check(expect="unreachable"), run)
    assert outcome.message() == "a -> b:3306 (mysql): not tried: the total_timeout of 0.05 seconds was over"
    assert not outcome.passed
    assert not outcome.attempts
    assert left == ["port_closed", None]


def test_nothing_is_tried_again_beyond_the_time_of_all(passes):
    passes(*["port_closed"] * 99)
    run = Run()
    run.begin(0.12)
    assert len(run_check(None, check(interval=0.05, timeout=60), run).attempts) <= 3
    assert Run().end == math.inf


def test_passwords_are_hidden_from_the_invocation():
    login = {"user": "root", "password": "hush"}
    params = {"login": login, "checks": [{"source": ["a"], "login": {"user": "x", "password": ""}}], "port": 1}
    shown = hidden(params)
    assert "hush" not in str(shown)
    assert shown["login"]["user"] == "root"
    assert shown["checks"][0]["login"]["password"] == ""
    assert params["login"] == {"user": "root", "password": "hush"}


def test_only_a_password_that_is_the_name_of_its_user_is_not_blackened():
    def login(user: str, password: str) -> Json:
        return {"login": {"user": user, "password": password}}

    assert names_of_users(login("root", "root")) == {"root"}
    assert names_of_users(login("root", "hush")) == set()
    assert names_of_users(login("", "")) == set()
    assert names_of_users({"login": None, "checks": [login("a", "a"), {"login": None}]}) == {"a"}


@pytest.mark.parametrize("password", ["hush-hush", "root"])
def test_a_failing_task_shows_no_password(password, capsys):
    login = {"user": "root", "password": password}
    options = {"source": "a", "target": "b", "login": login, "docker_host": "unix:///nowhere.sock"}
    # Since ansible-core 2.21, the invocation is in the result only where somebody asks for it.
    if "inject_invocation" in PASS_VARS:
        options["_ansible_inject_invocation"] = True
    with patch_module_args(options), pytest.raises(SystemExit):
        connectivity.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"]
    assert "does not exist" in result["msg"]
    shown = result["invocation"]["module_args"]["login"]
    assert password not in shown["password"]
    # A user of the same name stays legible.
    assert shown["user"] == "root"


def test_many_checks_at_once_keep_their_order(monkeypatch):
    class Engine:
        clones: t.ClassVar[list[Json]] = []

        def clone(self) -> Json:
            self.clones.append(type(self)())
            return self.clones[-1]

        def close(self) -> None:
            self.clones.remove(self)

    made = []

    def attempt(engine: Engine, one: Check, _images: Json) -> tuple[Evidence, Finding | None]:
        made.append(engine)
        time.sleep(0.01)
        return evidence(one), None

    monkeypatch.setattr(connectivity_run, "attempt", attempt)
    checks = [check(port=number) for number in range(1, 40)]
    outcomes = run_checks(Engine(), checks, Run())
    assert [outcome.check for outcome in outcomes] == checks
    assert 1 < len(set(made)) <= 8
    assert Engine.clones == []


def test_one_pass_reads_more_only_when_a_check_fails(monkeypatch):
    steps: list[str] = []
    one = check(protocol="tcp", host="10.94.200.7")
    connects = [(), (Connect("10.94.200.7", "refused"),)]

    def probe(_engine: Json, _evidence: Evidence, _images: Json) -> ProbeAnswer:
        steps.append("probe")
        return ProbeAnswer(tools=(("name", "literal"),), addresses=("10.94.200.7",), connects=connects.pop(0))

    def observe(_engine: Json, given_: Check) -> Evidence:
        steps.append("observe")
        found_ = evidence(given_)
        client = replace(found_.source.container, id="c" * 64, name="client")
        return replace(found_, source=Peer(client, client))

    def enrich(_engine: Json, before: Evidence, band: str, _images: Json) -> Evidence:
        steps.append(f"enrich {band}")
        return before

    monkeypatch.setattr(connectivity_run, "probe", probe)
    monkeypatch.setattr(connectivity_run, "observe", observe)
    monkeypatch.setattr(connectivity_run, "enrich", enrich)
    assert connectivity_run.attempt(None, one, None)[1] is None
    assert steps == ["observe", "probe"]
    finding = connectivity_run.attempt(None, one, None)[1]
    assert finding is not None
    assert finding.cause == "port_closed"
    assert steps[2:] == ["observe", "probe", "enrich tcp"]
