# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The graph of a planned topology."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.plugin_utils._spec_graph import graph_of_topology

SHOP: dict[str, t.Any] = {
    "name": "shop",
    "networks": {"front": None, "back": {"internal": True, "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}},
    "containers": {
        "web": {"image": "nginx", "networks": ["front"], "depends_on": ["app"], "ports": ["80:80"]},
        "app": {"image": "shop-app", "networks": ["front", "back"], "links": ["db:sql"]},
        "db": {
            "image": "mysql",
            "secret_environment": {"MYSQL_ROOT_PASSWORD": "hush"},
            "networks": {"back": {"aliases": ["store", "database"], "ipv4_address": "10.0.0.9"}},
        },
    },
}


def test_a_topology_on_networks_of_its_own():
    graph = graph_of_topology(SHOP)
    assert [(one["name"], one["internal"], one["subnets"], one["topology"]) for one in graph["networks"]] == [
        ("back", True, ["10.0.0.0/24"], "shop"),
        ("front", False, [], "shop"),
    ]
    assert [(one["name"], one["image"], one["network_mode"]) for one in graph["containers"]] == [
        ("app", "shop-app", "front"),
        ("db", "mysql", "back"),
        ("web", "nginx", "front"),
    ]
    assert [(end["container"], end["network"], end["aliases"]) for end in graph["endpoints"]] == [
        ("app", "back", []),
        ("app", "front", []),
        ("db", "back", ["database", "store"]),
        ("web", "front", []),
    ]
    assert graph["endpoints"][2]["ipv4_address"] == "10.0.0.9"
    assert [(one["source"], one["kind"], one["network"], one["target"], one["alias"]) for one in graph["links"]] == [
        ("app", "network", "back", "db", "sql")
    ]
    assert "hush" not in str(graph)


def test_a_topology_without_networks_of_its_own():
    containers = {
        "database": {"image": "mysql"},
        "client": {"image": "mysql", "links": ["database", "cache:c"]},
        "probe": {"image": "box", "network_mode": "container:client"},
        "agent": {"image": "box", "network_mode": "host"},
        "alone": {"image": "box", "network_mode": "none"},
        "guest": {"image": "box", "networks": ["theirs"]},
    }
    graph = graph_of_topology({"name": "t", "networks": {"theirs": {"external": True}}, "containers": containers})
    assert {(one["name"], one["driver"], one["topology"]) for one in graph["networks"]} == {
        ("bridge", "bridge", ""),
        ("host", "host", ""),
        ("none", "null", ""),
        ("theirs", "", ""),
    }
    assert {(one["name"], one["network_mode"], one["topology"]) for one in graph["containers"]} == {
        ("agent", "host", "t"),
        ("alone", "none", "t"),
        ("cache", "", ""),
        ("client", "bridge", "t"),
        ("database", "bridge", "t"),
        ("guest", "theirs", "t"),
        ("probe", "container:client", "t"),
    }
    assert "probe" not in {end["container"] for end in graph["endpoints"]}
    assert [(one["kind"], one["target"]) for one in graph["links"]] == [("legacy", "cache"), ("legacy", "database")]


@pytest.mark.parametrize(
    "change,message",
    [
        ({"name": None}, "name"),
        ({"networks": ["front"]}, "networks"),
        ({"containers": {"web": {"image": "box", "netwroks": ["front"]}}}, "no option 'netwroks' (did you mean"),
        ({"containers": {"web": {"image": "box", "networks": ["frnt"]}}}, "no network 'frnt' in this topology"),
        ({"containers": {"web": {}}}, "image is missing"),
        ({"containers": {"web": "box"}}, "web"),
        ({"containers": ["web"]}, "containers"),
    ],
)
def test_what_is_no_topology_is_one_message(change, message):
    with pytest.raises(SpecError) as caught:
        graph_of_topology({**SHOP, **change})
    assert message in str(caught.value)


def test_what_does_not_connect_is_not_even_looked_at():
    class Untold(dict[str, t.Any]):
        def __getitem__(self, key: str) -> t.Any:
            assert key != "secret_environment"
            return super().__getitem__(key)

    graph_of_topology({**SHOP, "containers": {"db": Untold(SHOP["containers"]["db"])}})


def test_names_that_yaml_takes_for_numbers():
    """Such as a student's number. Ansible sends them to the module as text."""
    numbered = {"name": "class", "networks": {1001: {}}, "containers": {2001: {"image": "x", "networks": {1001: {}}}}}
    named = {
        "name": "class",
        "networks": {"1001": {}},
        "containers": {"2001": {"image": "x", "networks": {"1001": {}}}},
    }
    assert graph_of_topology(numbered) == graph_of_topology(named)
    numbered["containers"][2001]["networks"] = [1001]
    assert graph_of_topology(numbered) == graph_of_topology(named)
