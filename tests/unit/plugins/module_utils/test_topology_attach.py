# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container goes on which network, where one network alone does not decide it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._client import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._container_spec import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._state import Container, Endpoint, Network
from ansible_collections.linklab.docker.plugins.module_utils._topology_plan import plan_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology_spec import parse_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology_state import TopologyState

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._plan import Plan

OWN = {TOPOLOGY_LABEL: "lab"}
NETWORKS = {
    "alpha": Network("1" * 64, "alpha", labels=OWN),
    "bridge": Network("2" * 64, "bridge"),
    "zeta": Network("3" * 64, "zeta", labels=OWN),
    "theirs": Network("4" * 64, "theirs"),
}


def plan(wanted: list[str], *there: str) -> Plan:
    """Plan a topology of one container that runs and is on some networks."""
    ends = {name: Endpoint(name, NETWORKS[name].id, "e" * 64, gateway="10.0.0.1", ipv4="10.0.0.2") for name in there}
    raw = {"Config": {"Labels": OWN, "Image": "bb"}, "Image": "sha256:1"}
    web = Container("c" * 64, "web", "running", image="bb", endpoints=ends, raw=raw)
    networks: dict[str, t.Any] = {"alpha": None, "zeta": None, "theirs": {"external": True}}
    spec = parse_topology(
        {"name": "lab", "networks": networks, "containers": {"web": {"image": "bb", "networks": wanted}}}
    )
    return plan_topology(
        spec,
        TopologyState(
            EngineInfo("1.41"),
            containers={"web": web},
            networks=NETWORKS,
            all_networks=tuple(NETWORKS.values()),
            image_ids={"bb": "sha256:1"},
            image_configs={"sha256:1": {}},
        ),
    )


def test_it_is_told_where_the_default_route_of_what_stays_moves_to():
    (warning,) = plan(["alpha", "zeta"], "zeta").warnings
    assert "of web move from zeta to alpha" in warning
    (warning,) = plan(["alpha"], "theirs").warnings
    assert "of web move from theirs to alpha" in warning


def test_that_the_route_leaves_a_network_with_the_container_is_no_news():
    for wanted, there in (("alpha", "zeta"), ("alpha", "bridge"), ("bridge", "zeta")):
        found = plan([wanted], there)
        assert [action.name for action in found.actions] in (["detach", "attach"], ["attach", "detach"])
        assert found.warnings == ()


@pytest.mark.parametrize("renewed", [False, True])
def test_an_end_of_a_legacy_link_comes_back_to_the_bridge_and_is_told_to_need_a_restart(renewed):
    raw = {"Config": {"Labels": OWN, "Image": "bb"}, "Image": "sha256:1"}
    containers = {
        name: Container(name * 12, name, status, image="bb", endpoints={}, raw=raw)
        for name, status in (("app", "running"), ("database", "running"), ("cache", "exited"), ("other", "running"))
    }
    links = {"app": [LegacyLink(name[0], name, containers[name]) for name in ("database", "cache")]}
    wanted: dict[str, t.Any] = {name: {"image": "bb"} for name in containers}
    wanted["app"]["links"] = ["database:d", "cache:c"]
    wanted["app"].update({"user": "1"} if renewed else {})
    found = plan_topology(
        parse_topology({"name": "lab", "containers": wanted}),
        TopologyState(
            EngineInfo("1.41"),
            containers=containers,
            networks={"bridge": NETWORKS["bridge"]},
            all_networks=tuple(NETWORKS.values()),
            image_ids={"bb": "sha256:1"},
            image_configs={"sha256:1": {}},
            legacy={name: tuple(ends) for name, ends in links.items()},
        ),
    )
    attached = [action.subject for action in found.actions if action.name == "attach"]
    assert sorted(attached) == ["app on bridge", "cache on bridge", "database on bridge"]
    # One that is stopped is started with all that its links need, and so is a successor.
    told = [] if renewed else ["back on the default bridge while running, perhaps with another address: database, app"]
    assert [warning.partition(".")[0] for warning in found.warnings] == told
