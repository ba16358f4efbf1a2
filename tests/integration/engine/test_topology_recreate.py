# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: what a recreate cannot keep is reported before it."""

from __future__ import annotations

RECREATE = {"disruption": "recreate"}


def test_a_container_that_becomes_read_only(topology):
    topology({"web": {"init": False}})

    # The engine puts a file of its own there, which is none that the container changed.
    topology({"web": {"init": True}}, **RECREATE)
    topology({"web": {"init": True, "read_only": True}}, **RECREATE)

    assert topology.raw("web")["HostConfig"]["ReadonlyRootfs"]
    assert topology.exec("web", "touch", "/x")[0] != 0


def test_changed_files_that_a_read_only_container_cannot_get(topology, proxy):
    topology({"web": None})
    topology.exec("web", "sh", "-c", "mkdir /data /cache; echo kept > /data/file; touch /cache/x /etc/own")
    topology.exec("web", "sh", "-c", "touch /etc/gone; rm /etc/gone /etc/own")
    wanted = {"web": {"read_only": True, "tmpfs": ["/cache"]}}
    ident = topology.id("web")

    told = {
        topology(wanted, check=check, docker_host=proxy.url, fails=True, **RECREATE)["msg"] for check in (True, False)
    }

    (message,) = told
    assert f"{topology.full('web')} cannot become read-only" in message
    assert "(/data/file)" in message
    assert proxy.changing == []
    assert topology.id("web") == ident
    # What the message says to do.
    volume = {"volumes": [f"{topology.full('data')}:/data"]}
    topology({"web": volume}, **RECREATE)
    topology({"web": volume | wanted["web"]}, **RECREATE)
    assert topology.exec("web", "cat", "/data/file")[1] == "kept\n"


def test_each_container_is_read_so_often_however_many_are_replaced(topology, proxy, monkeypatch):
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._apply.replacement.SETTLE_SECONDS", 0)
    requests = {}
    for number in (3, 9):
        names = [f"c{one}" for one in range(number)]
        topology(dict.fromkeys(names))
        proxy.requests.clear()

        topology({name: {"environment": {"A": str(number)}} for name in names}, docker_host=proxy.url, **RECREATE)

        requests[number] = len(proxy.requests)
    # What does not depend on how many there are is in both.
    assert requests[9] < 3 * requests[3]
    assert (requests[9] - requests[3]) / 6 < 30


def test_host_ports_that_the_engine_chose_are_reported_before_they_move(topology):
    topology({"web": {"ports": ["80"]}})
    wanted = {"web": {"ports": ["80"], "environment": {"A": "1"}}}

    (told,) = topology(wanted, check=True, **RECREATE)["warnings"]

    assert f"the engine chose the host ports of {topology.full('web')} for 80/tcp" in told
    assert told in topology(wanted, **RECREATE)["warnings"]


def test_a_limit_is_taken_away_by_a_recreate_since_the_engine_does_not(topology):
    topology({"web": {"mem_limit": "64m", "cpus": 0.5}})
    # What the engine does with 0: nothing.
    topology.lab.engine.post(f"/containers/{topology.full('web')}/update", {"Memory": 0, "NanoCpus": 0})
    assert limits(topology) == (64 * 1024**2, 128 * 1024**2, 5 * 10**8)

    none = {"web": {"mem_limit": "0", "cpus": 0}}
    assert "set disruption: recreate" in topology(none, fails=True)["msg"]
    (action,) = topology(none, **RECREATE)["actions"]

    assert action["reason"] == "mem_limit is 64m, wanted not set; cpus is 0.5, wanted not set"
    assert limits(topology) == (0, 0, 0)
    assert not topology(none)["changed"]
    # A limit goes on to a successor unless the task takes it away.
    topology({"web": {"mem_limit": "64m"}})
    topology({"web": {"environment": {"A": "1"}}}, **RECREATE)
    assert limits(topology) == (64 * 1024**2, 128 * 1024**2, 0)


def limits(topology):
    host = topology.raw("web")["HostConfig"]
    return host["Memory"], host["MemorySwap"], host["NanoCpus"]
