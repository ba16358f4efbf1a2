# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the names of leftovers say, and what is to become of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._recovery.names import (
    Before,
    Interrupted,
    Verdict,
    classify,
    comes_again,
    helper_name,
    policy_to_restore,
    predecessor_name,
    read_leftovers,
    successor_name,
)
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64


def summary(ident: str, *names: str, state: str = "running") -> dict[str, t.Any]:
    return {"Id": ident, "Names": [f"/{name}" for name in names], "State": state}


@given(st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,40}", fullmatch=True), st.sampled_from(list(Before)))
def test_what_a_name_says_can_be_read_again(name, before):
    there = [
        summary(NEW, successor_name(name, OLD, before)),
        summary(OLD, predecessor_name(name, NEW, before)),
        summary(OTHER, helper_name(name, OLD), state="created"),
    ]
    found = {left.role: left for left in read_leftovers(name, there)}
    assert {role: (left.id, left.peer) for role, left in found.items()} == {
        "new": (NEW, OLD[:12]),
        "old": (OLD, NEW[:12]),
        "unlink": (OTHER, OLD[:12]),
    }
    assert found["new"].before is found["old"].before is before
    assert read_leftovers(f"x{name}", there) == ()


def test_the_target_of_a_leftovers_link_is_no_leftover():
    new = successor_name("box", OLD, Before.RUNNING)
    assert read_leftovers("box", [summary(OTHER, "database", f"{new}/db")]) == ()


def judged(holder: tuple[str, str] | None, *there: dict[str, t.Any]) -> Interrupted | None:
    raw = None if holder is None else {"Id": holder[0], "State": {"Status": holder[1]}}
    return classify("box", raw, read_leftovers("box", there))[0]


SUCCESSOR = summary(NEW, successor_name("box", OLD, Before.RUNNING))
PREDECESSOR = summary(OLD, predecessor_name("box", NEW, Before.RUNNING))
STOPPED = summary(OLD, predecessor_name("box", NEW, Before.STOPPED))


@pytest.mark.parametrize(
    "holder, there, verdict, old, new",
    [
        ((OLD, "exited"), [SUCCESSOR], Verdict.BACK, OLD, NEW),
        (None, [SUCCESSOR, PREDECESSOR], Verdict.BACK, OLD, NEW),
        (None, [PREDECESSOR], Verdict.BACK, OLD, ""),
        ((NEW, "created"), [PREDECESSOR], Verdict.BACK, OLD, NEW),
        ((NEW, "exited"), [PREDECESSOR], Verdict.BACK, OLD, NEW),
        ((NEW, "restarting"), [PREDECESSOR], Verdict.BACK, OLD, NEW),
        ((NEW, "running"), [PREDECESSOR], Verdict.FINISH, OLD, NEW),
        ((NEW, "created"), [STOPPED], Verdict.FINISH, OLD, NEW),
        (None, [SUCCESSOR], Verdict.ADOPT, "", NEW),
        ((OTHER, "running"), [SUCCESSOR], Verdict.LEAVE, "", NEW),
        ((OTHER, "running"), [PREDECESSOR], Verdict.LEAVE, OLD, ""),
    ],
)
def test_what_becomes_of_each_pair(holder, there, verdict, old, new):
    found = judged(holder, *there)
    assert found is not None
    assert (found.verdict, found.old_id, found.new_id) == (verdict, old, new)
    assert found.remains == (old if verdict is Verdict.BACK else new)


def test_nothing_left_is_nothing_to_judge():
    assert judged((OLD, "running")) is None
    assert judged((OLD, "running"), summary(OTHER, helper_name("box", OLD))) is None


@pytest.mark.parametrize(
    "name, retries, told",
    [
        ("always", 0, "always"),
        ("on-failure", 0, "on-failure"),
        ("on-failure", 5, "on-failure-5"),
        ("unless-stopped", 0, ""),
        ("no", 0, ""),
        ("", 0, ""),
    ],
)
def test_a_policy_that_was_taken_away_is_in_the_name(name, retries, told):
    policy = {"Name": name, "MaximumRetryCount": retries}
    assert comes_again({"HostConfig": {"RestartPolicy": policy}}) == told
    left = predecessor_name("box", NEW, Before.RUNNING, told)
    assert judged((NEW, "running"), summary(OLD, left)) is not None
    without = {"Name": f"/{left}", "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}}
    assert policy_to_restore(without) == (policy if told else None)
    assert policy_to_restore({**without, "HostConfig": {"RestartPolicy": {"Name": "always"}}}) is None
    assert policy_to_restore({**without, "Name": "/box"}) is None


@pytest.mark.parametrize(
    "status, before",
    [
        ("running", "running"),
        ("restarting", "running"),
        ("paused", "paused"),
        ("exited", "stopped"),
        ("created", "stopped"),
    ],
)
def test_a_status_has_a_state_to_come_back_to(status, before):
    assert Before.of(status).value == before
