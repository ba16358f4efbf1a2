# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Podman behind its compatible socket: what works, and that all else is refused before anything changes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from nested import BUSYBOX, NestedEngine, docker

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = t.Any

SUBNET = "10.89.77.0/24"  # of Podman alone


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory, run_prefix: str) -> Iterator[Engine]:
    if "podman" not in docker("image", "ls", "--format", "{{.Tag}}", "linklab-test/engine").split():
        pytest.skip("no Podman was built here yet, which takes a minute: `make test-engines ENGINES=podman` does")
    # A unix socket's path may have 107 bytes at most.
    nested = NestedEngine(tmp_path_factory.mktemp("p"), run_prefix, "podman")
    try:
        nested.up()
        engine = Engine(Connection(nested.url))
        yield engine
        engine.close()
    finally:
        nested.down()


@pytest.fixture
def boxes(podman: Engine) -> Iterator[tuple[str, str]]:
    """Two running containers on Podman's default network."""
    names = ("box", "db")
    try:
        for name in names:
            body = {"Image": BUSYBOX, "Cmd": ["httpd", "-f", "-p", "80"], "StopSignal": "SIGKILL"}
            podman.create_container(name, body)
            podman.start(name)
        yield names
    finally:
        for summary in podman.containers():
            podman.remove_container(summary["Id"], force=True)
        for network in podman.networks():
            if network["Name"] != "podman":
                podman.remove_network(network["Name"])


@pytest.fixture
def run(podman: Engine, module: Json) -> Callable[..., Json]:
    return lambda what, fails=False, check=False, **params: module(
        what, {"docker_host": podman.connection.docker_host, **params}, fails=fails, check=check
    )


@pytest.fixture
def refused(podman: Engine, run: Json) -> Callable[..., str]:
    """Run a module that must be refused, and leave all as it is; return its message."""

    def call(what: str, **params: Json) -> str:
        before = what_is_there(podman)
        message = str(run(what, fails=True, check=False, **params)["msg"])
        assert what_is_there(podman) == before
        assert run(what, fails=True, check=True, **params)["msg"] == message
        assert message.startswith("the engine is Podman")
        assert message.endswith("Nothing was changed.")
        return message

    return call


def what_is_there(podman: Engine) -> Json:
    containers = {one["Id"]: podman.container(one["Id"])["NetworkSettings"] for one in podman.containers()}
    return containers, {network["Id"] for network in podman.networks()}


ON_NET = {"network": "net", "create": {"internal": True, "ipam": {"config": [{"subnet": SUBNET}]}}}


def did(result: Json) -> list[str]:
    return [action["action"] for action in result["actions"]]


def test_running_containers_are_attached_reach_each_other_and_are_detached(boxes, run):
    task = {**ON_NET, "endpoints": [{"container": "db", "aliases": ["database"]}, {"container": "box"}]}
    foreseen = run("network_attach", check=True, **task)
    made, again = run("network_attach", **task), run("network_attach", **task)
    assert did(foreseen) == did(made) == ["create_network", "attach", "attach"]
    assert not again["changed"]
    assert [end["ipv4_address"].rpartition(".")[0] for end in made["endpoints"]] == ["10.89.77"] * 2

    pair = {"source": "box", "target": "db", "host": "database", "timeout": 0}
    assert run("connectivity", protocol="dns", **pair)["reachable"]
    assert run("connectivity", protocol="tcp", port=80, **pair)["reachable"]
    closed = run("connectivity", fails=True, protocol="tcp", port=81, **pair)
    assert closed["diagnosis"]["cause"] == "port_closed"
    assert any("Podman" in warning for warning in closed["warnings"])

    seen = run("topology_info")
    assert {(end["network"], end["container"]) for end in seen["endpoints"]} >= {("net", "box"), ("net", "db")}
    assert {one["name"] for one in seen["networks"]} >= {"net", "podman"}

    assert did(run("network_attach", network="net", containers=["db"], state="absent")) == ["detach"]
    assert did(run("network_attach", network="net", purge=True)) == ["detach"]
    assert not run("network_attach", network="net", purge=True)["changed"]


@pytest.mark.parametrize(
    "settings",
    [
        {"ipv4_address": "10.89.77.77"},
        {"links": ["db:other"]},
        {"driver_opts": {"a": "b"}},
    ],
)
def test_settings_that_podman_ignores_or_forgets(boxes, refused, run, settings):
    (name,) = settings
    assert name in refused("network_attach", **ON_NET, endpoints=[{"container": "box", **settings}])
    run("network_attach", **ON_NET, containers=["box", "db"])
    assert name in refused("network_attach", **ON_NET, endpoints=[{"container": "box", **settings}])


def test_an_endpoint_is_not_replaced(boxes, refused, run):
    run("network_attach", **ON_NET, endpoints=[{"container": "box", "aliases": ["one"]}])
    assert "a reconnect would lose some" in refused(
        "network_attach", **ON_NET, endpoints=[{"container": "box", "aliases": ["two"]}]
    )


@pytest.mark.parametrize("network", ["bridge", "net"])
def test_links(boxes, refused, run, network):
    run("network_attach", **ON_NET, containers=["box", "db"])
    params = {"container": "box", "links": ["db:other"], "network": network, "disruption": "recreate"}
    assert "which has no links" in refused("container_link", **params)


def test_migrating(boxes, refused):
    assert "which has no links" in refused("link_migrate", network="net", containers=["box"])


def test_a_topology(refused):
    one = {"image": BUSYBOX, "command": ["sleep", "1000"], "networks": ["net"]}
    assert "create container one" in refused("topology", name="lab", networks={"net": {}}, containers={"one": one})


def test_the_default_network_goes_by_its_own_name(boxes, run):
    assert "bridge does not exist" in run("network_attach", fails=True, network="bridge", containers=["box"])["msg"]
    assert not run("network_attach", network="podman", containers=["box"])["changed"]
