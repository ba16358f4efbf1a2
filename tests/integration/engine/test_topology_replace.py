# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: a network is replaced under the containers on it."""

from __future__ import annotations

import threading
import time
import typing as t
from contextlib import contextmanager
from dataclasses import replace

import pytest
from topology_run import did

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any
PASSWORD = "root"

# Connects by name thirty times a second until it is told to stop; prints how often, and what failed.
CALLER = r"""
use IO::Socket::INET; use Time::HiRes qw(time sleep); $| = 1;
my ($all, @bad) = (0);
while (!-e "/tmp/stop") {
    my $begin = time(); my $line = "";
    my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 9000, Timeout => 3);
    $line = <$socket> if $socket;
    my $took = time() - $begin; $all++;
    push @bad, sprintf("call %d took %.2f s at %.2f: %s\n", $all, $took, $begin, $line || $@) if $line ne "hello\n";
    sleep(1 / 30);
}
print "$all calls\n", @bad;
"""
SESSION = f"""
(echo 'select connection_id();'; until test -e /tmp/stop; do sleep 0.2; done; echo 'select connection_id();') |
    mysql -n -h database -uroot -p{PASSWORD} --skip-column-names 2>/dev/null
"""
ANSWERER = r"""
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 9000, Listen => 50, ReuseAddr => 1);
while (my $one = $server->accept) { print $one "hello\n"; close $one }
"""


def mtu(value: int) -> Json:
    return {"driver_opts": {"com.docker.network.driver.mtu": value}}


def subnet(value: object) -> Json:
    return {"ipam": {"config": [{"subnet": str(value)}]}}


def unchanged(topology: Json, name: str) -> Json:
    """Return what no replacement changes of a container."""
    raw = topology.lab.inspect(name)
    ends = {
        network: {"aliases": set(end["Aliases"] or ()), "links": end["Links"], "options": end["DriverOpts"]}
        for network, end in raw["NetworkSettings"]["Networks"].items()
    }
    return {"id": raw["Id"], "started": raw["State"]["StartedAt"], "pid": raw["State"]["Pid"], "ends": ends}


def address(topology: Json, name: str, network: str = "net") -> str:
    end = topology.lab.inspect(name)["NetworkSettings"]["Networks"][topology.full(network)]
    return str(end["IPAddress"])


def default_network(topology: Json, name: str) -> str:
    """Return the network over which a container's default route leads."""
    gateway = topology.exec(name, "sh", "-c", "ip route | grep default")[1].split()[2]
    ends = topology.raw(name)["NetworkSettings"]["Networks"]
    return next(network for network, end in ends.items() if end["Gateway"] == gateway)


def temporaries(topology: Json) -> list[str]:
    own = (one for one in topology.lab.engine.networks() if one["Name"].startswith("0-linklab-"))
    return [one["Name"] for one in own if topology.lab.prefix in str(one["Labels"])]


@contextmanager
def until_the_end(topology: Json, name: str, *command: str) -> Iterator[list[str]]:
    """Run a command in a container, which ends once there is a file /tmp/stop; what it printed is in the list then."""
    printed: list[str] = []
    # A client of the engine serves one thread.
    lab = replace(topology.lab, engine=topology.lab.engine.clone())
    thread = threading.Thread(target=lambda: printed.append(lab.exec(topology.full(name), *command)[1]))
    topology.exec(name, "rm", "-f", "/tmp/stop")
    thread.start()
    time.sleep(0.5)
    yield printed
    topology.exec(name, "touch", "/tmp/stop")
    thread.join()


@pytest.fixture
def twelve(topology: Json, mysql_image: str) -> tuple[Json, Json]:
    """Twelve containers on a network: MySQL, a static address, a link, one that is stopped, one of somebody else."""
    base = topology.subnets()
    perl = {"image": mysql_image, "command": "sleep 100000"}
    containers: Json = {
        "db": {
            "image": mysql_image,
            "command": None,
            "secret_environment": {"MYSQL_ROOT_PASSWORD": PASSWORD},
            "networks": {"net": {"aliases": ["database"]}},
        },
        "client": {**perl, "depends_on": ["db"], "networks": {"net": {"links": [f"{topology.full('db')}:linked"]}}},
        "answer": {**perl, "command": ["perl", "-e", ANSWERER], "networks": {"net": {"aliases": ["answers"]}}},
        "caller": {**perl, "depends_on": ["answer"], "networks": ["net"]},
        "static": {"networks": {"net": {"ipv4_address": str(base[50])}}},
        "two": {"networks": ["a-first", "net"]},
        "three": {"networks": ["net", "z-last"]},
        **{f"plain{number}": {"networks": ["net"]} for number in range(3)},
        "asleep": {"networks": {"net": {"aliases": ["sleeper"]}}},
    }
    networks = {"net": subnet(base), "a-first": None, "z-last": None}
    topology(containers, networks, wait="healthy")
    topology.lab.run("guest", networks={topology.full("net"): {"Aliases": ["theirs"]}})
    return containers, networks


def moved(containers: Json, networks: Json, options: Json, static: str) -> tuple[Json, Json]:
    changed = {**containers, "static": {"networks": {"net": {"ipv4_address": static}}}}
    return changed, {**networks, "net": {**networks["net"], **options}}


def test_a_lab_under_load_changes_its_subnet_then_its_mtu_then_both(topology, module, twelve):
    containers, networks = twelve
    names = [topology.full(name) for name in containers] + [topology.full("guest")]
    before = {name: unchanged(topology, name) for name in names}
    routes = {name: default_network(topology, name) for name in ("two", "three")}
    first, second = topology.subnets(), topology.subnets()
    steps = [
        (subnet(first), str(first[50]), False),
        ({**subnet(first), **mtu(1400)}, str(first[50]), True),
        ({**subnet(second), **mtu(1300)}, str(second[50]), False),
    ]
    for options, static, keeps in steps:
        task = topology.task(*moved(containers, networks, options, static))
        old = {name: address(topology, name) for name in names}
        done = exchanged(topology, module, task, session=keeps)

        assert len(did(done)) == 1 + len(names)
        assert any("guest" in warning for warning in done["warnings"])
        assert {name: unchanged(topology, name) for name in names} == before
        assert address(topology, topology.full("static")) == static
        assert {name: default_network(topology, name) for name in routes} == routes
        assert not keeps or {name: address(topology, name) for name in names} == old
        assert topology.exec("client", "mysql", "-hlinked", "-uroot", f"-p{PASSWORD}", "-e", "select 1")[0] == 0


def exchanged(topology: Json, module: Json, task: Json, *, session: bool) -> Json:
    """Replace a network while it is used; return what the task returned. session: whether one must survive it."""
    foreseen = module("topology", task, check=True, diff=True)
    with (
        until_the_end(topology, "caller", "perl", "-e", CALLER, "answers") as calls,
        until_the_end(topology, "client", "sh", "-c", SESSION if session else "true") as lines,
    ):
        done = module("topology", task, diff=True)
    assert (foreseen["actions"], foreseen["diff"]) == (done["actions"], done["diff"])
    assert did(done)[0] == "replace_network reconnect"
    assert not module("topology", task)["changed"]
    assert not temporaries(topology)
    if session:
        found = lines[0].split()
        assert (len(found), len(set(found))) == (2, 1)
    # One that begins in the moment when its client leaves the temporary network can fail.
    assert calls[0].count(" took ") <= 1, calls
    return done
