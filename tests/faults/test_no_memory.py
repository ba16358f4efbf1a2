# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container's memory limit is too small: for its program, so that the kernel kills it, or even for its start.

The engine takes no limit below 6 MiB. A program needs more than that of itself to be killed; the engine's own part of
a start does where the environment is large, and that start is then refused with an error.
"""

from __future__ import annotations

import re
import typing as t

import pytest
from fault_labs import AT_ONCE, KEEP_COMMAND, address, wait_kept
from kept import Expected, lost, take_picture
from linklab_engine_conftest import BUSYBOX, random_subnet

Json = t.Any

LITTLE, ENOUGH = 6 << 20, 256 << 20
# The shell holds it in its memory, and the shell is the container's first process.
GREEDY = "x=$(head -c 12000000 /dev/zero | tr '\\0' a); echo ${#x}"
# Much for the runtime, which reads it within the container's limit, and just not too much for the kernel.
LARGE = {f"LARGE_{number}": "x" * 100_000 for number in range(16)}


def limit(lab: Json, container: str, size: int) -> None:
    lab.engine.post(f"/containers/{container}/update", {"Memory": size, "MemorySwap": size})


def source(lab: Json, *command: str, **config: Json) -> str:
    """Make a container with files to lose, and with an endpoint that has settings."""
    network = lab.network("net")
    made = lab.run("client", *command, Volumes={"/anonymous": {}}, **AT_ONCE, **config)
    lab.connect(network, made, Aliases=["x"], IPAMConfig={"IPv4Address": address(lab, network, 20)})
    wait_kept(lab, made)
    return str(made)


def link(lab: Json, client: str) -> dict[str, Json]:
    return {"container": client, "links": [f"{lab.run('database', **AT_ONCE)}:db"], "disruption": "recreate"}


REPLACES = Expected(replaces=["client"], differs={"client": ("links", "host")})


@pytest.mark.parametrize("policy", ["no", "always"])
def test_a_successor_that_is_killed_for_lack_of_memory(lab, module, policy):
    script = KEEP_COMMAND[-1].replace("exec sleep", f"! grep -qw db /etc/hosts || {{ {GREEDY}; }}; exec sleep")
    client = source(lab, "sh", "-c", script, host={"RestartPolicy": {"Name": policy}})
    limit(lab, client, LITTLE)
    task = link(lab, client)
    before = take_picture(lab.engine, lab.prefix)

    result = module("container_link", task, fails=True)

    # With a policy, it may be seen when it runs again, and the engine then has no exit code any more.
    code = "(?: with exit code 137)?" if policy == "always" else " with exit code 137"
    assert re.search(f"its successor ended at once{code}, killed for lack of memory; its log ", result["msg"])
    assert f"The old container {client}" in result["msg"]
    assert "is back, running as before." in result["msg"]
    # All of it, not only what may not get lost.
    assert take_picture(lab.engine, lab.prefix) == before
    limit(lab, client, ENOUGH)
    assert module("container_link", task)["changed"]
    assert not module("container_link", task)["changed"]
    assert lab.inspect(client)["HostConfig"]["RestartPolicy"]["Name"] == policy
    assert lost(before, take_picture(lab.engine, lab.prefix), REPLACES) == []


def test_neither_a_source_nor_its_successor_that_can_start(lab, module):
    """The limit became too small while the source ran: nobody can bring it back, and nothing of it may get lost."""
    environment = [f"{name}={value}" for name, value in LARGE.items()]
    client = source(lab, *KEEP_COMMAND, Env=environment, host={"RestartPolicy": {"Name": "always"}})
    limit(lab, client, LITTLE)
    task = link(lab, client)
    before = take_picture(lab.engine, lab.prefix)

    result = module("container_link", task, fails=True)

    assert "memory limit" in result["msg"]
    assert "x" * 1000 not in result["msg"]
    assert "Bringing the old container" in result["msg"]
    assert "Nothing of it is lost; run the task again once the cause is gone." in result["msg"]
    assert lab.inspect(client)["Id"] == before.by_name(client).id
    assert lab.inspect(client)["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert lost(before, take_picture(lab.engine, lab.prefix), REPLACES) == []
    limit(lab, client, ENOUGH)
    assert module("container_link", task)["changed"]
    assert not module("container_link", task)["changed"]
    assert lab.inspect(client)["State"]["Status"] == "running"
    assert lost(before, take_picture(lab.engine, lab.prefix), REPLACES) == []


# -- of a topology ----------------------------------------------------------------------------------------------------


def lesson(lab: Json, **box: Json) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return a topology with one container, and the options of that."""
    options = {"image": BUSYBOX, "stop_signal": "SIGKILL", "networks": [lab.name("net")], **box}
    networks = {lab.name("net"): {"ipam": {"config": [{"subnet": str(random_subnet())}]}}}
    task = {"name": lab.name("lab"), "networks": networks, "containers": {lab.name("box"): options}}
    return task, options


def test_a_limit_with_which_a_container_cannot_start(lab, module):
    task, box = lesson(lab, command=list(KEEP_COMMAND), environment=LARGE, volumes=["/anonymous"])
    module("topology", task)
    wait_kept(lab, lab.name("box"))
    before = take_picture(lab.engine, lab.prefix)
    box |= {"environment": {**LARGE, "NEW": "value"}, "mem_limit": "6m"}
    task["disruption"] = "recreate"

    result = module("topology", task, fails=True)

    assert "memory limit" in result["msg"]
    assert "x" * 1000 not in result["msg"]
    assert f"The old container {lab.name('box')}" in result["msg"]
    assert "is back, running as before." in result["msg"]
    assert take_picture(lab.engine, lab.prefix) == before
    box["mem_limit"] = "256m"
    assert module("topology", task)["changed"]
    assert not module("topology", task)["changed"]
    expected = Expected(replaces=["box"], differs={"box": ("config", "host")})
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []


# Engines call such a container killed for lack of memory only once it has ended; with a policy, it ends and begins.
@pytest.mark.parametrize("restart, story", [("no", "it ended with"), ("always", "ended with")])
def test_a_container_that_is_killed_while_it_is_waited_for(lab, module, restart, story):
    task, box = lesson(
        lab,
        command=["sh", "-c", f"{GREEDY}; touch /ready; exec sleep 100000"],
        healthcheck={"test": ["CMD", "test", "-e", "/ready"], "interval": "1s", "retries": 60},
        mem_limit="6m",
        restart=restart,
    )
    task |= {"wait": "healthy", "wait_timeout": 15}

    result = module("topology", task, fails=True)

    assert f"{lab.name('box')} d" in result["msg"]
    assert f"{story} exit code 137, killed for lack of memory" in result["msg"]
    box["mem_limit"] = "256m"
    assert module("topology", task)["changed"]
    assert not module("topology", task)["changed"]
    assert lab.inspect(lab.name("box"))["State"]["Health"]["Status"] == "healthy"
