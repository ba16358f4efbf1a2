# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the engine answers, a task ends in a result or in one message."""

from __future__ import annotations

import json
import resource
import typing as t

import pytest
from module_server import ModuleServer
from nested import BUSYBOX
from odd_answers import OddEngine

Json = t.Any

# How often each kind of request of a task is answered oddly.
TIMES = 3

# In bytes, for a task that meets a file of 200 MB. It has some 25 MB anyway.
MEMORY = 60 << 20


@pytest.fixture(scope="module")
def tasks(shared_lab: Json) -> dict[str, Json]:
    """Tasks that read all that there is to read about a lab."""
    lab = shared_lab
    net = lab.network("odd")
    database = lab.run("odd-db", network="bridge")
    client = lab.run("odd-client", links=[f"{database}:db"])
    lab.connect(net, database, Aliases=["d"])
    member = {"image": BUSYBOX, "command": ["sleep", "1"], "networks": {net: {"aliases": ["a"]}}}
    return {
        "network_attach": {
            "network": net,
            "endpoints": [{"container": database, "aliases": ["e"]}, {"container": client}],
        },
        "container_link": {
            "container": client,
            "links": [f"{database}:db", f"{database}:more"],
            "disruption": "recreate",
        },
        "connectivity": {"source": client, "target": database, "host": "db", "protocol": "dns", "timeout": 0},
        "topology": {
            "name": lab.name("odd"),
            "networks": {net: {"external": True}, lab.name("odd-further"): {}},
            "containers": {
                database: {**member},
                lab.name("odd-new"): {**member, "volumes": [f"{lab.name('odd-data')}:/data"]},
            },
            "disruption": "recreate",
        },
        "topology_info": {},
        "link_migrate": {"containers": [client], "network": net},
    }


@pytest.fixture(scope="module")
def odd(engine: Json, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[OddEngine]:
    folder = tmp_path_factory.mktemp("odd")
    server = ModuleServer(folder, {"DOCKER_TIMEOUT": "5"})
    yield OddEngine(server, folder, engine.connection.docker_host.partition("://")[2], seed=12)
    server.close()


@pytest.mark.parametrize(
    "name", ["network_attach", "container_link", "connectivity", "topology", "topology_info", "link_migrate"]
)
def test_no_answer_ends_a_task_in_a_traceback(name, tasks, odd):
    params = tasks[name]
    kinds = dict.fromkeys(request.kind for request in odd.requests(name, params, check=True))
    problems = [
        problem for kind in kinds for _time in range(TIMES) for problem in odd.problems(name, params, kind, check=True)
    ]
    assert kinds, "the task itself is wrong"
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems)


def test_a_hosts_file_without_end_is_left_alone(lab, start):
    database, client = lab.run("db", network="bridge"), lab.name("client")
    lab.run("client", links=[f"{database}:db"])
    lab.exec(client, "dd", "if=/dev/null", "of=/etc/hosts", "bs=1", f"seek={200 << 20}", user="0")
    task = start("container_link", {"container": client, "links": [f"{database}:db"]})
    # The limit is the task's own: what getrusage says of a child includes what the process that forked it had.
    resource.prlimit(task.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
    stdout, stderr = task.communicate(timeout=60)
    message = json.loads(stdout or "{}").get("msg", stderr)
    assert "could not read what is there" in message and "Nothing was changed" in message
    assert "is larger than" in message
