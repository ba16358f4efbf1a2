# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: datagrams, and what it proves that one is not answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t

import pytest

Json = t.Any

# Echoes on port 7, with an empty answer on port 8, answers as a name server does on port 53, and is silent on port 9.
SERVER = r"""
use Socket; my %at; my $bits = "";
for my $port (7, 8, 9, 53) {
    socket(my $s, PF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in($port, INADDR_ANY)) or die $!;
    $at{$port} = $s; vec($bits, fileno($s), 1) = 1;
}
while (select(my $ready = $bits, undef, undef, undef)) {
    for my $port (keys %at) {
        next unless vec($ready, fileno($at{$port}), 1);
        my $from = recv($at{$port}, my $text, 512, 0);
        next if $port == 9 or $port == 53 && unpack("H*", $text) !~ /^6c6c010000010000000000000000020001$/;
        send($at{$port}, $port == 8 ? "" : $text, 0, $from);
    }
}
"""


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("udp", ipv6="fd91:0:0:5::/64"))


def serve(lab: Json, name: str, image: str, net: str) -> str:
    """Start the server; the image's healthcheck is for a MySQL server."""
    health = {"Test": ["NONE"]}
    full = lab.run(name, "-e", SERVER, image=image, networks=[net], Entrypoint=["perl"], Healthcheck=health)
    lab.wait(lambda: ":0035 " in lab.exec(full, "cat", "/proc/net/udp")[1])
    return str(full)


@pytest.fixture(scope="module")
def server(shared_lab: Json, net: str, mysql_image: str) -> str:
    return serve(shared_lab, "udp-server", mysql_image, net)


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str, mysql_image: str) -> str:
    return str(shared_lab.run("udp-client", "sleep", "1000", image=mysql_image, networks=[net]))


@pytest.fixture
def rule(lab: Json) -> t.Callable[..., None]:
    """Add a rule in the network namespace of a container, with which it goes away."""
    if os.geteuid() != 0 or not shutil.which("iptables") or not shutil.which("nsenter") or "DOCKER_HOST" in os.environ:
        pytest.skip("sets iptables rules: as root, on the machine that runs the engine")

    def add(container: str, *words: str) -> None:
        process = str(lab.inspect(container)["State"]["Pid"])
        subprocess.run(["nsenter", "-t", process, "-n", "iptables", *words], check=True)

    return add


@pytest.mark.parametrize("port", [7, 8, 53])
def test_an_answer_is_a_proof(port, client, server, connectivity):
    result = connectivity(client, server, protocol="udp", port=port)
    assert result["checks"][-1] == {"name": "udp", "passed": True, "detail": f"port {port} answers"}
    assert result["latency_ms"] is not None


def test_a_source_without_the_programs(lab, net, server, connectivity):
    small = lab.run("small", networks=[net])
    assert connectivity(small, server, protocol="udp", port=7)["probe"]["where"] == "helper"


def test_no_answer_where_something_listens_proves_nothing(client, server, connectivity, module):
    result = connectivity(client, server, "unanswered", protocol="udp", port=9)
    assert "proves nothing" in result["msg"]
    assert "0.0.0.0:9" in result["msg"]
    options = {"source": client, "target": server, "protocol": "udp", "port": 9, "timeout": 0, "expect": "unreachable"}
    assert "found unanswered" in module("connectivity", options, fails=True)["msg"]
    # Who asks for just that gets it.
    module("connectivity", {**options, "cause": "no_answer"})


def test_a_port_where_nothing_listens(lab, net, client, server, connectivity):
    result = connectivity(client, server, "port_closed", protocol="udp", port=10)
    assert "0.0.0.0:53" in result["msg"]
    six = lab.inspect(server)["NetworkSettings"]["Networks"][net]["GlobalIPv6Address"]
    connectivity(client, server, "other_address_only", protocol="udp", port=7, host=six)


def test_rules(lab, net, client, rule, connectivity):
    own = serve(lab, "own", lab.inspect(client)["Config"]["Image"], net)
    for port, how in (
        ("7", ("REJECT",)),
        ("8", ("REJECT", "--reject-with", "icmp-admin-prohibited")),
        ("53", ("DROP",)),
        ("10", ("DROP",)),
    ):
        rule(own, "-I", "INPUT", "!", "-i", "lo", "-p", "udp", "--dport", port, "-j", *how)
    for number, cause in ((7, "rejected"), (8, "rejected"), (53, "unanswered"), (10, "no_answer")):
        connectivity(client, own, cause, protocol="udp", port=number)
