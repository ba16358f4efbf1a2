# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacing a container on the real engine, where something fails on the way or the run is killed."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.recover import recover
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement import replace_with_successor
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import (
    Recover,
    find_leftovers,
    read_journal,
)
from kept import comparable
from mortal_client import KilledError, MortalClient

Json = t.Any

# A shell that runs what it is given, and exits at once when it should.
SERVE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
# Faults and deaths come by the dozen: a short look at the successor is enough there.
SHORT = 0.2


# -- whatever fails, the old one comes back ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(shared_lab: Json) -> str:
    return t.cast("str", shared_lab.network("replace"))


@pytest.fixture
def loaded(lab: Json, network: str) -> str:
    """A container with something to lose: an endpoint of its own, a volume without a name, a changed file."""
    container = lab.run("box", *SERVE, Volumes={"/data": {}}, host={"RestartPolicy": {"Name": "always"}})
    lab.connect(network, container, Aliases=["x"])
    assert lab.exec(container, "sh", "-c", "echo d > /data/d; echo f > /file")[0] == 0
    return container


def intact(lab: Json, container: str, before: Json) -> Json:
    """Check that one container with this name has all that there was, and that nothing is left over."""
    raw = lab.inspect(container)
    assert comparable(raw) == comparable(before)
    assert lab.exec(container, "cat", "/data/d", "/file") == (0, "d\nf\n")
    assert find_leftovers(lab.engine, container) == ()
    return raw


# What changes something: create, connect, stop, files, two names, start, remove.
REQUESTS = 9


# The engine may also have acted on a request whose answer is lost.
FAULTS = [
    *((number, "error") for number in range(REQUESTS)),
    *((number, "cut-after") for number in (0, 2, 5, 6, 7)),
]


@pytest.mark.parametrize("number, fault", FAULTS)
def test_a_fault_at_any_request(lab, proxy, loaded, number, fault):
    before = lab.inspect(loaded)
    engine = Engine(Connection(docker_host=proxy.url))
    proxy.fail_changing(number, fault)

    failed = ""
    try:
        done = replace_with_successor(engine, find_container(engine, loaded), settle=SHORT)
    except ApplyError as exc:
        failed = str(exc)

    raw = lab.inspect(loaded)
    if failed:
        assert raw["Id"] == before["Id"]
        assert "is back, running as before" in failed or "is as it was" in failed
        assert "fault made by the test" in failed or fault != "error"
        intact(lab, loaded, before)
        return
    # Removing the old one is the last step: the successor works by then, and stays.
    assert number == REQUESTS - 1
    if fault == "error":
        assert "could not be removed" in done.notes[-1]
        recover_now(lab, loaded)
    intact(lab, loaded, before)


def test_the_number_of_requests(lab, proxy, loaded):
    engine = Engine(Connection(docker_host=proxy.url))
    replace_with_successor(engine, find_container(engine, loaded), settle=SHORT)
    assert len(proxy.changing) == REQUESTS, [str(request) for request in proxy.changing]


def test_a_successor_that_ends_at_once(lab, loaded):
    before = lab.inspect(loaded)

    with pytest.raises(ApplyError) as failure:
        replace_with_successor(
            lab.engine,
            find_container(lab.engine, loaded),
            lambda body: {**body, "Cmd": ["sh", "-c", "echo why; exit 7"]},
            settle=1,
        )

    # Its restart policy may have started it again by the time it is looked at; the engine then has no exit code.
    assert re.search(r"its successor ended at once( with exit code 7)?; its log ends: why", str(failure.value))
    assert "is back, running as before" in str(failure.value)
    assert intact(lab, loaded, before)["Id"] == before["Id"]


def test_a_successor_that_cannot_start(lab, loaded):
    before = lab.inspect(loaded)

    with pytest.raises(ApplyError, match="no-such-program"):
        replace_with_successor(
            lab.engine, find_container(lab.engine, loaded), lambda body: {**body, "Cmd": ["/no-such-program"]}
        )

    assert intact(lab, loaded, before)["Id"] == before["Id"]


def test_a_successor_that_cannot_be_created(lab, loaded):
    before = lab.inspect(loaded)

    with pytest.raises(ApplyError, match="is as it was"):
        replace_with_successor(
            lab.engine, find_container(lab.engine, loaded), lambda body: {**body, "Image": "no/such:image"}
        )

    assert intact(lab, loaded, before)["State"]["StartedAt"] == before["State"]["StartedAt"]


# -- a run that is killed ---------------------------------------------------------------------------------------------


def recover_now(lab: Json, container: str) -> None:
    found = read_journal(lab.engine, [container], patience=0).of(container).exchange
    if found is not None:
        recover(lab.engine, Recover("", Disruption.NONE, found))


# Where the states differ from each other.
DEATHS = [
    *(("running", number) for number in range(REQUESTS + 1)),
    *(("paused", number) for number in (2, 6, 7, 8)),
    *(("exited", number) for number in (1, 3, 4)),
]


@pytest.mark.parametrize("status, number", DEATHS)
def test_the_next_run_puts_right_what_a_killed_one_left(lab, loaded, status, number):
    if status == "paused":
        lab.engine.post(f"/containers/{loaded}/pause")
    elif status == "exited":
        lab.engine.stop(loaded)
    before = lab.inspect(loaded)
    mortal = MortalClient(lab.engine.connection)
    mortal.left = number

    try:
        replace_with_successor(mortal, find_container(mortal, loaded), settle=SHORT)
    except KilledError:
        assert mortal.dead
    recover_now(lab, loaded)

    raw = lab.inspect(loaded)
    if status == "exited":
        assert raw["State"]["Status"] in ("created", "exited")
        lab.engine.start(loaded)
        before["State"]["Status"] = "running"
    else:
        assert raw["State"]["Status"] == status
    if status == "paused":
        lab.engine.post(f"/containers/{loaded}/unpause")
        before["State"]["Status"] = "running"
    intact(lab, loaded, before)


class Stopped(Engine):
    """A client whose process is asked to end right after its n-th changing request; it can still undo things."""

    left = 0

    def request(self, method: str, path: str, **options: Json) -> Json:
        answer = super().request(method, path, **options)
        self.left -= method != "GET"
        if self.left == 0 and method != "GET":
            raise SystemExit(143)
        return answer


# Before the third request, which stops the old container, nothing happens to it.
@pytest.mark.parametrize("number", range(3, REQUESTS + 1))
def test_a_run_that_is_asked_to_end_leaves_a_container_that_runs(lab, loaded, number):
    before = lab.inspect(loaded)
    stopped = Stopped(lab.engine.connection)
    stopped.left = number

    with pytest.raises(SystemExit):
        replace_with_successor(stopped, find_container(stopped, loaded), settle=SHORT)

    raw = lab.inspect(loaded)
    assert (raw["Id"] == before["Id"]) == (number < REQUESTS)
    intact(lab, loaded, before)


def test_a_container_that_somebody_removes_meanwhile_has_its_successor(lab, loaded):
    before = lab.inspect(loaded)
    engine = Stopped(lab.engine.connection)

    def start_and_remove(ident: str) -> None:
        lab.engine.start(ident)
        lab.engine.remove_container(before["Id"], force=True, volumes=False)
        raise ApplyError("some failure")

    engine.start = start_and_remove  # type: ignore[method-assign]
    with pytest.raises(ApplyError, match=r"some failure.*The old container .* is gone.*its successor .*stays"):
        replace_with_successor(engine, find_container(engine, loaded), settle=SHORT)

    intact(lab, loaded, before)


def test_a_successor_that_has_worked_since_is_not_thrown_away(lab, loaded):
    mortal = MortalClient(lab.engine.connection)
    mortal.left = REQUESTS - 1
    with pytest.raises(KilledError):
        replace_with_successor(mortal, find_container(mortal, loaded), settle=SHORT)
    assert lab.exec(loaded, "sh", "-c", "echo since > /since")[0] == 0

    recover_now(lab, loaded)

    assert lab.exec(loaded, "cat", "/since") == (0, "since\n")
    assert find_leftovers(lab.engine, loaded) == ()
