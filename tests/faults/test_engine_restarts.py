# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine stops in the middle of a task, killed or in order, and takes its containers with it; then it comes back.

Without C(live-restore) it stops all containers, and starts some of them by their restart policies: C(always) and
C(on-failure) also where they had been stopped by hand, so also one that is just being replaced. Engine 26 starts
C(unless-stopped) only after it ended in order. What it does not start, the user starts, as far as he knows it by name.

As for test_engine_dies.py, it is another engine, in a container, so these tests want root.
"""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from contextlib import suppress

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from fault_labs import AT_ONCE, KEEP_COMMAND, address, wait_kept
from fault_sweep import Outcome, Point, Scenario, Sweep
from kept import Expected
from linklab_engine_conftest import BUSYBOX, PREFIX, SUBNETS, Lab, random_subnet
from mortal_engine import Mortal
from socket_proxy import Fault

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

PORTS = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
# What a replacement adds to a name.
LEFTOVER = ".linklab-"


class Restarts:
    """What happens after an engine ended: it comes back, and the user starts what it did not start."""

    def __init__(self, mortal: Mortal) -> None:
        self.mortal = mortal
        self.twice: list[str] = []

    def __call__(self) -> None:
        self.mortal.wait()
        running = defaultdict(list)
        for name, state in self._states().items():
            if state == "running":
                running[name.partition(LEFTOVER)[0]].append(name)
        self.twice += [f"{' and '.join(names)} run at once" for names in running.values() if len(names) > 1]
        # A source with a legacy link starts only once its target runs.
        for _round in range(2):
            for name, state in self._states().items():
                if state == "exited" and LEFTOVER not in name and not name.endswith("-stopped"):
                    with suppress(EngineError):
                        self.mortal.engine.start(name)

    def _states(self) -> dict[str, str]:
        # A target has names of its links in addition to its own.
        return {
            next(name for name in one["Names"] if name.count("/") == 1).lstrip("/"): one["State"]
            for one in self.mortal.engine.containers()
        }


@pytest.fixture(scope="module")
def restarts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarts]:
    one = Mortal(tmp_path_factory.mktemp("n"), f"{PREFIX}restarts-")
    yield Restarts(one)
    one.down()


# One after the other: each point takes up to 18 seconds.
FAULTS_IN_TURN = ("killed-after", "ended-after")


class Turns(Sweep):
    """Makes one fault at each request, in turn; only at those of KINDS, where that names the scenario."""

    def _try(self, scenario: Scenario, point: Point, reference: Json) -> Outcome:
        turn = FAULTS_IN_TURN[point.changes % 2]
        kinds = KINDS.get(scenario.name, (point.about,))
        if point.about and (point.fault != turn or point.about not in kinds):
            return Outcome(scenario, point)
        return super()._try(scenario, point, reference)


@pytest.fixture(scope="module")
def sweep(restarts: Restarts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    mortal = restarts.mortal
    one = Turns(
        mortal.engine,
        tmp_path_factory.mktemp("sweep"),
        lambda client: Lab(client, f"{PREFIX}{os.urandom(3).hex()}-"),
        SUBNETS,
        only=os.environ.get("LINKLAB_FAULTS_POINT", ""),
        extra={
            "killed-after": Fault("cut", after=True, strike=mortal.kill),
            "ended-after": Fault("cut", after=True, strike=mortal.terminate),
        },
        workers=1,
        afterwards=restarts,
    )
    yield one
    one.close()


def source(lab: Json, policy: str, *, single: bool) -> str:
    """Make a container with volumes. single: with a port and an address, so that no two like it can run."""
    network = lab.network("net")
    lab.engine.post("/volumes/create", {"Name": lab.name("volume")})
    made = lab.run(
        "client",
        *KEEP_COMMAND,
        host={
            "Binds": [f"{lab.name('volume')}:/named"],
            "RestartPolicy": {"Name": policy},
            "PortBindings": PORTS if single else {},
        },
        ExposedPorts={"80/tcp": {}},
        Volumes={"/anonymous": {}},
        **AT_ONCE,
    )
    lab.connect(
        network, made, Aliases=["x"], **({"IPAMConfig": {"IPv4Address": address(lab, network, 20)}} if single else {})
    )
    wait_kept(lab, made)
    return str(made)


def recreate(policy: str, *, single: bool = False) -> t.Callable[[Json, Json], dict[str, Json]]:
    def build(lab: Json, _run: Json) -> dict[str, Json]:
        database = lab.run("database", host={"RestartPolicy": {"Name": "always"}}, **AT_ONCE)
        client = source(lab, policy, single=single)
        return {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}

    return build


def reattach(lab: Json, _run: Json) -> dict[str, Json]:
    """Other aliases for containers that have addresses of their own; one does not run."""
    network = lab.network("net")
    desired_endpoints = []
    for number, name in enumerate(("running", "stopped")):
        settings = {"IPAMConfig": {"IPv4Address": address(lab, network, 10 + number)}, "Aliases": [f"old-{name}"]}
        host = {"RestartPolicy": {"Name": "always" if name == "running" else "no"}}
        made = lab.run(name, networks={network: settings}, start=name == "running", host=host, **AT_ONCE)
        desired_endpoints.append({"container": made, "aliases": [f"new-{name}"]})
    return {"network": network, "endpoints": desired_endpoints}


def lesson(lab: Json) -> dict[str, Json]:
    net, database, volume = lab.name("net"), lab.name("database"), f"{lab.name('volume')}:/named"
    base = {"image": BUSYBOX, "command": list(KEEP_COMMAND), "stop_signal": "SIGKILL", "stop_grace_period": "1s"}
    subnet = random_subnet()
    return {
        "name": lab.name("lab"),
        "networks": {net: {"ipam": {"config": [{"subnet": str(subnet)}]}}},
        "containers": {
            database: {
                **base,
                "volumes": [volume, "/anonymous"],
                "networks": {net: {"ipv4_address": str(subnet[20])}},
                "ports": ["8080:80"],
                "restart": "always",
            },
            lab.name("client"): {**base, "networks": [net], "depends_on": [database], "restart": "unless-stopped"},
        },
    }


def create_topology(lab: Json, _run: Json) -> dict[str, Json]:
    return lesson(lab)


def recreate_topology(lab: Json, run: Json) -> dict[str, Json]:
    """A change that needs a recreate, and another restart policy with it."""
    params = lesson(lab)
    done = run("topology", params)
    assert not done.failed, done
    for name in params["containers"]:
        wait_kept(lab, name)
    params["containers"][lab.name("database")] |= {"environment": {"NEW": "value"}, "restart": "on-failure:3"}
    return {**params, "disruption": "recreate"}


REPLACES = Expected(replaces=["client"], differs={"client": ("links",)})
# Until the next run, a predecessor has its policy in its name alone; that run has to leave it where it was.
REPLACES_ALWAYS = Expected(replaces=["client"], differs={"client": ("links", "host")})
SCENARIOS = (
    Scenario("network_attach", "other aliases", reattach, Expected(touches=["net"])),
    Scenario("container_link", "recreate, always", recreate("always"), REPLACES_ALWAYS),
    Scenario("container_link", "recreate, unless-stopped", recreate("unless-stopped", single=True), REPLACES),
    Scenario("topology", "create", create_topology),
    Scenario(
        "topology",
        "recreate",
        recreate_topology,
        Expected(replaces=["database"], differs={"database": ("config", "host")}),
    ),
)
# Where the two of an exchange could meet; every request of one is in the topology's recreate.
KINDS = {
    "recreate, always": (
        "POST /containers/*/rename",
        "POST /containers/*/update",
        "POST /containers/*/start",
        "DELETE /containers/*",
    ),
    "recreate, unless-stopped": ("POST /containers/*/start",),
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_an_engine_that_takes_its_containers_with_it(sweep, restarts, scenario):
    restarts.twice.clear()

    outcomes = sweep(scenario)

    assert outcomes
    assert [problem for outcome in outcomes for problem in outcome.problems()] + restarts.twice == []
