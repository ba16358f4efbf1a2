# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The graph of what is there: which nodes and edges are in it, and what they say."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Network,
    Subnet,
)
from ansible_collections.linklab.docker.plugins.module_utils._topology.graph import (
    GraphState,
    build_graph,
    network_mode,
)
from hypothesis import given
from hypothesis import strategies as st


def ident(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def network(name: str, owner: str = "", **fields: t.Any) -> Network:
    return Network(ident(name), name, labels={TOPOLOGY_LABEL: owner} if owner else {}, **fields)


def box(name: str, owner: str = "", *networks: str, mode: str = "default", **links: t.Sequence[str]) -> ContainerState:
    """A container. links: network links by network."""
    ends = {
        one: Endpoint(
            one,
            settings=EndpointSettings(aliases=(), links=tuple(Link.read(text) for text in links.get(one, ()))),
            ipv4="10.0.0.1",
        )
        for one in networks
    }
    labels = {TOPOLOGY_LABEL: owner} if owner else {}
    raw = {"Config": {"Labels": labels, "Env": ["PASSWORD=secret"]}, "State": {"Health": {"Status": "healthy"}}}
    return ContainerState(ident(name), name, "running", image="box", network_mode=mode, endpoints=ends, raw=raw)


NETWORKS = (
    network("back", "shop", internal=True, subnets=(Subnet("10.0.0.0/24"),)),
    network("bridge"),
    network("alien"),
)


def names(entries: t.Iterable[t.Mapping[str, t.Any]], *keys: str) -> list[t.Any]:
    return [tuple(entry[key] for key in keys) if keys else entry["name"] for entry in entries]


def test_nodes_and_edges_say_what_is_there():
    db, web = box("db", "shop", "back"), box("web", "shop", "back", back=["db:sql"])
    graph = build_graph(GraphState(NETWORKS[:1], (web, db)), None)
    assert graph["networks"] == [
        {
            "id": ident("back"),
            "name": "back",
            "driver": "bridge",
            "internal": True,
            "subnets": ["10.0.0.0/24"],
            "labels": {TOPOLOGY_LABEL: "shop"},
            "topology": "shop",
        }
    ]
    assert graph["containers"][0] == {
        "id": ident("db"),
        "name": "db",
        "image": "box",
        "status": "running",
        "health": "healthy",
        "topology": "shop",
        "network_mode": "bridge",
    }
    assert names(graph["endpoints"], "container", "network", "links") == [
        ("db", "back", []),
        ("web", "back", ["db:sql"]),
    ]
    assert graph["links"] == [
        {
            "source": "web",
            "kind": "network",
            "target": "db",
            "target_id": ident("db"),
            "alias": "sql",
            "network": "back",
            "address": "10.0.0.1",
            "stale": False,
        }
    ]
    assert "secret" not in str(graph)


@pytest.mark.parametrize("target,stale", [("db", False), (ident("db")[:12], False), (ident("db"), True), ("no", True)])
def test_a_network_link_leads_to_a_name_or_a_short_id(target, stale):
    state = GraphState(NETWORKS, (box("db", "", "back"), box("web", "", "back", back=[f"{target}:sql"])))
    (link,) = build_graph(state, None)["links"]
    assert (link["stale"], link["target"]) == (stale, target if stale else "db")


def test_a_network_link_to_a_container_that_is_not_on_the_network_is_stale():
    state = GraphState(NETWORKS, (box("db", "", "alien"), box("web", "", "back", back=["db:sql"])))
    assert names(build_graph(state, None)["links"], "target", "target_id", "stale") == [("db", "", True)]


def test_links_that_the_default_bridge_ignores_are_none():
    state = GraphState(NETWORKS, (box("db", "", "bridge"), box("web", "", "bridge", bridge=["db:sql"])))
    assert build_graph(state, None)["links"] == []


def test_a_legacy_link_leads_to_whom_the_engine_holds_on_to():
    renamed = box("renamed", "", "bridge")
    links = (LegacyLink("sql", "db", renamed), LegacyLink("old", "gone", None))
    state = GraphState(NETWORKS, (box("web", "", "bridge"), renamed), {"web": links})
    assert names(build_graph(state, None)["links"], "alias", "target", "stale") == [
        ("old", "gone", True),
        ("sql", "renamed", False),
    ]


def test_a_network_mode_is_reported_in_the_words_of_a_topology():
    lender = box("lender")
    assert network_mode(box("one"), ()) == "bridge"
    assert network_mode(box("one", mode="host"), ()) == "host"
    assert network_mode(box("one", mode=f"container:{lender.id}"), [lender]) == "container:lender"
    assert network_mode(box("one", mode=f"container:{lender.id}"), []) == f"container:{lender.id}"


def test_a_healthcheck_that_is_switched_off_is_none():
    one = box("one")
    off = replace(one, raw={**one.raw, "State": {"Health": {"Status": "none"}}})
    assert build_graph(GraphState((), (off,)), None)["containers"][0]["health"] == ""


# -- one topology -----------------------------------------------------------------------------------------------------


def test_a_topology_is_in_its_graph_with_all_that_shares_an_edge_with_it():
    containers = (
        box("db", "shop", "back"),
        box("web", "shop", "bridge", "alien"),
        box("guest", "", "back", "bridge"),
        box("neighbour", "other", "alien"),
        box("linked", "", "alien", alien=["web:w"]),
        box("probe", "", mode=f"container:{ident('db')}"),
        box("lender", "", "bridge"),
        box("borrower", "shop", mode=f"container:{ident('lender')}"),
        box("legacy", "", "bridge"),
        box("stranger", "", "bridge"),
    )
    legacy = {"legacy": (LegacyLink("w", "web", containers[1]), LegacyLink("s", "stranger", containers[-1]))}
    graph = build_graph(GraphState((*NETWORKS, network("empty", "shop"), network("other")), containers, legacy), "shop")
    assert names(graph["networks"]) == ["alien", "back", "bridge", "empty"]
    assert names(graph["containers"]) == ["borrower", "db", "guest", "legacy", "lender", "linked", "probe", "web"]
    assert names(graph["endpoints"], "container", "network") == [
        ("db", "back"),
        ("guest", "back"),
        ("web", "alien"),
        ("web", "bridge"),
    ]
    assert names(graph["links"], "source", "target") == [("legacy", "web"), ("linked", "web")]


def test_a_stale_link_does_not_bring_in_who_has_the_name_by_now():
    legacy = {"web": (LegacyLink("sql", "db", None),), "other": (LegacyLink("w", "web", None),)}
    containers = (box("web", "shop", "bridge"), box("db", "", "bridge"), box("other", "", "bridge"))
    graph = build_graph(GraphState(NETWORKS, containers, legacy), "shop")
    assert names(graph["containers"]) == ["web"]
    assert names(graph["links"], "source", "target", "stale") == [("web", "db", True)]


def test_a_topology_of_which_there_is_nothing_is_empty():
    graph = build_graph(GraphState(NETWORKS, (box("web", "shop", "back"),)), "other")
    assert graph == {"networks": [], "containers": [], "endpoints": [], "links": []}


@given(st.permutations(range(4)), st.sampled_from(["shop", None]))
def test_the_order_in_which_the_engine_tells_it_does_not_matter(order, topology):
    containers = [
        box("one", "shop", "back", "bridge", back=["two:b", "three:a"]),
        box("two", "shop", "bridge", "back"),
        box("three", "", "back"),
        box("four", "", "alien"),
    ]
    legacy = {"one": (LegacyLink("x", "two", containers[1]), LegacyLink("c", "gone", None))}
    usual = build_graph(GraphState(NETWORKS, tuple(containers), legacy), topology)
    shuffled = build_graph(GraphState(NETWORKS[::-1], tuple(containers[i] for i in order), legacy), topology)
    assert shuffled == usual
