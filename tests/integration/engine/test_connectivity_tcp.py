# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: ports, listeners, and what blocks connections."""

from __future__ import annotations

import typing as t

import pytest

Json = t.Any

# Fills the queue of a listener that accepts nobody: the kernel then drops what comes.
FULL_QUEUE = r"""
use Socket; socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(80, INADDR_ANY)); listen(S, 0);
for (1..4) { my $c; socket($c, PF_INET, SOCK_STREAM, 0); $c->blocking(0); connect($c, sockaddr_in(80, INADDR_LOOPBACK));
push @c, $c } sleep 1000
"""
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("tcp"))


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("tcp-client", networks=[net]))


def test_a_port_where_nothing_listens(lab, net, client, connectivity):
    server = lab.run("server", "nc", "-ll", "-p", "8080", "-e", "cat", networks=[net])
    lab.wait(lambda: ":1F90" in lab.exec(server, "cat", "/proc/net/tcp", "/proc/net/tcp6")[1])
    result = connectivity(client, server, "port_closed")
    assert ":8080" in result["msg"]
    assert "port: 8080" in result["diagnosis"]["task"]
    assert "nothing listens at all" in connectivity(client, lab.run("idle", networks=[net]), "port_closed")["msg"]


def test_a_server_that_listens_on_loopback_only(lab, net, client, connectivity):
    server = lab.run("server", "httpd", "-f", "-p", "127.0.0.1:80", networks=[net])
    lab.wait(lambda: "0100007F:0050" in lab.exec(server, "cat", "/proc/net/tcp")[1])
    result = connectivity(client, server, "loopback_only", timeout=30)
    assert "127.0.0.1:80" in result["msg"]
    assert len(result["attempts"]) == 1


def test_a_server_that_listens_on_another_address_only(lab, net, client, connectivity):
    other = lab.network("other")
    server = lab.run("server", "sh", "-c", "exec httpd -f -p $(hostname -i):80", networks=[other])
    lab.connect(net, server)
    lab.wait(lambda: ":0050 " in lab.exec(server, "cat", "/proc/net/tcp")[1])
    connectivity(client, server, "other_address_only")


def test_a_target_whose_healthcheck_has_not_passed_yet(lab, net, client, connectivity):
    health = {"Test": ["CMD", "false"], "Interval": SECOND, "StartPeriod": 100 * SECOND}
    server = lab.run("server", "sh", "-c", "sleep 5; nc -ll -p 80 -e cat", networks=[net], Healthcheck=health)
    connectivity(client, server, "server_starting")
    # It resolves on its own.
    result = connectivity(client, server, timeout=20, interval=0.3)
    assert [one["cause"] for one in result["attempts"]][-1] is None
    assert {one["cause"] for one in result["attempts"][:-1]} == {"server_starting"}


def test_a_network_that_forbids_its_containers_to_talk(lab, connectivity):
    closed = lab.network("closed", Options={"com.docker.network.bridge.enable_icc": "false"})
    client = lab.run("client", networks=[closed])
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "cat", networks=[closed])
    result = connectivity(client, server, "icc_disabled", timeout=30)
    assert len(result["attempts"]) == 1


def test_packets_that_are_lost(lab, net, client, connectivity, mysql_image):
    server = lab.run("server", "-e", FULL_QUEUE, image=mysql_image, networks=[net], Entrypoint=["perl"])
    lab.wait(lambda: ":0050 " in lab.exec(server, "cat", "/proc/net/tcp")[1])
    connectivity(client, server, "no_answer")


def test_no_route_to_the_address(lab, net, connectivity):
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "cat", networks=[net])
    address = lab.inspect(server)["NetworkSettings"]["Networks"][net]["IPAddress"]
    client = lab.run("client", networks=[net], host={"CapAdd": ["NET_ADMIN"]})
    assert lab.exec(client, "ip", "route", "add", "unreachable", f"{address}/32")[0] == 0
    connectivity(client, server, "no_route")


def test_dual_stack(lab, connectivity):
    net = lab.network("six", ipv6="fd91:0:0:1::/64")
    client = lab.run("client", networks=[net])
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "cat", networks=[net])
    six = lab.inspect(server)["NetworkSettings"]["Networks"][net]["GlobalIPv6Address"]
    result = connectivity(client, server)
    assert result["path"] == f"network:{net}"
    assert connectivity(client, server, host=six)["address"] == six


def test_a_name_with_an_ipv6_address_only(lab, connectivity, mysql_image):
    net = lab.network("six", ipv6="fd91:0:0:2::/64")
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "cat", networks=[net])
    six = lab.inspect(server)["NetworkSettings"]["Networks"][net]["GlobalIPv6Address"]
    only = {"ExtraHosts": [f"six:{six}"]}
    for name, image in (("small", None), ("large", mysql_image)):
        client = lab.run(name, "sleep", "1000", networks=[net], host=only, **({"image": image} if image else {}))
        result = connectivity(client, server, host="six")
        assert result["addresses"] == [six]


def test_a_network_with_ipv6_alone(lab, connectivity, mysql_image):
    if not lab.engine.info.speaks("1.48"):
        pytest.skip("a network can be without IPv4 since API 1.48 (Engine 28)")
    alone = {"EnableIPv4": False, "IPAM": {"Config": [{"Subnet": "fd91:0:0:3::/64"}]}}
    net = lab.network("six", ipv6="fd91:0:0:3::/64", **alone)
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "cat", networks=[net])
    for name, image in (("small", None), ("large", mysql_image)):
        client = lab.run(name, "sleep", "1000", networks=[net], **({"image": image} if image else {}))
        result = connectivity(client, server)
        assert result["path"] == f"network:{net}"
        assert all(":" in address for address in result["addresses"])
