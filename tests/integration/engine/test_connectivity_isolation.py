# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: what proves that two containers are isolated, and what rules of a firewall do."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = t.Any

SERVER = ("httpd", "-f", "-p", "0.0.0.0:80")
# Listens on the wildcard address of IPv6, which takes IPv4 as well.
DUAL = ("nc", "-ll", "-p", "80", "-e", "cat")
IPV6_ONLY = r"""
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY IN6ADDR_ANY pack_sockaddr_in6); socket(S, PF_INET6, SOCK_STREAM, 0);
setsockopt(S, IPPROTO_IPV6, IPV6_V6ONLY, 1); bind(S, pack_sockaddr_in6(80, IN6ADDR_ANY)) or die;
listen(S, 9); sleep 1000
"""
needs_rules = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("iptables") or not shutil.which("nsenter") or "DOCKER_HOST" in os.environ,
    reason="sets iptables rules: as root, on the machine that runs the engine",
)


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("wall"))


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("wall-client", networks=[net]))


@pytest.fixture
def server(lab: Json, net: str) -> str:
    """A server on port 80, for one test."""
    name = str(lab.run("server", *SERVER, networks=[net]))
    lab.wait(lambda: ":0050" in lab.exec(name, "cat", "/proc/net/tcp", "/proc/net/tcp6")[1])
    return name


@pytest.fixture
def isolated(module: Callable[..., Json]) -> Callable[..., Json]:
    """Check that a pair is isolated; it must be, or the task must fail and name what it found instead."""

    def call(source: str, target: str, found: str, *, proven: bool, **params: Json) -> Json:
        given = {"source": source, "target": target, "protocol": "tcp", "port": 80, "timeout": 0, **params}
        result = module("connectivity", {**given, "expect": "unreachable"}, fails=not proven)
        assert result["diagnosis"]["cause"] == found, result["msg"]
        assert not result["reachable"]
        if not proven:
            assert f"found {found}" in result["msg"]
        return result

    return call


@pytest.fixture
def rule(lab: Json) -> Callable[..., None]:
    """Add a rule in the network namespace of a container, with which it goes away."""

    def add(container: str, *words: str, program: str = "iptables") -> None:
        process = str(lab.inspect(container)["State"]["Pid"])
        subprocess.run(["nsenter", "-t", process, "-n", program, *words], check=True)

    return add


def test_what_proves_that_two_are_isolated(lab, net, client, server, isolated):
    isolated(lab.run("other", networks=[lab.network("other")]), server, "no_common_network", proven=True)
    on_bridge = isolated(lab.run("bridge"), lab.run("bridge2", *SERVER), "default_bridge_only", proven=True)
    address = lab.inspect(lab.name("bridge2"))["NetworkSettings"]["IPAddress"]
    assert f"check it with host {address}" in " ".join(on_bridge["warnings"])
    isolated(lab.run("none", network="none"), server, "source_no_network", proven=True)
    isolated(client, lab.run("none2", network="none"), "target_no_network", proven=True)


def test_a_published_port_is_another_way(lab, isolated, module):
    outside = lab.run("outside", networks=[lab.network("outside")])
    inside = lab.run("inside", networks=[lab.network("inside", Internal=True)])
    ports = {
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "18081"}, {"HostIp": "127.0.0.1", "HostPort": "18082"}]}
    }
    server = lab.run("server", *SERVER, networks=[lab.network("net")], host=ports, ExposedPorts={"80/tcp": {}})
    for port in (80, 18081):
        (warning,) = isolated(outside, server, "no_common_network", proven=True, port=port)["warnings"]
        assert f"{server} publishes its port 80 as port 18081 of the machine" in warning
    gateway = warning.partition("with host ")[2].partition(" ")[0]
    assert module(
        "connectivity", {"source": outside, "target": server, "host": gateway, "port": 18081, "protocol": "tcp"}
    )
    # An internal network does not lead to the machine's ports, and neither does loopback.
    assert not isolated(inside, server, "no_common_network", proven=True)["warnings"]
    assert not isolated(outside, server, "no_common_network", proven=True, port=18082)["warnings"]


def test_what_does_not(lab, net, client, server, isolated):
    isolated(client, server, "name_unknown", proven=False, host=f"{server}x")
    isolated(client, server, "port_closed", proven=False, port=81)
    lab.engine.stop(server, 0)
    isolated(client, server, "target_exited", proven=False)
    # What a task asks for by its name is a success all the same.
    isolated(client, server, "target_exited", proven=True, cause="target_exited")


def test_a_server_that_starts_is_not_isolated(lab, net, client, isolated):
    health = {"Test": ["CMD", "false"], "Interval": 1_000_000_000, "StartPeriod": 100_000_000_000}
    isolated(client, lab.run("slow", networks=[net], Healthcheck=health), "server_starting", proven=False)


def test_who_gets_as_far_as_a_login_has_reached_the_server(lab, net, client, mysql_server, isolated):
    lab.connect(net, mysql_server)
    try:
        # The client has no mysql program.
        image = lab.inspect(mysql_server)["Config"]["Image"]
        login = {"user": "root", "password": "wrong-one"}
        mysql = {"proven": False, "port": 3306, "protocol": "mysql", "probe_image": image}
        assert "reached" in isolated(client, mysql_server, "access_denied", login=login, **mysql)["msg"]
        login = {"user": "root", "password": "root", "database": "nowhere"}
        isolated(client, mysql_server, "unknown_database", login=login, **mysql)
    finally:
        lab.engine.disconnect(net, mysql_server)


REJECTS = [
    ("--reject-with", "tcp-reset"),
    ("--reject-with", "icmp-port-unreachable"),
    ("--reject-with", "icmp-admin-prohibited"),
    ("--reject-with", "icmp-host-prohibited"),
    ("--reject-with", "icmp-net-unreachable"),
    ("--reject-with", "icmp-proto-unreachable"),
]


@needs_rules
@pytest.mark.parametrize("how", REJECTS, ids=lambda how: how[1])
def test_a_rule_that_rejects(how, client, server, isolated, rule):
    rule(server, "-I", "INPUT", "-p", "tcp", "--dport", "80", "-j", "REJECT", *how)
    assert "rule" in isolated(client, server, "rejected", proven=True)["msg"]


@needs_rules
def test_what_a_rule_that_rejects_was_called_before_is_accepted(client, server, isolated, rule):
    rule(server, "-I", "INPUT", "-p", "tcp", "--dport", "80", "-j", "REJECT", "--reject-with", "tcp-reset")
    for cause in ("server_starting", "no_route"):
        # It is what the task asks for, so that nothing is waited for.
        assert len(isolated(client, server, "rejected", proven=True, cause=cause, timeout=20)["attempts"]) == 1


@needs_rules
def test_a_rule_of_the_host_that_rejects(lab, client, server, isolated):
    ends = [lab.inspect(one)["NetworkSettings"]["Networks"] for one in (client, server)]
    source, target = (next(iter(end.values()))["IPAddress"] for end in ends)
    words = ["DOCKER-USER", "-s", source, "-d", target, "-p", "tcp", "-j", "REJECT"]
    subprocess.run(["iptables", "-I", *words], check=True)
    try:
        isolated(client, server, "rejected", proven=True)
    finally:
        subprocess.run(["iptables", "-D", *words], check=True)


@needs_rules
def test_a_rule_that_drops(client, server, isolated, rule):
    rule(server, "-I", "INPUT", "-p", "tcp", "--dport", "80", "-j", "DROP")
    isolated(client, server, "no_answer", proven=True)


@needs_rules
@pytest.mark.parametrize("how", ["icmp6-port-unreachable", "icmp6-adm-prohibited"])
def test_a_rule_that_rejects_ipv6(how, lab, connectivity, rule):
    net = lab.network("six", ipv6="fd91:0:0:4::/64")
    client, server = lab.run("client", networks=[net]), lab.run("server", *DUAL, networks=[net])
    six = lab.inspect(server)["NetworkSettings"]["Networks"][net]["GlobalIPv6Address"]
    rule(server, "-I", "INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", how, program="ip6tables")
    connectivity(client, server, "rejected", host=six)


@needs_rules
def test_a_rule_that_rejects_a_login(lab, net, mysql_server, connectivity, rule):
    client = lab.run("client", "sleep", "1000", image=lab.inspect(mysql_server)["Config"]["Image"], networks=[net])
    lab.connect(net, mysql_server)
    words = ["INPUT", "-p", "tcp", "--dport", "3306", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited"]
    rule(mysql_server, "-I", *words)
    try:
        login = {"user": "root", "password": "root"}
        connectivity(client, mysql_server, "rejected", port=3306, protocol="mysql", login=login)
    finally:
        rule(mysql_server, "-D", *words)
        lab.engine.disconnect(net, mysql_server)


@needs_rules
def test_a_rule_before_a_socket_of_both_families(lab, net, client, connectivity, rule):
    server = lab.run("dual", *DUAL, networks=[net])
    lab.wait(lambda: ":0050" in lab.exec(server, "cat", "/proc/net/tcp6")[1])
    rule(server, "-I", "INPUT", "!", "-i", "lo", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
    connectivity(client, server, "rejected")


def test_a_socket_for_ipv6_only_is_no_rule(lab, net, client, mysql_image, isolated):
    own = {"Entrypoint": ["perl"], "Healthcheck": {"Test": ["NONE"]}}
    server = lab.run("ipv6", "-e", IPV6_ONLY, image=mysql_image, networks=[net], **own)
    lab.wait(lambda: ":0050" in lab.exec(server, "cat", "/proc/net/tcp6")[1])
    isolated(client, server, "other_address_only", proven=False)
