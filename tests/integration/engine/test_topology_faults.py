# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: runs that are killed, and several at once."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._container_spec import TOPOLOGY_LABEL

Json = t.Any


@pytest.mark.parametrize("number", [0, 2, 4, 6])
def test_a_run_that_was_killed_anywhere_converges_in_the_next(topology, proxy, start, number):
    networks = ["front", "back"]
    wanted = {name: {"networks": ["front", "back"]} for name in ("one", "two")}
    stopped = []

    def kill(request: Json) -> None:
        if request.changes and len(proxy.changing) > number and not stopped:
            stopped.append(request)
            process.kill()

    proxy.fault = kill
    process = start("topology", topology.task(wanted, networks, docker_host=proxy.url))
    output, _errors = process.communicate(timeout=60)
    assert stopped, output
    time.sleep(0.3)
    topology(wanted, networks)
    assert not topology(wanted, networks)["changed"]
    assert topology.ends("one") == topology.ends("two") == {"front", "back"}


@pytest.mark.parametrize("number", [2, 5])
def test_a_run_that_was_killed_while_it_replaced_a_container_converges_in_the_next(topology, proxy, start, number):
    wanted = {"web": {"networks": ["front"], "volumes": ["/data"], "stop_grace_period": "1s"}}
    topology(wanted, ["front"])
    topology.exec("web", "sh", "-c", "echo kept > /data/file")
    wanted["web"]["environment"] = {"A": "1"}

    def kill(_request: Json) -> None:
        if len(proxy.changing) > number:
            process.kill()

    proxy.fault = kill
    process = start("topology", topology.task(wanted, ["front"], disruption="recreate", docker_host=proxy.url))
    process.wait(timeout=60)
    assert process.returncode < 0
    proxy.fault = lambda _request: None

    topology(wanted, ["front"], disruption="recreate")
    assert not topology(wanted, ["front"])["changed"]
    assert topology.exec("web", "sh", "-c", "echo $A; cat /data/file")[1] == "1\nkept\n"
    assert (
        len([one for one in topology.lab.engine.containers() if one["Names"][0][1:].startswith(topology.lab.prefix)])
        == 1
    )


def test_two_runs_at_once_converge(topology, start):
    networks = ["front", "back"]
    wanted = {
        name: {"networks": ["front", "back"], "volumes": [f"{topology.full('data')}:/data"]} for name in ("one", "two")
    }
    task = topology.task(wanted, networks)
    both = [start("topology", task) for _run in range(2)]
    results = [json.loads(one.communicate(timeout=60)[0]) for one in both]
    assert [result.get("msg") for result in results] == [None, None]
    assert not topology(wanted, networks)["changed"]


def test_it_is_listed_with_its_label_by_the_docker_program(topology):
    topology({"web": None})
    command = [
        "docker",
        "ps",
        "--quiet",
        "--no-trunc",
        "--filter",
        f"label={TOPOLOGY_LABEL}={topology.lab.name('lab')}",
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [topology.id("web")]
