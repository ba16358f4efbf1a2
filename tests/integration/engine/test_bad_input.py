# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: one message that says what to do, no traceback, and nothing changed."""

from __future__ import annotations

import os
import socket
import typing as t

import pytest
from refusal import refusal

Json = t.Any


@pytest.fixture
def refused(module: Json, proxy: Json) -> t.Callable[..., str]:
    """Run network_attach, which must fail without having changed anything, and return its message."""
    return lambda **params: refusal(module, proxy, "network_attach", params)


def test_no_engine(module, tmp_path):
    result = module("network_attach", {"network": "n", "docker_host": f"unix://{tmp_path}/none.sock"}, fails=True)
    assert "the socket does not exist" in result["msg"]
    assert "set docker_host" in result["msg"]


def test_a_socket_that_nobody_listens_on(module, tmp_path):
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    result = module("network_attach", {"network": "n", "docker_host": f"unix://{path}"}, fails=True)
    assert "nothing listens at" in result["msg"]


def test_no_engine_at_a_port(module):
    result = module("network_attach", {"network": "n", "docker_host": "tcp://127.0.0.1:1"}, fails=True)
    assert "nothing listens at tcp://127.0.0.1:1" in result["msg"]


@pytest.mark.parametrize("name, more", [("network_attach", {"network": "n"}), ("topology_info", {})])
def test_a_path_instead_of_a_url(module, name, more):
    result = module(name, {**more, "docker_host": "/var/run/docker.sock"}, fails=True)
    assert "did you mean unix:///var/run/docker.sock?" in result["msg"]


def test_a_password_in_the_url_is_in_no_message(module):
    result = module("network_attach", {"network": "n", "docker_host": "tcp://me:hunter2@127.0.0.1:1"}, fails=True)
    assert "has a password, which no engine takes" in result["msg"]
    assert "hunter2" not in str(result)


def test_no_time_at_all_is_refused_and_one_attempt_is_not(lab, module):
    assert "timeout 0 cannot be used" in module("network_attach", {"network": "n", "timeout": 0}, fails=True)["msg"]
    check = {"source": lab.run("one"), "target": lab.run("two"), "protocol": "dns", "timeout": 0}
    assert "diagnosis" in module("connectivity", check, fails=True)
    message = module("connectivity", check, fails=True, environment={"DOCKER_TIMEOUT": "0"})["msg"]
    assert "timeout 0 cannot be used" in message and "DOCKER_TIMEOUT" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a socket that it may not use, for another user")
def test_no_permission(proxy):
    import subprocess
    import sys

    proxy.path.chmod(0o600)
    proxy.path.parent.chmod(0o755)
    code = (
        # All that is loaded, also late, since the other user may not read it here.
        "from ansible_collections.linklab.docker.plugins.module_utils._engine import client as _client\n"
        "from ansible_collections.linklab.docker.plugins.module_utils._engine import connection as _connection\n"
        "from ansible_collections.linklab.docker.plugins.module_utils import _errors\n"
        "from ansible_collections.linklab.docker.plugins.module_utils._engine import unreachable as _unreachable\n"
        "import os, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: _client.Engine(_connection.Connection(docker_host=sys.argv[1]))\n"
        "except _errors.Unreachable as exc: print(exc)\n"
    )
    for folder in [*proxy.path.parents][:-2]:
        folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, proxy.url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "may not be used by this user" in done.stdout
    assert "become: true" in done.stdout


def test_an_engine_that_does_not_answer_in_time(module, tmp_path):
    path = tmp_path / "slow.sock"
    with socket.socket(socket.AF_UNIX) as slow:
        slow.bind(str(path))
        slow.listen(1)
        params = {"network": "n", "docker_host": f"unix://{path}", "timeout": 1}
        result = module("network_attach", params, fails=True)
    assert "did not answer GET /version within 1 s" in result["msg"]


@pytest.mark.parametrize("version, said", [("1.99", "cannot be used"), ("1.12", "cannot be used"), ("new", "auto")])
def test_an_api_version_that_is_not_available(refused, version, said):
    message = refused(network="n", api_version=version)
    assert said in message
    assert "1.41" in message


def test_an_unknown_network_with_a_near_match(lab, refused):
    network = lab.network("test_network")
    message = refused(network=f"{network}s", containers=[])
    assert f"network {network}s does not exist (did you mean {network}" in message
    assert "create: {}" in message


def test_unknown_containers_are_named_all_at_once_with_near_matches(lab, refused):
    network, container = lab.network("net"), lab.run("database")
    message = refused(
        network=network,
        containers=[f"{container}e", container],
        endpoints=[{"container": "zzzzzzzz", "links": ["yyyyyyyy:y"]}],
    )
    assert f"container {container}e does not exist (did you mean {container}" in message
    assert "container zzzzzzzz does not exist" in message
    assert "container yyyyyyyy does not exist" in message


def test_the_beginning_of_an_id_is_no_name(lab, refused):
    container = lab.run("box")
    assert "does not exist" in refused(network=lab.network("net"), containers=[lab.inspect(container)["Id"][:8]])


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"ipv4_address": "10.91.244.300"}, "is not an IPv4 address"),
        ({"ipv4_address": "fd00::5"}, "is not an IPv4 address"),
        ({"ipv6_address": "10.91.244.5"}, "is not an IPv6 address"),
        ({"ipv4_address": "127.0.0.1"}, "cannot be a container's address"),
        ({"ipv4_address": "10.99.0.5"}, "is outside the network's subnets (10.91.244.0/24)"),
        ({"ipv6_address": "fd00::5"}, "is outside the network's subnets"),
        ({"ipv4_address": "10.91.244.1"}, "is the network's gateway"),
        ({"ipv4_address": "10.91.244.0"}, "is the subnet's own"),
        ({"ipv4_address": "10.91.244.255"}, "is the subnet's broadcast address"),
        ({"mac_address": "nonsense"}, "is not a MAC address"),
        ({"mac_address": "01:00:5e:00:00:01"}, "is a multicast MAC address"),
        ({"aliases": ["two words"]}, "cannot be a host name"),
        ({"aliases": [""]}, "cannot be a host name"),
        ({"links": ["a:b:c"]}, "is not a name"),
        ({"links": ["-x"]}, "is not a name"),
        ({"links": ["a:x", "b:x"]}, "two links have the alias 'x'"),
    ],
)
def test_settings_that_cannot_be(lab, refused, settings, said):
    network = lab.network("net", subnet="10.91.244.0/24")
    assert said in refused(network=network, endpoints=[{"container": lab.run("box"), **settings}])


def test_a_link_to_itself_by_name_or_by_id(lab, refused):
    network, container = lab.network("net"), lab.run("box")
    ident = lab.inspect(container)["Id"]
    for target in (container, ident):
        desired = {"container": container, "links": [f"{target}:me"]}
        assert "leads to the container itself" in refused(network=network, endpoints=[desired])


def test_one_container_named_twice(lab, refused):
    network, container = lab.network("net"), lab.run("box")
    ident = lab.inspect(container)["Id"]
    assert "named more than once" in refused(network=network, containers=[container, container])
    assert "named more than once" in refused(
        network=network, containers=[container], endpoints=[{"container": container}]
    )
    assert "are the same container" in refused(network=network, containers=[container, ident])


def test_one_address_for_two(lab, refused):
    network = lab.network("net", subnet="10.91.245.0/24")
    desired_endpoints = [{"container": lab.run(name), "ipv4_address": "10.91.245.9"} for name in ("a", "b")]
    assert "is wanted for two containers" in refused(network=network, endpoints=desired_endpoints)


@pytest.mark.parametrize("name", ["host", "none"])
def test_the_networks_that_nothing_can_join(refused, name):
    assert "only when the container is created" in refused(network=name, containers=["x"])


@pytest.mark.parametrize(
    "mode, said",
    [
        ("host", "uses the host's network"),
        ("none", "is on the network 'none'"),
        ("container:{other}", "shares the network of container"),
    ],
)
@pytest.mark.parametrize("start", [True, False])
def test_containers_that_can_join_nothing(lab, refused, mode, said, start):
    network, other = lab.network("net"), lab.run("other")
    container = lab.run("box", network=mode.format(other=other), start=start)
    assert said in refused(network=network, containers=[container])


def test_what_the_default_bridge_cannot_do(lab, refused):
    container, other = lab.run("box"), lab.run("other")
    for settings in ({"aliases": ["a"]}, {"links": [f"{other}:o"]}, {"ipv4_address": "172.17.0.9"}):
        message = refused(network="bridge", endpoints=[{"container": container, **settings}])
        assert f"the default bridge knows no {next(iter(settings))}" in message


def test_an_option_that_the_engine_does_not_know_yet(lab, refused):
    network, container = lab.network("net"), lab.run("box")
    desired = {"container": container, "gw_priority": 5}
    message = refused(network=network, endpoints=[desired], api_version="1.41")
    assert "gw_priority needs API 1.48 (Docker Engine 28.0)" in message


@pytest.mark.parametrize(
    "ipam, said",
    [
        ([{"subnet": "10.91.246.7/24"}], "has host bits set"),
        ([{"subnet": "10.91.246.0/24", "gateway": "10.91.1.1"}], "is not inside the subnet"),
        ([{"subnet": "10.91.246.0/24", "ip_range": "10.91.0.0/16"}], "is not inside the subnet"),
        ([{"subnet": "10.91.246.0/24", "ip_range": "fd00::/64"}], "is not inside the subnet"),
        ([{"subnet": "10.91.246.0/24"}, {"subnet": "10.91.246.0/25"}], "overlap"),
        ([{"subnet": "10.91.246.0/24", "aux_addresses": {"a": "x"}}], "is not an IP address"),
    ],
)
def test_a_network_that_cannot_be(lab, refused, ipam, said):
    assert said in refused(network=lab.name("new"), create={"ipam": {"config": ipam}})


def test_an_address_in_a_network_whose_subnet_is_not_known_yet(lab, refused):
    desired = {"container": lab.run("box"), "ipv4_address": "10.91.247.5"}
    message = refused(network=lab.name("new"), create={}, endpoints=[desired], api_version="1.41")
    assert "give the network one with ipam" in message


def test_a_subnet_that_another_network_has(lab, refused):
    other = lab.network("net", subnet="10.91.248.0/24")
    message = refused(network=lab.name("new"), create={"ipam": {"config": [{"subnet": "10.91.248.128/25"}]}})
    assert f"overlaps that of network {other}, 10.91.248.0/24" in message


@pytest.mark.parametrize("check", [True, False])
def test_the_bridge_of_the_default_network(lab, module, engine, check):
    """Engine 20.10 accepts it, and no container gets an endpoint on the default network until it is restarted."""
    options = {"com.docker.network.bridge.name": "docker0"}
    assert engine.network("bridge")["Options"].items() >= options.items()
    name = lab.name("new")
    for task, params in (
        ("network_attach", {"network": name, "create": {"driver_opts": options}}),
        ("topology", {"name": name, "networks": {name: {"driver_opts": options}}}),
    ):
        message = module(task, params, check=check, fails=True)["msg"]
        assert "network bridge has the bridge docker0 already" in message
