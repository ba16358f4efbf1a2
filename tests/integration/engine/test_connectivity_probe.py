# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: where it looks from, helpers, waiting, expectations, many pairs, check mode."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import signal
import socket
import ssl
import subprocess
import threading
import time
import typing as t

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._engine import exec as engine_exec
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = t.Any

SERVER = ("nc", "-ll", "-p", "80", "-e", "cat")


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("probe"))


@pytest.fixture(scope="module")
def server(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("probe-server", *SERVER, networks=[net]))


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("probe-client", networks=[net]))


def helpers(engine: Json, source: str) -> list[Json]:
    """Return the helpers of a container, in whatever state."""
    label = f"{engine_exec.HELPER_LABEL}={engine.container(source)['Id']}"
    return list(engine.containers(label=[label]))


@contextlib.contextmanager
def named(engine: Json, image: str, name: str) -> Iterator[None]:
    """Give an image another name for a while, unless one has it."""
    try:
        engine.image(name)
    except NotFound:
        repository, _colon, tag = name.partition(":")
        engine.request("POST", f"/images/{image}/tag", params={"repo": repository, "tag": tag})
    else:
        yield
        return
    try:
        yield
    finally:
        engine.delete(f"/images/{name}")


def test_a_source_and_a_target_without_any_shell(lab, scratch, server, connectivity, module):
    net = next(iter(lab.inspect(server)["NetworkSettings"]["Networks"]))
    source = lab.run("source", "/sleep", "1000", image=scratch, networks=[net])
    target = lab.run("target", "/nc", "-ll", "-p", "80", "-e", "/nc", image=scratch, networks=[net])
    # The target's image has what it takes.
    assert connectivity(source, server)["probe"]["where"] == "helper"
    # Neither image has.
    result = connectivity(source, target, "no_probe_tool", timeout=30)
    assert "probe_image" in result["msg"]
    busybox = lab.inspect(server)["Config"]["Image"]
    # The hint, with the small image that has the programs, which is pulled where it is missing.
    (hint,) = yaml.safe_load(result["diagnosis"]["task"])
    options = hint["linklab.docker.connectivity"]
    assert (options["port"], options["protocol"]) == (80, "tcp")
    with named(lab.engine, busybox, options["probe_image"]):
        assert module("connectivity", options)["probe"]["image"] == options["probe_image"]
    assert connectivity(source, target, probe_image=busybox)["probe"]["image"] == busybox
    # What listens in a target without a shell is seen by a helper, too.
    assert ":80" in connectivity(source, target, "port_closed", port=81, probe_image=busybox)["msg"]
    assert helpers(lab.engine, source) == []
    assert helpers(lab.engine, target) == []


def test_a_probe_image_that_is_not_there(lab, scratch, net, server, module):
    source = lab.run("source", "/sleep", "1000", image=scratch, networks=[net])
    params = {"source": source, "target": server, "protocol": "tcp", "port": 80, "probe_image": "lt-nowhere/none:1"}
    assert "pull: never" in module("connectivity", params, fails=True)["msg"]
    assert "check mode" in module("connectivity", {**params, "pull": "missing"}, fails=True, check=True)["msg"]
    # A registry that cannot be reached, at an address where nothing listens.
    params["probe_image"] = "127.0.0.1:9/none:1"
    assert "cannot be pulled" in module("connectivity", {**params, "pull": "missing"}, fails=True)["msg"]


def test_a_source_that_lacks_one_program(lab, mysql_image, net, server, connectivity):
    source = lab.run("source", "sleep", "1000", image=mysql_image, networks=[net])
    assert connectivity(source, server)["probe"]["tools"] == {"name": "getent", "tcp": "bash"}
    lab.exec(source, "rm", "/usr/bin/getent")
    assert connectivity(source, server)["probe"]["where"] == "helper"


@pytest.fixture
def hanging(lab: Json, scratch: str, net: str, server: str, start: Json) -> tuple[str, Json]:
    """A check that takes long in a helper: its source, and its process."""
    dead = str(ipaddress.ip_network(lab.engine.network(net)["IPAM"]["Config"][0]["Subnet"])[60])
    # The hosts file of the source has an address where nobody is.
    extra = {"ExtraHosts": [f"{server}:{dead}"]}
    source = lab.run("source", "/sleep", "1000", image=scratch, networks=[net], host=extra)
    return source, start("connectivity", {"source": source, "target": server, "protocol": "tcp", "port": 80})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told-to-end"])
def test_a_task_that_ends_early_leaves_no_helper_behind(number, lab, hanging):
    source, process = hanging
    lab.wait(lambda: any(one["State"] == "running" for one in helpers(lab.engine, source)), what="a helper")
    process.send_signal(number)
    process.communicate(timeout=60)
    begin = time.monotonic()
    lab.wait(lambda: not helpers(lab.engine, source), what="the end of the helper")
    if number == signal.SIGTERM:
        # Removed by the task itself, before it ended.
        assert time.monotonic() - begin < 1


def test_a_helper_that_never_started_is_removed_by_the_next(lab, client, monkeypatch):
    monkeypatch.setattr(engine_exec, "HELPER_LABEL", f"{engine_exec.HELPER_LABEL}.{lab.prefix}")
    name = f"linklab-helper-{secrets.token_hex(6)}"
    body = {
        "Image": lab.inspect(client)["Image"],
        "Entrypoint": ["sh"],
        "Labels": {engine_exec.HELPER_LABEL: lab.inspect(client)["Id"]},
        "HostConfig": {"AutoRemove": True},
    }
    lab.engine.create_container(name, body)
    engine_exec.remove_abandoned(lab.engine)
    lab.inspect(name)
    monkeypatch.setattr(engine_exec, "_ABANDONED_SECONDS", -1)
    engine_exec.remove_abandoned(lab.engine)
    assert not lab.engine.containers(name=[name])


def test_a_healthy_pair_costs_few_requests(client, server, proxy, module):
    params = {"source": client, "target": server, "protocol": "tcp", "port": 80, "docker_host": proxy.url}
    real = module("connectivity", params)
    assert len(proxy.requests) == 6, proxy.requests
    # In check mode it is the same: it changes nothing in either.
    check = module("connectivity", params, check=True)
    assert [one["name"] for one in check["checks"]] == [one["name"] for one in real["checks"]]
    assert {request.path.rpartition("/")[2] for request in proxy.changing} == {"exec", "start"}


def test_expected_to_be_unreachable(lab, net, client, server, module):
    apart = lab.run("apart", *SERVER, networks=[lab.network("apart")])

    def expect(target: str, fails: bool, **params: Json) -> Json:
        given = {"source": client, "target": target, "protocol": "tcp", "port": 80, "timeout": 1, "interval": 0.2}
        return module("connectivity", {**given, "expect": "unreachable", **params}, fails=fails)

    done = expect(apart, fails=False)
    assert (done["reachable"], done["passed"], done["diagnosis"]["cause"]) == (False, True, "no_common_network")
    expect(apart, fails=False, cause="no_common_network")
    wrong = expect(apart, fails=True, cause="port_closed")
    assert "because of port_closed" in wrong["msg"]
    assert "no_common_network" in wrong["msg"]
    assert "reached over" in expect(server, fails=True)["msg"]
    # What can resolve on its own is tried until the time is over, unless it is what is asked for.
    assert len(expect(server, fails=False, port=81, cause="port_closed")["attempts"]) == 1
    assert len(expect(server, fails=True, port=81)["attempts"]) > 1
    # A slip of the pen is no isolation.
    assert "target_missing" in expect("lt-nobody", fails=True)["msg"]
    expect("lt-nobody", fails=False, cause="target_missing")


def test_many_pairs_in_one_task(lab, net, client, server, module):
    second = lab.run("second", *SERVER, networks=[net])
    apart = lab.run("apart", networks=[lab.network("apart")])
    result = module(
        "connectivity",
        {
            "protocol": "tcp",
            "timeout": 0,
            "checks": [
                {"source": [client, second], "target": [server, second], "port": [80]},
                {"source": [client], "target": [server], "port": [80, 81]},
                {"source": [apart], "target": [server], "expect": "unreachable", "cause": "no_common_network"},
                {"source": [apart], "target": [second], "port": [80]},
            ],
        },
        fails=True,
    )
    pairs = [(one["source"], one["target"], one["port"], one["passed"]) for one in result["results"]]
    # The pair of the first element that is in the second as well is checked once.
    assert pairs == [
        (client, server, 80, True),
        (client, second, 80, True),
        (second, server, 80, True),
        (client, server, 81, False),
        (apart, server, 3306, True),
        (apart, second, 80, False),
    ]
    assert result["msg"].startswith("2 of 6 checks are not as expected:")
    assert "port_closed" in "\n".join(result["table"])
    assert sum(line.startswith("- ") for line in result["msg"].splitlines()) == 2
    assert len(result["table"]) == 7


def test_bad_input(client, server, module):
    def message(**params: Json) -> str:
        given = {"source": client, "target": server, **params}
        return str(module("connectivity", {key: value for key, value in given.items() if value}, fails=True)["msg"])

    assert "host" in message(host="-rf")
    assert "port 70000" in message(port=70000)
    assert "cause needs expect" in message(cause="port_closed")
    assert "one of" in message(source=None, target=None)
    assert "mutually exclusive" in message(checks=[{"source": ["a"], "target": ["b"]}])
    assert "no pair" in message(source=None, target=None, checks=[{"source": ["a", "a"], "target": ["a"]}])
    assert "does not exist" in message(docker_host="unix:///nowhere.sock")
    assert "interval" in message(interval=0.001)


@pytest.fixture
def tls(engine: Json, tmp_path: Path) -> Iterator[str]:
    """The URL of a server before the engine's socket that speaks TLS: there, nobody can close one direction alone."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout"
    subprocess.run([*command.split(), key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    path = engine.connection.docker_host.partition("://")[2]

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        # Either end closes both.
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = context.wrap_socket(listener.accept()[0], server_side=True)
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(path)
                for pair in ((client, behind), (behind, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_over_tls(scratch, lab, net, client, server, tls, connectivity):  # noqa: PLR0917 - fixtures
    over = {"docker_host": tls, "tls": True}
    assert connectivity(client, server, **over)["probe"]["where"] == "source"
    source = lab.run("source", "/sleep", "1000", image=scratch, networks=[net])
    assert connectivity(source, server, **over)["probe"]["where"] == "helper"
    assert helpers(lab.engine, source) == []
