# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read for a graph: which containers are asked for, and with which requests. Answers of real engines."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Network, Summary
from ansible_collections.linklab.docker.plugins.module_utils._topology.graph_observe import (
    Listed,
    concerned,
    topology_info,
)
from recorded import ENGINES, Recorded, playback

Json = t.Any


@pytest.fixture(params=ENGINES)
def answers(request: pytest.FixtureRequest) -> Recorded:
    return Recorded(request.param)


def graph(answers: Recorded, folder: t.Any, paths: dict[str, Json], name: str | None = None) -> Json:
    with playback(folder / "sock", answers.raw["version"], paths) as engine:
        return topology_info(engine, {"name": name})


def test_the_whole_engine(answers, tmp_path):
    found = graph(answers, tmp_path, answers.by_path())
    assert [one["name"] for one in found["containers"]] == sorted(answers.raw["containers"])
    assert {one["name"]: one["network_mode"] for one in found["containers"]}["shares"] == "container:bridge"
    ends = {(end["container"], end["network"]): end for end in found["endpoints"]}
    assert ends["full", "net"]["aliases"]
    assert ends["full", "net"]["links"]
    assert not [key for key in ends if key[0] == "shares"]
    legacy = [link for link in found["links"] if link["kind"] == "legacy"]
    assert {(link["source"], link["target"], link["stale"]) for link in legacy} == {("linked", "target", False)}
    assert found["topologies"] == []


def test_who_was_removed_since_the_list_was_made_is_left_out(answers, tmp_path):
    paths = answers.by_path()
    gone = answers.raw["containers"]["target"]["Id"]
    for path in [path for path in paths if gone in path or path.endswith("/target/json")]:
        del paths[path]
    found = graph(answers, tmp_path, paths)
    assert "target" not in {one["name"] for one in found["containers"]}
    assert "target" not in {end["container"] for end in found["endpoints"]}
    assert {link["stale"] for link in found["links"] if link["kind"] == "legacy"} == {True}


def test_a_link_whose_target_the_list_misses_is_looked_up(answers, tmp_path):
    paths = answers.by_path()
    target = answers.raw["containers"]["target"]
    paths["/containers/json"] = [one for one in paths["/containers/json"] if one["Id"] != target["Id"]]
    aliases = [text.rpartition("/")[2] for text in answers.raw["containers"]["linked"]["HostConfig"]["Links"]]
    paths.update({f"/containers/linked/{alias}/json": target for alias in aliases})
    found = graph(answers, tmp_path, paths)
    assert {link["target"] for link in found["links"] if link["kind"] == "legacy"} == {"target"}
    assert not [link for link in found["links"] if link["kind"] == "legacy" and link["stale"]]


def test_topologies_are_those_of_containers_and_of_networks(answers, tmp_path):
    paths = answers.by_path()
    first, *others = paths["/containers/json"]
    paths["/containers/json"] = [{**first, "Labels": {TOPOLOGY_LABEL: "of-container"}}, *others]
    net, *nets = paths["/networks"]
    paths["/networks"] = [{**net, "Labels": {TOPOLOGY_LABEL: "of-network"}}, *nets]
    paths["/images/json"] = []
    assert graph(answers, tmp_path, paths, "none")["topologies"] == ["of-container", "of-network"]


# -- who may be in the graph of a topology ----------------------------------------------------------------------------


def listed(name: str, topology: str | None, *networks: str, mode: str = "default", linked_by: str = "") -> Listed:
    links = {tuple(linked_by.split("/"))} if linked_by else ()
    return Listed(Summary(name, name, "running", dict.fromkeys(networks, ""), mode, frozenset(links)), topology)


OWN = listed("web", "shop", "back", "bridge", "guests", linked_by="client/w")
NETWORKS = (Network("1", "empty", labels={TOPOLOGY_LABEL: "shop"}), Network("2", "back"), Network("3", "guests"))


@pytest.mark.parametrize(
    "other,near",
    [
        (listed("one", None, "back"), True),
        (listed("one", "other", "guests"), True),
        (listed("one", None, "empty"), True),
        (listed("one", None, "bridge"), False),
        (listed("one", None), False),
        (listed("client", None, "bridge"), True),
        (listed("one", None, "bridge", linked_by="web/o"), True),
        (listed("one", None, "bridge", linked_by="two/o"), False),
        (listed("one", None, mode="container:web"), True),
        (listed("one", None, mode="container:two"), False),
    ],
)
def test_those_are_asked_for_that_may_share_an_edge_with_the_topology(other, near):
    assert (other.summary.id in concerned([OWN, other], NETWORKS, "shop")) is near
    assert other.summary.id in concerned([OWN, other], NETWORKS, None)


def test_whose_network_is_shared_is_asked_for():
    own = listed("probe", "shop", mode="container:lender")
    assert concerned([listed("lender", None, "bridge"), own], NETWORKS, "shop") == ["lender", "probe"]
