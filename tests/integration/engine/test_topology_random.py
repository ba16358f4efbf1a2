# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random topologies on the real engine: from any state one run converges, whatever hands did meanwhile.

Environment variables, all optional:

    LINKLAB_TEST_LABS  how many topologies to draw (8); with another number, others are drawn
"""

from __future__ import annotations

import json
import os
import sys
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import apply
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from ansible_collections.linklab.docker.plugins.module_utils._topology.task import TOPOLOGY_TASK
from hypothesis import HealthCheck, assume, given, note, seed, settings
from hypothesis import strategies as st
from topology_model import CONTAINERS, FOREIGN, NETWORKS, do_by_hand, hands, rewired, tasks

Json = t.Any

LABS = int(os.environ.get("LINKLAB_TEST_LABS", "8"))


class Names:
    """Gives a drawn topology names and subnets of this test alone, and what it runs something that runs."""

    def __init__(self, lab: Json) -> None:
        conftest = sys.modules[type(lab).__module__]
        self.lab, self.image = lab, conftest.BUSYBOX
        self.subnets = {f"10.94.{number}": self._subnet(conftest) for number, _name in enumerate(NETWORKS)}

    @staticmethod
    def _subnet(conftest: Json) -> str:
        # A /24, since the drawn addresses end in more than 100.
        return str(conftest.random_subnet(24)).rpartition(".")[0]

    def task(self, drawn: dict[str, Json]) -> dict[str, Json]:
        text = json.dumps({key: drawn[key] for key in ("networks", "containers")})
        for name in (*CONTAINERS, *NETWORKS):
            for before, after in (('"', '"'), ('"', ":"), (":to-", '"')):
                text = text.replace(f"{before}{name}{after}", f"{before}{self.lab.name(name)}{after}")
        for before, after in self.subnets.items():
            text = text.replace(before, after)
        task = json.loads(text)
        for options in task["containers"].values():
            options.update(image=self.image, command=["sleep", "100000"], stop_grace_period="0s")
            if options.get("user") == "app":
                options["user"] = "0"
        return {**drawn, **task, "name": self.lab.name("lab")}

    def deeds(self, drawn: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        return [(verb, self.lab.name(one), net if net == "bridge" else self.lab.name(net)) for verb, one, net in drawn]


def plan(lab: Json, task: dict[str, Json]) -> Json:
    spec = TOPOLOGY_TASK.parse(task)
    return TOPOLOGY_TASK.plan(spec, TOPOLOGY_TASK.observe(lab.engine, spec))


def converge(lab: Json, task: dict[str, Json]) -> Json:
    try:
        found = plan(lab, task)
    except Refusal as exc:
        note(str(exc))
        assume(False)
    note(found.text())
    apply(lab.engine, found, TOPOLOGY_TASK.executors())
    assert plan(lab, task).text() == ""
    return found


@pytest.fixture
def names(lab):
    lab.network(FOREIGN)
    return Names(lab)


@seed(LABS)
@settings(max_examples=LABS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_from_any_state_one_run_converges(lab, names, data):
    first, networks_only = data.draw(tasks()), data.draw(st.booleans())
    second = data.draw(rewired(first) if networks_only else tasks())
    deeds = data.draw(hands())
    try:
        converge(lab, names.task(first))
        do_by_hand(lab.engine, names.deeds(deeds))
        found = converge(lab, names.task(second))
        # Who links to a container that was removed by hand needs a new link.
        if networks_only and "remove" not in [verb for verb, _container, _network in deeds]:
            assert all(action.disruption < Disruption.RECREATE for action in found.actions)
    finally:
        gone = plan(lab, {"name": lab.name("lab"), "state": "absent"})
        apply(lab.engine, gone, TOPOLOGY_TASK.executors())
