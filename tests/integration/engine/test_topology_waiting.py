# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: containers that end by themselves and are started again."""

from __future__ import annotations

import time

import pytest

LOOP = {"restart": "always", "command": ["sh", "-c", "echo no license >&2; exit 7"]}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.linklab.docker.plugins.module_utils._engine.readiness._UP_AFTER_RESTART", 2.0
    )


@pytest.mark.parametrize("wait", ["started", "healthy"])
def test_a_container_that_is_started_again_and_again_is_no_success(topology, wait):
    for _run in range(2):
        failed = topology({"web": LOOP}, wait=wait, wait_timeout=4, fails=True)["msg"]
        assert f"{topology.full('web')} did not" in failed
        assert "again" in failed
        assert "with exit code 7" in failed
        assert "its log ends: no license" in failed


def test_a_dependency_that_does_not_stay_up_has_until_the_end_of_the_wait(topology, quick):
    began = time.monotonic()

    failed = topology({"web": LOOP, "client": {"depends_on": ["web"]}}, wait_timeout=12, fails=True)["msg"]

    assert time.monotonic() - began > 12
    assert f"{topology.full('web')} did not run within 12 s" in failed
    assert "its log ends: no license" in failed


def test_one_that_ends_until_another_without_a_healthcheck_is_up_comes_up_in_time(topology, quick):
    shared = {"volumes": [f"{topology.full('data')}:/data"]}
    slow = {"command": ["sh", "-c", "sleep 14; touch /data/up; exec sleep 100000"], **shared}
    web = {"restart": "always", "command": ["sh", "-c", "[ -e /data/up ] || exit 1; exec sleep 100000"], **shared}

    topology({"db": slow, "web": web}, wait_timeout=60)

    assert topology.raw("web")["RestartCount"] > 4


def test_nothing_is_started_after_a_container_that_does_not_stay_up(topology):
    topology({"web": LOOP}, wait_timeout=1, fails=True)
    wanted = {"web": LOOP, "client": {"depends_on": ["web"]}}

    failed = topology(wanted, wait_timeout=3, fails=True)

    assert "its log ends: no license" in failed["msg"]
    assert topology.lab.engine.containers(name=[topology.full("client")]) == []


def test_one_that_came_up_in_the_end_is_waited_for(topology):
    # It ends twice, as one that waits for its database does.
    patient = ["sh", "-c", "echo x >> /tries; [ $(wc -l < /tries) -gt 2 ] || exit 1; exec sleep 100000"]
    began = time.monotonic()

    topology({"web": {"restart": "on-failure", "command": patient}})

    assert topology.raw("web")["RestartCount"] == 2
    assert 9 < time.monotonic() - began < 30
    assert not topology({"web": {"restart": "on-failure", "command": patient}})["changed"]


def test_a_run_with_nothing_to_do_asks_no_more_of_containers_with_a_restart_policy(topology, proxy):
    wanted = {"web": {"restart": "always"}}
    topology(wanted)

    assert not topology(wanted, docker_host=proxy.url)["changed"]

    assert not [request for request in proxy.requests if request.path.endswith(("/info", "/events"))]
