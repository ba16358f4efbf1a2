# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a removal must not pull away from under the containers of others."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Member,
    Network,
    Summary,
)
from ansible_collections.linklab.docker.plugins.module_utils._topology.plan import plan_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import parse_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.state import TopologyState

OWN = {TOPOLOGY_LABEL: "lab"}


def own(name: str) -> ContainerState:
    return ContainerState(name, name, "running", raw={"Config": {"Labels": OWN}})


def listed(name: str, **fields: t.Any) -> Summary:
    return Summary(name, name, "running", {}, **fields)


def state(*others: Summary, **fields: t.Any) -> TopologyState:
    """Two containers of the topology, which must go, among others."""
    containers = {name: own(name) for name in ("db", "web")}
    return TopologyState(
        EngineInfo("1.41"), containers=containers, others=others, leftovers=tuple(containers), **fields
    )


def remove(there: TopologyState, **params: t.Any) -> list[str]:
    spec = parse_topology({"name": "lab", "state": "absent", **params})
    return [action.describe() for action in plan_topology(spec, there).actions]


@pytest.mark.parametrize(
    "others,message",
    [
        (
            [listed("db", linked_by=frozenset({("client", "sql")})), listed("web"), listed("client")],
            "container db cannot be removed: client has a legacy link to it",
        ),
        (
            [listed("db"), listed("web"), listed("probe", network_mode="container:db")],
            "container db cannot be removed: probe shares its network and would be cut off; remove it first",
        ),
        (
            [listed("db"), listed("web"), *(listed(name, network_mode="container:db") for name in "ab")],
            "container db cannot be removed: a, b share its network and would be cut off; remove them first",
        ),
        (
            [listed("db", linked_by=frozenset({("a", "x"), ("b", "y")})), listed("web"), listed("a"), listed("b")],
            "container db cannot be removed: a, b have a legacy link to it",
        ),
    ],
)
def test_a_container_that_others_need_is_not_removed(others, message):
    with pytest.raises(Refusal, match=message):
        remove(state(*others))


def test_containers_that_need_each_other_go_together():
    others = (
        listed("db", linked_by=frozenset({("web", "sql")})),
        listed("web", network_mode="container:db"),
        listed("stranger"),
    )
    assert sorted(remove(state(*others))) == ["remove container db", "remove container web"]


def test_what_another_run_has_removed_meanwhile_is_no_user_of_a_network():
    """The engine takes a container off its networks a moment after it is gone from everything else."""
    members = {name: Member(name, "end") for name in ("db", "gone")}
    net = Network("n" * 64, "net", labels=OWN, members=members)
    there = state(listed("db"), listed("web"), networks={"net": net})
    there = replace(there, containers={"web": there.containers["web"]})

    assert "remove network net" in remove(there)

    with pytest.raises(Refusal, match="gone is attached to it and not of topology lab"):
        remove(replace(there, others=(*there.others, listed("gone"))))


def test_a_volume_that_others_use_is_not_removed():
    there = state(
        listed("db", volumes=frozenset({"data"})), listed("web"), volumes={"data": OWN, "theirs": {}, "free": OWN}
    )
    assert remove(there, volumes=True)[-2:] == ["remove volume data", "remove volume free"]
    assert "remove volume data" not in remove(there)
    used = replace(there, others=(*there.others, listed("other", volumes=frozenset({"data", "theirs"}))))
    with pytest.raises(Refusal, match="volume data cannot be removed: other uses it"):
        remove(used, volumes=True)
    # Where the volumes stay, it does not matter who uses them.
    assert len(remove(used)) == 2
