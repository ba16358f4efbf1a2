# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for tests on a real engine: containers and networks that go away again, and modules run for real.

Environment variables, all optional:

    LINKLAB_TEST_PREFIX   what the names of everything made here begin with (lt-)
    LINKLAB_TEST_SUBNETS  the IPv4 network that subnets are taken from (10.91.0.0/16)
    LINKLAB_TEST_BUSYBOX  an image with busybox and its applets (linklab-test/busybox:latest)
    LINKLAB_TEST_MYSQL    an image with the contract of the public mysql image (mysql:latest)
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import itertools
import json
import os
import random
import re
import secrets
import subprocess
import sys
import tarfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import CAUSES
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import DEFAULT_HOST, Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import Conflict, EngineError, NotFound

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from socket_proxy import SocketProxy
from topology_run import Topology

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
PREFIX = os.environ.get("LINKLAB_TEST_PREFIX", "lt-")
SUBNETS = ipaddress.IPv4Network(os.environ.get("LINKLAB_TEST_SUBNETS", "10.91.0.0/16"))
BUSYBOX = os.environ.get("LINKLAB_TEST_BUSYBOX", "linklab-test/busybox:latest")
MYSQL = os.environ.get("LINKLAB_TEST_MYSQL", "mysql:latest")
MYSQL_PASSWORD = "root"

# What the wrapper of ansible-core does with a module on a managed host, without the archive.
_RUNNER = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
name = "ansible_collections.linklab.docker.plugins.modules." + sys.argv[1]
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module(name, {"_module_fqn": name, "_modlib_path": ""}, "__main__", alter_sys=True)
"""


def start_module(
    name: str, arguments: Mapping[str, Json], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a module in a process of its own, as it is started on a managed host."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".collections"), **(environment or {})},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(arguments))
    process.stdin.close()
    # Else communicate() would flush what is closed.
    process.stdin = None
    return process


def run_module(
    name: str,
    params: Mapping[str, Json] | None = None,
    *,
    check: bool = False,
    diff: bool = False,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Json]:
    """Run a module of the collection in a process of its own and return its result.

    Args:
        name: the module's short name, such as network_attach.
        params: its options.
        environment: variables to set for the process.
    """
    arguments = dict(params or {}, _ansible_check_mode=check, _ansible_diff=diff)
    process = start_module(name, arguments, environment)
    stdout, stderr = process.communicate(timeout=300)
    try:
        result = json.loads(stdout)
    except ValueError:
        pytest.fail(f"{name} gave no result: {stdout}\n{stderr}")
    assert "Traceback" not in stderr, stderr
    # What the module got, and so what Ansible shows at a high verbosity, is left out of comparisons.
    result.pop("invocation", None)
    # ansible-core 2.19 and newer carries warnings as objects.
    warnings = result.get("warnings") or []
    result["warnings"] = [text if isinstance(text, str) else text["event"]["msg"] for text in warnings]
    return t.cast("dict[str, Json]", result)


@dataclass
class Lab:
    """Makes containers and networks under names of its own, and removes them.

    Every method that takes I(name) takes the short one: the prefix is put before it.
    """

    engine: Engine
    prefix: str
    networks: list[str] = field(default_factory=list)

    def name(self, short: str) -> str:
        return f"{self.prefix}{short}"

    def run(
        self,
        name: str,
        *command: str,
        image: str = BUSYBOX,
        network: str | None = None,
        networks: Mapping[str, Mapping[str, Json]] | Sequence[str] = (),
        links: Sequence[str] = (),
        start: bool = True,
        host: Mapping[str, Json] | None = None,
        **config: Json,
    ) -> str:
        """Create and start a container and return its full name.

        Args:
            command: the command and its arguments; by default it sleeps.
            network: its network mode (full name); by default the first of I(networks), else the default bridge.
            networks: full names, or full names with their C(EndpointSettings).
            links: legacy links, C(TARGET:ALIAS) with full names.
            host: further fields of C(HostConfig).
            config: further fields of the body, such as Env, Hostname, Healthcheck.
        """
        full = self.name(name)
        endpoints = dict(networks) if isinstance(networks, dict) else {network: {} for network in networks}
        first = network or next(iter(endpoints), None)
        host_config: dict[str, Json] = {**({"NetworkMode": first} if first else {}), **(host or {})}
        if links:
            host_config["Links"] = list(links)
        body: dict[str, Json] = {"Image": image, "HostConfig": host_config, **config}
        if command:
            body["Cmd"] = list(command)
        elif image == BUSYBOX:
            body["Cmd"] = ["sleep", "100000"]
        if first in endpoints:
            body["NetworkingConfig"] = {"EndpointsConfig": {first: dict(endpoints[first])}}
        self.engine.create_container(full, body)
        for other, settings in endpoints.items():
            if other != first:
                self.engine.connect(other, full, settings)
        if start:
            self.engine.start(full)
        return full

    def network(self, name: str, *, subnet: str | None = None, ipv6: str | None = None, **config: Json) -> str:
        """Create a network and return its full name.

        Args:
            subnet: by default a free /26 of the test's range, so that the engine's address pools are not used up.
            ipv6: an IPv6 subnet, which also enables IPv6.
            config: further fields of the body, such as Internal, Options.
        """
        full = self.name(name)
        for _attempt in range(50):
            subnets = [{"Subnet": subnet or str(random_subnet())}]
            if ipv6:
                subnets.append({"Subnet": ipv6})
            body = {"Name": full, "EnableIPv6": bool(ipv6), "IPAM": {"Config": subnets}, **config}
            try:
                self.engine.create_network(body)
            except EngineError as exc:
                if subnet or exc.status != 403:
                    raise
                continue
            self.networks.append(full)
            return full
        raise AssertionError(f"no free subnet in {SUBNETS}")

    def connect(self, network: str, container: str, **settings: Json) -> None:
        """Connect a container (both are full names)."""
        self.engine.connect(network, container, settings)

    def exec(self, container: str, *command: str, user: str = "") -> tuple[int, str]:
        """Run a command in a container and return its exit code and output."""
        body = {"Cmd": list(command), "User": user, "AttachStdout": True, "AttachStderr": True, "Tty": True}
        ident = self.engine.post(f"/containers/{container}/exec", body)["Id"]
        answer = self.engine.request("POST", f"/exec/{ident}/start", body={"Detach": False, "Tty": True})
        code = self.engine.get(f"/exec/{ident}/json")["ExitCode"]
        return int(code), answer.content.decode(errors="replace").replace("\r\n", "\n")

    def inspect(self, container: str) -> Json:
        return self.engine.container(container)

    def wait_healthy(self, container: str, timeout: float = 120) -> None:
        """Wait until the engine calls a container healthy."""
        self.wait(lambda: self.inspect(container)["State"]["Health"]["Status"] == "healthy", timeout, "healthy")

    def wait(self, condition: Callable[[], bool], timeout: float = 20, what: str = "the condition") -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"{what} did not come true in {timeout} s"
            time.sleep(0.05)

    def clear(self) -> None:
        """Remove every container and network whose name has this lab's prefix."""
        clear(self.engine, self.prefix)


# Each run begins elsewhere, and no block comes twice in one; the last quarter is for tests that name their subnets.
_BLOCKS = 3 * (1 << (26 - SUBNETS.prefixlen)) // 4
_next_block = itertools.count(random.randrange(_BLOCKS))  # noqa: S311 - nothing secret about it


def random_subnet(prefixlen: int = 26) -> ipaddress.IPv4Network:
    """Return a subnet of the test's range that this run has not used; another run at the same time may have."""
    span = 1 << (26 - prefixlen)
    while (first := next(_next_block) % _BLOCKS) % span:
        pass
    for _block in range(span - 1):
        next(_next_block)
    return ipaddress.IPv4Network((int(SUBNETS.network_address) + first * 64, prefixlen))


def clear(engine: Engine, prefix: str) -> None:
    """Remove the containers and networks whose names begin with I(prefix), paused and restarting ones too."""
    for summary in engine.containers():
        if any(name.lstrip("/").startswith(prefix) for name in summary["Names"]):
            _remove(engine, summary)
    for network in engine.networks():
        if network["Name"].startswith(prefix):
            # A container that is still being removed holds the network for a moment.
            for _attempt in range(50):
                try:
                    engine.remove_network(network["Id"])
                except NotFound:
                    break
                except EngineError:
                    time.sleep(0.1)
                else:
                    break


def _remove(engine: Engine, summary: Json) -> None:
    with contextlib.suppress(NotFound, Conflict):
        engine.remove_container(summary["Id"], force=True, volumes=True)
    # A container that replaced another has its anonymous volumes by name, so that they stay.
    for mount in summary["Mounts"]:
        if re.fullmatch("[0-9a-f]{64}", mount.get("Name") or ""):
            with contextlib.suppress(NotFound, Conflict):
                engine.delete(f"/volumes/{mount['Name']}")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this machine."""
    connected = Engine(Connection(docker_host=os.environ.get("DOCKER_HOST", DEFAULT_HOST)))
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def run_prefix(engine: Engine) -> Iterator[str]:
    """What the names of everything made in this run begin with; all of it is removed at the end.

    It holds the run's process, so that what a killed run left behind is known by it and goes first.
    """
    for ident in set(re.findall(rf"\b{re.escape(PREFIX)}(\d+)p", " ".join(_names(engine)))):
        if not _is_test_run(int(ident)):
            clear(engine, f"{PREFIX}{ident}p")
    prefix = f"{PREFIX}{os.getpid()}p{secrets.token_hex(2)}-"
    yield prefix
    clear(engine, prefix)


def _names(engine: Engine) -> Iterator[str]:
    """Return the names of all containers and networks."""
    for summary in engine.containers():
        yield from (name.lstrip("/") for name in summary["Names"])
    yield from (network["Name"] for network in engine.networks())


def _is_test_run(process: int) -> bool:
    try:
        return b"pytest" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture(scope="module")
def scratch(shared_lab: Json) -> Iterator[str]:
    """An image with one static binary, under two names, and nothing else: no shell."""
    engine = shared_lab.engine
    box = shared_lab.run("carrier", start=False)
    archive = engine.request("GET", f"/containers/{box}/archive", params={"path": "/bin/busybox"}).content
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (binary,) = [tar.extractfile(member).read() for member in tar if member.isfile()]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("sleep", "nc"):
            one = tarfile.TarInfo(name)
            one.size, one.mode = len(binary), 0o755
            tar.addfile(one, io.BytesIO(binary))
    image = f"{shared_lab.prefix}scratch"
    engine.request("POST", "/images/create", params={"fromSrc": "-", "repo": image}, data=packed.getvalue())
    yield image
    engine.remove_container(box)
    engine.delete(f"/images/{image}", force="1")


@pytest.fixture
def lab(engine: Engine, run_prefix: str) -> Iterator[Lab]:
    """A lab for one test, empty again after it."""
    one = Lab(engine, f"{run_prefix}{secrets.token_hex(2)}-")
    yield one
    one.clear()


@pytest.fixture
def topology(lab: Lab) -> Iterator[Topology]:
    """A topology in a lab of its own; its volumes go as well."""
    one = Topology(lab, BUSYBOX, random_subnet)
    yield one
    lab.clear()
    for name in one.volumes():
        with contextlib.suppress(NotFound):
            lab.engine.delete(f"/volumes/{name}")


@pytest.fixture(scope="session")
def shared_lab(engine: Engine, run_prefix: str) -> Iterator[Lab]:
    """A lab for what is made once and used by many tests, which must not change it."""
    one = Lab(engine, f"{run_prefix}s-")
    yield one
    one.clear()


@pytest.fixture(scope="session")
def mysql_image() -> str:
    """An image with a MySQL server, a client, a shell and perl."""
    return MYSQL


@pytest.fixture(scope="session")
def mysql_server(shared_lab: Lab) -> str:
    """The name of a MySQL server that is up, alone on a network of its own; attach clients to that, or it to yours.

    Its root password is MYSQL_PASSWORD, and it has a database C(shop).
    """
    network = shared_lab.network("database")
    environment = [f"MYSQL_ROOT_PASSWORD={MYSQL_PASSWORD}", "MYSQL_DATABASE=shop"]
    name = shared_lab.run("database", image=MYSQL, networks=[network], Env=environment)
    shared_lab.wait_healthy(name)
    return name


@pytest.fixture(scope="session")
def sql(shared_lab: Lab, mysql_server: str) -> Callable[..., str]:
    """Run statements in the server, as root@localhost, which no test takes away."""

    def run(*statements: str) -> str:
        command = ["mysql", "-uroot", f"-p{MYSQL_PASSWORD}", "--batch", "--skip-column-names", "-e"]
        code, output = shared_lab.exec(mysql_server, *command, ";".join(statements))
        assert code == 0, output
        return output

    return run


@pytest.fixture(scope="session")
def mysql_net(shared_lab: Lab, mysql_server: str) -> str:
    """The network of the server."""
    return next(iter(shared_lab.inspect(mysql_server)["NetworkSettings"]["Networks"]))


@pytest.fixture(scope="session")
def mysql_client(shared_lab: Lab, mysql_net: str) -> str:
    """A client with the mysql program."""
    return shared_lab.run("mysql-client", "sleep", "100000", image=MYSQL, networks=[mysql_net])


@pytest.fixture
def proxy(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketProxy]:
    """A proxy before the engine that counts requests and can make one fail; use its I(url) as docker_host."""
    # A unix socket's path may have 107 bytes at most, and the test's own folder can be longer.
    one = SocketProxy(tmp_path_factory.mktemp("proxy") / "sock", engine.connection.docker_host.partition("://")[2])
    yield one
    one.close()


@pytest.fixture
def module() -> Callable[..., dict[str, Json]]:
    """Run a module; it must succeed, or fail with one message where the test says I(fails=True)."""

    def call(name: str, params: Mapping[str, Json], *, fails: bool = False, **modes: Json) -> dict[str, Json]:
        result = run_module(name, params, **modes)
        assert bool(result.get("failed")) == fails, json.dumps(result, indent=1)
        return result

    return call


@pytest.fixture
def no_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for caches to expire: nothing written in Go is in these containers."""
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._migrate.apply.CACHED_SECONDS", 0)


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a module, for tests that do something to it while it runs."""
    return start_module


@pytest.fixture
def connectivity(module: Callable[..., dict[str, Json]]) -> Callable[..., dict[str, Json]]:
    """Check one pair, once, on port 80 by default; it must be reached, or not be reached for the cause given."""

    def call(source: str, target: str, cause: str | None = None, **params: Json) -> dict[str, Json]:
        given = {"source": source, "target": target, "protocol": "tcp", "port": 80, "timeout": 0, **params}
        result = module("connectivity", given, fails=cause is not None)
        assert (result["diagnosis"] or {}).get("cause") == cause, result["msg"]
        assert not result["changed"]
        if cause:
            assert [one["passed"] for one in result["checks"]] == [True] * (len(result["checks"]) - 1) + [False]
            name = "udp" if given["protocol"] == "udp" and CAUSES[cause].band == "tcp" else CAUSES[cause].band
            assert result["checks"][-1]["name"] == name
            assert result["diagnosis"]["hint"]
        return result

    return call
