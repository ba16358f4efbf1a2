# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine behind a real sshd on a loopback port: every kind of request, and every way not to get there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import AT_ONCE
from ssh_server import SshServer, why_not

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = t.Any

SERVE = ("httpd", "-f", "-p", "80")
# A failure costs a connection that is refused, the start of the module, and a busy machine.
SOON = 15.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    if why_not():
        pytest.skip(why_not())
    one = SshServer(tmp_path_factory.mktemp("ssh"))
    one.up()
    yield one
    one.down()


@pytest.fixture
def url(engine: Json) -> Callable[[str], str]:
    """Return the URL of the tested engine on one of the server's hosts."""
    return lambda host: f"ssh://{host}{engine.connection.docker_host.partition('://')[2]}"


@pytest.fixture
def run(server: SshServer, url: Json, module: Json) -> Json:
    """Run a module through ssh; afterwards no ssh program may be left."""

    def call(name: str, params: Json, host: str = "engine", environment: Json = None, **modes: Json) -> Json:
        begin = len(server.started())
        given = {"docker_host": url(host), **params}
        result = module(name, given, environment={**server.environment, **(environment or {})}, **modes)
        assert len(server.started()) > begin
        left_alone(server)
        return result

    return call


@pytest.fixture
def refused(server: SshServer, module: Json) -> Callable[..., str]:
    """Run network_attach, which must not get through to the engine, and return its message."""

    def call(docker_host: str, environment: Json = None, **options: Json) -> str:
        begin = time.monotonic()
        task = {"network": "any", "docker_host": docker_host, **options}
        result = module("network_attach", task, fails=True, environment={**server.environment, **(environment or {})})
        assert time.monotonic() - begin < SOON
        assert "\n" not in result["msg"]
        assert not result.get("changed")
        left_alone(server)
        return str(result["msg"])

    return call


def left_alone(server: SshServer) -> None:
    """Wait until no program runs that the server's ssh was started as."""
    end = time.monotonic() + 5
    while running := server.running():
        assert time.monotonic() < end, running
        time.sleep(0.05)


def test_a_container_is_attached_and_detached(lab, run):
    task = {"network": lab.network("net"), "endpoints": [{"container": lab.run("box"), "aliases": ["b"]}]}
    foreseen = run("network_attach", task, check=True)
    first = run("network_attach", task)
    again = run("network_attach", task)
    removed = run("network_attach", {"network": task["network"], "purge": True})
    assert [action["action"] for action in first["actions"]] == ["attach"]
    assert foreseen["actions"] == first["actions"]
    assert not again["changed"]
    assert [action["action"] for action in removed["actions"]] == ["detach"]


def test_many_containers_are_read_at_once(lab, run, module):
    network = lab.network("net")
    for number in range(AT_ONCE + 5):
        lab.run(f"box-{number}", networks=[network], start=False)
    task = {"network": network, "purge": True}
    there, here = run("network_attach", task, check=True), module("network_attach", task, check=True)
    assert len(there["actions"]) == AT_ONCE + 5
    assert there == here


def test_pairs_are_checked_by_programs_in_the_source_and_in_helpers(lab, run):
    net = lab.network("net")
    target = lab.run("target", *SERVE, networks=[net])
    sources = [lab.run(f"source{number}", networks=[net]) for number in range(6)]
    checks = [{"source": sources, "target": [target], "port": [80, 81]}]
    result = run("connectivity", {"checks": checks, "protocol": "tcp", "timeout": 0}, fails=True)
    assert [one["passed"] for one in result["results"]] == [True, False] * 6
    assert {one["probe"]["where"] for one in result["results"]} == {"source"}

    lab.exec(sources[0], "rm", "/bin/busybox")
    pair = {"source": sources[0], "target": target, "protocol": "tcp", "timeout": 0}
    assert run("connectivity", {**pair, "port": 80})["probe"]["where"] == "helper"
    assert run("connectivity", {**pair, "port": 81}, fails=True)["diagnosis"]["cause"] == "port_closed"


@pytest.mark.parametrize("where", ["source", "helper"])
def test_a_login_with_mysql(lab, run, mysql_image, mysql_server, where):
    net = lab.network("net")
    lab.connect(net, mysql_server, Aliases=["database"])
    image, helper = ({"image": mysql_image}, {}) if where == "source" else ({}, {"probe_image": mysql_image})
    source = lab.run("client", "sleep", "100000", networks=[net], **image)
    login = {"protocol": "mysql", "port": 3306, "host": "database", "login": {"password": "root"}}
    pair = {"source": source, "target": mysql_server, **login, **helper}
    result = run("connectivity", pair)
    assert result["mysql"]["hostname"] == lab.inspect(mysql_server)["Config"]["Hostname"]
    assert result["probe"]["where"] == where
    wrong = {**pair, "login": {"password": "not-the-password"}, "timeout": 0}
    failed = run("connectivity", wrong, fails=True)
    assert failed["diagnosis"]["cause"] == "access_denied"
    assert "not-the-password" not in str(failed)


def test_a_container_is_recreated_for_a_link_with_the_files_that_it_wrote(lab, run):
    target, source = lab.run("target"), lab.run("source", StopSignal="SIGKILL")
    lab.exec(source, "sh", "-c", "head -c 300000 /dev/urandom >/written; mkdir /d; echo deep >/d/one")
    written = lab.exec(source, "md5sum", "/written", "/d/one")
    task = {"container": source, "links": [f"{target}:db"], "disruption": "recreate"}
    first, again = run("container_link", task), run("container_link", task)
    assert first["recreated"] and not again["changed"]
    assert lab.exec(source, "md5sum", "/written", "/d/one") == written
    assert lab.exec(source, "ping", "-c1", "-W2", "db")[0] == 0


@pytest.fixture
def lesson(lab: Json) -> Json:
    """A topology whose second container waits for the health of the first, so for the engine's events."""
    conftest = sys.modules[type(lab).__module__]
    one = {"image": conftest.BUSYBOX, "networks": [lab.name("net")]}
    command = ["sh", "-c", "trap 'exit 0' TERM; sleep 1; touch /ready; while :; do sleep 0.1; done"]
    check = {"test": "test -e /ready", "interval": "200ms", "retries": 50}
    first = {**one, "command": command, "healthcheck": check}
    second = {**one, "command": command, "depends_on": {lab.name("first"): "healthy"}}
    return {
        "name": lab.name("lab"),
        "networks": {lab.name("net"): {"ipam": {"config": [{"subnet": str(conftest.random_subnet())}]}}},
        "containers": {lab.name("first"): first, lab.name("second"): second},
        "wait": "healthy",
    }


def test_a_topology_is_made_and_removed(lesson, run):
    first, again = run("topology", lesson), run("topology", lesson)
    assert [action["action"] for action in first["actions"]] == ["create_network", *["create_container"] * 2]
    assert not again["changed"]
    removed = run("topology", {"name": lesson["name"], "state": "absent"})
    assert removed["changed"]


def test_neither_the_sdk_nor_paramiko_is_needed(lesson, run, tmp_path):
    for name in ("docker", "paramiko", "requests", "urllib3"):
        (tmp_path / f"{name}.py").write_text("raise ImportError(__name__)\n", encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).resolve().parents[3] / '.collections'}"}
    assert run("topology", lesson, environment=path)["changed"]
    names = list(lesson["containers"])
    pair = {"source": names[1], "target": names[0], "protocol": "dns", "timeout": 0}
    assert run("connectivity", pair, environment=path)["reachable"]


def test_connections_can_be_shared(server, lab, run, tmp_path_factory):
    # The path of a socket may have 107 bytes at most.
    control = tmp_path_factory.mktemp("c") / "s"
    server.configure("shared", {"ControlMaster": "auto", "ControlPath": str(control), "ControlPersist": "60"})
    try:
        begin = time.monotonic()
        assert run("network_attach", {"network": lab.network("net"), "containers": [lab.run("box")]}, "shared")[
            "changed"
        ]
        # The shared connection goes on, and nobody waits for its end.
        assert control.is_socket() and time.monotonic() - begin < SOON
    finally:
        words = ["ssh", "-O", "exit", "shared"]
        subprocess.run(words, check=True, capture_output=True, env={**os.environ, **server.environment})


# -- ways not to get there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host, message",
    [
        ("closed", "it says: .*Connection refused"),
        ("stranger", "it says: .*Host key verification failed"),
        ("keyless", r"it says: .*Permission denied \(publickey\)"),
        ("nowhere.invalid", "it says: .*Could not resolve hostname"),
    ],
)
def test_ssh_does_not_get_there(refused, url, host, message):
    told = refused(url(host))
    assert re.search(f"^ssh does not get to the Docker Engine at {url(host)}; {message}", told)
    assert f"must work without a question, where and as whom the task runs: ssh -o BatchMode=yes -- {host} " in told


def test_a_host_that_never_says_anything(refused):
    assert re.search("ssh://silent; it says: .*timed out", refused("ssh://silent", timeout=3))


def test_a_host_without_a_docker_program(refused):
    told = refused("ssh://bare")
    assert "the host of ssh://bare has no docker program" in told
    assert "Install the Docker CLI there" in told


def test_an_engine_that_does_not_run_there(refused):
    told = refused("ssh://engine/no/such.sock")
    assert "'docker system dial-stdio' on the host of ssh://engine/no/such.sock failed" in told
    assert "/no/such.sock" in told.partition("it says: ")[2]


def test_no_ssh_program_here(refused):
    told = refused("ssh://engine", {"PATH": "/nowhere"})
    assert "docker_host ssh://engine needs the ssh program where the task runs" in told


@pytest.mark.parametrize("wrong", ["ssh://", "ssh://engine:port", "ssh://engine?x=1"])
def test_a_url_that_ssh_cannot_have(refused, wrong):
    assert "ssh://user@host" in refused(wrong)


def test_a_password_in_the_url_is_refused_and_not_repeated(refused):
    told = refused("ssh://user:secret@engine")
    assert "has a password, which no engine takes" in told
    assert "secret" not in told
