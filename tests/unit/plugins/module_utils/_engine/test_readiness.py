# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine import readiness
from ansible_collections.linklab.docker.plugins.module_utils._engine.readiness import (
    assess,
    is_kept_up,
    seconds_between,
)

KILLED = {"ExitCode": 137, "OOMKilled": True}


@pytest.mark.parametrize(
    "state, final, words",
    [
        ({"Status": "exited", "ExitCode": 7}, True, "it ended with exit code 7"),
        (
            {"Status": "restarting", **KILLED},
            False,
            "it is started again and again, and ended with exit code 137, killed",
        ),
        ({"Status": "created"}, False, "its status is created"),
    ],
)
def test_a_container_that_does_not_run_is_not_ready(state, final, words):
    look = assess({"State": state}, "started")
    assert not look.ready
    assert look.final == final
    assert look.text.startswith(words)


@pytest.mark.parametrize(
    "count, health, condition, seconds",
    [
        (0, "", "healthy", 0.0),
        (3, "", "started", 10.0),
        (3, "", "healthy", 10.0),
        # Its healthcheck, if that is waited for, says more than the time does.
        (3, "healthy", "healthy", 0.0),
        (3, "healthy", "started", 10.0),
    ],
)
def test_a_container_that_was_started_again_must_stay_up(count, health, condition, seconds):
    look = assess({"RestartCount": count, "State": {"Status": "running", "Health": {"Status": health}}}, condition)
    assert (look.ready, look.seconds, look.final) == (not seconds, seconds, False)
    assert look.text == ("it was started again 3 times, as it ended by itself" if seconds else "")


def test_one_that_ends_again_and_again_is_no_slow_starter():
    state = {"Status": "running", "Health": {"Status": "starting"}}
    assert assess({"State": state}, "healthy").text == "its health is starting"
    again = "its health is starting, it was started again once, as it ended by itself"
    assert assess({"State": state, "RestartCount": 1}, "healthy").text == again


def test_how_one_ended_is_reported_even_if_it_runs_at_the_moment(monkeypatch):
    """The engine describes only the current run, and which one that is at the end is chance."""
    monkeypatch.setattr(readiness, "log_tail", lambda *_args: "")
    running = {"Status": "running", "Running": True, "Health": {"Status": "starting"}}
    looks = iter(
        [
            {"RestartCount": 2, "State": {"Status": "restarting", **KILLED}},
            {"RestartCount": 3, "State": running},
        ]
    )
    wait = readiness._Wait(SimpleNamespace(container=lambda _name: next(looks)), ())
    text = wait.describe(wait.still_pending({"box": "healthy"}), "did not {} within 60 s")
    assert "started again 3 times" in text
    assert "it last ended with exit code 137, killed for lack of memory" in text


@pytest.mark.parametrize("policy, kept", [("", False), ("no", False), ("always", True), ("on-failure", True)])
def test_which_containers_the_engine_keeps_up(policy, kept):
    assert is_kept_up({"HostConfig": {"RestartPolicy": {"Name": policy}}}) == kept


@pytest.mark.parametrize(
    "earlier, later, seconds",
    [
        ("2026-11-28T23:31:04.123456789Z", "2026-11-28T23:31:05.223456789Z", 1.1),
        # The engine leaves out zeros at the end, and writes its own time with the zone that it is in.
        ("2026-11-28T23:31:04.5Z", "2026-11-29T01:31:06+02:00", 1.5),
        ("2026-11-28T23:31:04Z", "", math.inf),
        ("", "2026-11-28T23:31:04Z", math.inf),
    ],
)
def test_the_seconds_between_two_times_of_the_engine(earlier, later, seconds):
    assert seconds_between(earlier, later) == pytest.approx(seconds)
