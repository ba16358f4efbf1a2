# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""link_migrate when a request fails or the module is killed, at any step: the pair works, the next run finishes."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from migrate_run import EXPOSED, IDLE, SERVE, address_of, hosts, links, migrate, reaches, resolved, restart
from mortal_client import KilledError

Json = t.Any

# More steps than any way has.
MOST_STEPS = 60
WAYS: dict[str, Json] = {
    "redirect": {},
    "leave": {"leave_bridge": True},
    "gap": {"name_gap": "allowed"},
    "gap-leave": {"name_gap": "allowed", "leave_bridge": True},
}


pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left belongs to nobody who is still at work."""
    utils = "ansible_collections.linklab.docker.plugins.module_utils"
    monkeypatch.setattr(f"{utils}._migrate.exchange.TRY_SECONDS", 1)
    monkeypatch.setattr(f"{utils}._recovery.journal._PATIENCE", 0)
    monkeypatch.setattr(f"{utils}._recovery.endpoint_notes._PATIENCE", 0)


class Pairs:
    """Makes pairs of a client and an echo server, each on a network of its own."""

    def __init__(self, lab: Json) -> None:
        self.lab = lab
        self._number = itertools.count()

    def make(self) -> tuple[str, str, str]:
        number = next(self._number)
        net = self.lab.network(f"zz{number}")
        target = self.lab.run(f"target{number}", *SERVE, ExposedPorts=EXPOSED)
        return self.lab.run(f"source{number}", *IDLE, links=[f"{target}:db"]), target, net

    def clear(self) -> None:
        self.lab.clear()


@pytest.fixture
def pairs(lab: Json) -> Pairs:
    return Pairs(lab)


def assert_works(lab: Json, source: str, where: str) -> None:
    """New connections by name work, also from something that is executed."""
    lab.wait(lambda: reaches(lab, source, "db"), 10, f"{where}: a connection by name")


def assert_finished(lab: Json, source: str, target: str, net: str, **way: Json) -> None:
    """The next run finishes, and both restart."""
    migrate(lab, source, target, network=net, **way)
    assert not migrate(lab, source, target, network=net, **way)["changed"]
    assert links(lab, source) == []
    assert "linklab" not in hosts(lab, source)
    assert resolved(lab, source, "db") == address_of(lab, target, net)
    if way.get("leave_bridge"):
        for one in (source, target):
            assert set(lab.inspect(one)["NetworkSettings"]["Networks"]) == {net}
    restart(lab, source)
    assert reaches(lab, source, "db")
    assert not [
        one
        for one in lab.engine.containers()
        if any("linklab-" in name for name in one["Names"])
        and any(name.lstrip("/").startswith(source) for name in one["Names"])
    ]


def fail_acting(proxy: Json, number: int, fault: str) -> list[Json]:
    """Let the request with this number fail, of those that act: what is executed in a container only looks or writes.

    Returns the requests that acted, which grow.
    """
    acted: list[Json] = []

    def decide(request: Json) -> str | None:
        if not request.changes or "/exec" in request.path:
            return None
        acted.append(request)
        return fault if len(acted) == number + 1 else None

    proxy.fault = decide
    return acted


@pytest.mark.parametrize("way, fault", [("redirect", "error"), ("leave", "cut-after"), ("gap-leave", "error")])
def test_a_request_that_fails_at_any_step(lab, pairs, proxy, way, fault):
    for number in range(MOST_STEPS):
        source, target, net = pairs.make()
        acted = fail_acting(proxy, number, fault)
        result = migrate_or_message(lab, source, network=net, docker_host=proxy.url, **WAYS[way])
        step = f"{way}, {fault} at {number}: {result.get('msg', 'success')}"
        assert_works(lab, source, step)
        if links(lab, source) and result.get("msg"):
            # As before, restart included.
            assert set(lab.inspect(source)["NetworkSettings"]["Networks"]) == {"bridge"}, step
            restart(lab, source)
            assert_works(lab, source, step)
        proxy.fault = lambda _request: None
        assert_finished(lab, source, target, net, **WAYS[way])
        pairs.clear()
        if len(acted) <= number:
            return
    raise AssertionError("there seem to be more steps than that")


def migrate_or_message(lab: Json, *containers: str, **params: Json) -> Json:
    """The result, or the message of a failure: a fault need not keep the task from succeeding."""
    try:
        return migrate(lab, *containers, **params)
    except AssertionError as exc:
        return {"msg": str(exc.__context__ or exc)}


class Mortal(Engine):
    """An engine's client that dies after its n-th changing request; its clones are other processes."""

    left = 0
    counts = True

    def request(self, method: str, path: str, **options: Json) -> Json:
        if not self.counts:
            return super().request(method, path, **options)
        if Mortal.left < 0:
            raise KilledError
        answer = super().request(method, path, **options)
        if method not in ("GET", "HEAD"):
            Mortal.left -= 1
            if Mortal.left < 0:
                raise KilledError
        return answer

    def clone(self) -> Engine:
        return Engine(Connection(docker_host=self.connection.docker_host))


@pytest.mark.parametrize("way", ["redirect", "leave", "gap-leave"])
def test_a_run_that_dies_at_any_step(lab, pairs, monkeypatch, way):
    for number in range(MOST_STEPS):
        source, target, net = pairs.make()
        with monkeypatch.context() as patch:
            patch.setattr("ansible_collections.linklab.docker.plugins.module_utils._module.task.Engine", Mortal)
            Mortal.left = number
            try:
                migrate(lab, source, network=net, **WAYS[way])
            except KilledError:
                died = True
            else:
                died = False
        assert_works(lab, source, f"{way}, dead after {number}")
        assert_finished(lab, source, target, net, **WAYS[way])
        pairs.clear()
        if not died:
            return
    raise AssertionError("there seem to be more steps than that")


@pytest.mark.parametrize("way", ["redirect", "gap"])
@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2])
def test_the_module_killed_at_some_moment(lab, pairs, start, way, seconds):
    source, target, net = pairs.make()
    params = {"containers": [source], "network": net, "docker_host": lab.engine.connection.docker_host}
    process = start("link_migrate", {**params, **WAYS[way]})
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert_works(lab, source, f"{way}, killed after {seconds} s")
    assert_finished(lab, source, target, net, **WAYS[way])


def test_the_module_killed_in_the_gap(lab, pairs, proxy, start):
    """The process that removes the links also attaches the source, whatever becomes of the module."""
    source, target, net = pairs.make()
    process = None

    def kill(request: Json) -> None:
        if request.method == "DELETE" and "link=1" in request.path and process is not None:
            os.kill(process.pid, signal.SIGKILL)

    proxy.fault = kill
    params = {"containers": [source], "network": net, "name_gap": "allowed", "docker_host": proxy.url}
    process = start("link_migrate", params)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    lab.wait(lambda: net in lab.inspect(source)["NetworkSettings"]["Networks"])
    assert_works(lab, source, "killed in the gap")
    assert links(lab, source) == []
    assert resolved(lab, source, "db") == address_of(lab, target, net)


@pytest.mark.parametrize("whole", [False, True], ids=["child", "both"])
def test_the_process_of_the_exchange_killed_in_the_gap(lab, pairs, proxy, start, whole):
    """Nobody is left to attach the source. The mark of the removal tells the next run to."""
    source, target, net = pairs.make()
    process = None

    def kill(request: Json) -> None:
        if request.method == "DELETE" and "link=1" in request.path and process is not None:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
            for pid in [*map(int, children), *([process.pid] if whole else [])]:
                os.kill(pid, signal.SIGKILL)

    proxy.fault = kill
    params = {"containers": [source], "network": net, "name_gap": "allowed", "docker_host": proxy.url}
    process = start("link_migrate", params, {"PYTHONWARNINGS": "always"})
    output, errors = process.communicate()
    # From Python 3.12 on, a fork with other threads there is warned of.
    assert "fork" not in errors
    if not whole:
        result = json.loads(output)
        assert "ended early; run the task again" in result["msg"]
        assert result["changed"]

    lab.wait(lambda: not links(lab, source))
    assert set(lab.inspect(source)["NetworkSettings"]["Networks"]) == {"bridge"}
    assert_finished(lab, source, target, net, name_gap="allowed")


@pytest.mark.parametrize("way", WAYS)
def test_runs_at_once_converge(lab, pairs, way):
    source, target, net = pairs.make()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _number: migrate(lab, source, network=net, **WAYS[way]), range(2)))
    assert_works(lab, source, way)
    assert_finished(lab, source, target, net, **WAYS[way])


def test_an_endpoint_that_is_not_available_in_the_gap(lab, pairs, proxy):
    source, target, net = pairs.make()
    ident = lab.inspect(source)["Id"]
    removed = []

    def refuse(request: Json) -> str | None:
        removed.extend([request] if request.method == "DELETE" and "link=1" in request.path else [])
        return "error" if removed and request.path.endswith("/connect") else None

    proxy.fault = refuse
    message = migrate(lab, source, network=net, name_gap="allowed", docker_host=proxy.url, fails=True)["msg"]

    assert "lead over the bridge until its next restart" in message
    assert lab.inspect(source)["Id"] == ident
    assert resolved(lab, source, "db") == address_of(lab, target, "bridge")
    assert reaches(lab, source, "db")


def test_a_target_that_does_not_answer_over_the_network(lab):
    """It listens on the bridge alone. That is noticed before any link goes."""
    net = lab.network("zz-net")
    target = lab.run("target", "sh", "-c", "exec httpd -f -p $(hostname -i):80", ExposedPorts=EXPOSED)
    # The engine takes such a line for its own when an endpoint goes.
    source = lab.run("source", *IDLE, links=[f"{target}:db"], host={"ExtraHosts": [f"{target}:192.0.2.9"]})
    assert connects(lab, source)
    before = [hosts(lab, one).split("\n") for one in (source, target)]

    message = migrate(lab, source, network=net, fails=True)["msg"]

    assert f"db does not lead there over {net}" in message
    assert len(links(lab, source)) == 1
    assert set(lab.inspect(source)["NetworkSettings"]["Networks"]) == {"bridge"}
    assert connects(lab, source)
    after = [[line for line in hosts(lab, one).split("\n") if line.strip()] for one in (source, target)]
    assert after == before
    restart(lab, source)
    assert connects(lab, source)


def connects(lab: Json, source: str) -> bool:
    return bool(lab.exec(source, "sh", "-c", "echo | nc -w 3 db 80")[0] == 0)
