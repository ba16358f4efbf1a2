# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a lab as a whole, found without an engine: all of it, with its place and its line."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.filter.lab_mistakes import lab_mistakes
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
Json = t.Any


def whole(text: str) -> list[str]:
    return lab_mistakes(yaml.safe_load(text), text=text, depth="whole")


def of(networks: Json = None, containers: Json = None, checks: Json = None) -> list[str]:
    named = {name: {"image": "mysql", **options} for name, options in (containers or {}).items()}
    variables = {"lab_name": "x", "lab_networks": networks or {}, "lab_containers": named, "lab_checks": checks or []}
    return lab_mistakes(variables, depth="whole")


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks/labs").glob("*.yml")), ids=lambda path: path.stem)
def test_the_ready_labs_have_no_mistakes(path):
    text = path.read_text(encoding="utf-8")
    # Each template of theirs is the whole of a value, and any text will do in its place.
    assert whole(text.replace("{{", "<").replace("}}", ">")) == []


def test_all_mistakes_at_once_with_their_lines():
    text = """\
lab_name: shop
lab_wiat: healthy
lab_networks:
  front:
    ipam:
      config:
        - subnet: 10.94.0.0/29
          gateway: 10.95.0.1
  back:
    ipam:
      config: [{subnet: 10.96.0.0/16}]
  side:
    ipam:
      config: [{subnet: 10.96.1.0/24}]
lab_containers:
  database:
    image: mysql
    memlimit: 1g
    stop_signal: SIGNAL
    networks:
      back: {ipv4_address: 10.97.0.2}
      bakc:
  app:
    image: mysql
    networks:
      back: {ipv4_address: 10.96.0.1}
    links: [cache]
    depends_on: [web]
  web:
    image: mysql
    depends_on: [app]
    network_mode: container:database
  worker:
    image: mysql
    networks:
      back: {ipv4_address: 10.97.0.2}
lab_checks:
  - source: [app]
    target: [datbase]
    protocol: tcp
  - source: [app]
    target: [database]
    cause: no_answer
"""
    assert (
        "\n".join(whole(text))
        == """\
line 2: lab_wiat: there is no such variable of a lab (did you mean lab_wait or lab_state or lab_diagram?)
line 8: lab_networks.front.ipam.config[0].gateway: 10.95.0.1 is not inside the subnet 10.94.0.0/29
line 12: lab_networks.side: its subnet 10.96.1.0/24 overlaps that of network back, 10.96.0.0/16
line 18: lab_containers.database.memlimit: there is no such option (did you mean mem_limit?)
line 19: lab_containers.database.stop_signal: 'SIGNAL' is not a signal; write one such as SIGTERM
line 20: lab_containers.database.networks: no network 'bakc' in this topology (did you mean back?); \
name it under networks (with external: true if others made it)
line 23: lab_containers.app: containers need each other in a circle: app -> web -> app
line 26: lab_containers.app.networks.back: the address 10.96.0.1 is the network's gateway
line 27: lab_containers.app.links: there is no container cache
line 36: lab_containers.worker.networks.back: the address 10.97.0.2 is outside the network's subnets (10.96.0.0/16)
line 39: lab_checks[0].target: the lab has no container 'datbase' (did you mean database?)
line 41: lab_checks[1]: app -> database:3306 (mysql): a cause needs expect: unreachable"""
    )


NET = {"ipam": {"config": [{"subnet": "10.94.0.0/29"}]}}


@pytest.mark.parametrize(
    "networks, containers, found",
    [
        (
            {"a": {"ipam": {"config": [{"subnet": "10.94.0.0/16"}]}}, "b": NET},
            {},
            ["lab_networks.b: its subnet 10.94.0.0/29 overlaps that of network a, 10.94.0.0/16"],
        ),
        (
            {"a": NET},
            {"c1": {"networks": {"a": {"ipv4_address": "10.95.0.2"}}}},
            ["lab_containers.c1.networks.a: the address 10.95.0.2 is outside the network's subnets (10.94.0.0/29)"],
        ),
        (
            {"a": NET},
            {"c1": {"networks": {"a": {"ipv4_address": "10.94.0.1"}}}},
            ["lab_containers.c1.networks.a: the address 10.94.0.1 is the network's gateway"],
        ),
        (
            {"a": NET},
            {f"c{number}": {"networks": {"a": {"ipv4_address": "10.94.0.2"}}} for number in range(2)},
            ["lab_networks.a: 10.94.0.2 is wanted for two containers: c0 and c1"],
        ),
        (
            {"a": NET},
            {f"c{number}": {"networks": ["a"]} for number in range(6)},
            [
                (
                    "lab_networks.a: network a (10.94.0.0/29) has 5 addresses to give away, and 6 more containers"
                    " need one; one that gets none cannot start. Detach some containers, or use a network with more"
                    " addresses"
                )
            ],
        ),
        (
            {},
            {"c1": {"networks": {"bridge": {"aliases": ["db"]}}}},
            ["lab_containers.c1.networks.bridge: the default bridge knows no aliases; use a network of your own"],
        ),
        ({}, {"c1": {"links": ["c2"]}}, ["lab_containers.c1.links: there is no container c2"]),
        (
            {},
            {"c1": {"network_mode": "container:db"}},
            ["lab_containers.c1.network_mode: there is no container db"],
        ),
        (
            {},
            {"c1": {"depends_on": {"c2": "healthy"}}, "c2": {"healthcheck": {"disable": True}}},
            [
                (
                    "lab_containers.c1.depends_on: depends_on c2 to be healthy, but neither c2 nor its image has a"
                    " healthcheck"
                )
            ],
        ),
        (
            {},
            {"c1": {"ports": ["80:80"]}, "c2": {"ports": ["80:81"]}},
            ["lab_containers.c2.ports: the port 80/tcp of the host is wanted twice: by c1 and c2"],
        ),
        ({"a b": {}}, {}, ["lab_networks.a b: 'a b' cannot name a network; use letters, digits, '_', '.' and '-'"]),
        # What only an engine can tell.
        ({"a": {"external": True}}, {"c1": {"networks": {"a": {"ipv4_address": "10.1.1.1"}}}}, []),
        ({"a": {}}, {"c1": {"networks": {"a": {"ipv4_address": "10.1.1.1", "gw_priority": 1}}}}, []),
        ({f"n{number}": {} for number in range(60)}, {}, []),
        ({"a": {"driver": "weave"}}, {"c1": {"depends_on": {"c2": "healthy"}}, "c2": {"pull": "never"}}, []),
    ],
)
def test_what_parts_want_of_each_other(networks, containers, found):
    assert of(networks, containers) == found


def test_the_form_of_a_text_is_looked_at_before_its_variables_are_read():
    assert lab_mistakes("lab_nam: x\nlab_nam: y", depth="form") == ["line 1: lab_nam: is given twice, again in line 2"]
    (found,) = lab_mistakes("- x", depth="form")
    assert found.startswith("it must be a dictionary of the variables of a lab")
    with pytest.raises(AnsibleFilterError, match="depth must be form, shape, whole, not 'all'"):
        lab_mistakes("", depth="all")


def test_what_is_wrong_with_one_part_hides_nothing_of_another():
    """A network or container of which nothing else is known still has a name, and others may use it."""
    containers = {"db": "mysql", "app": {"image": "mysql", "networks": ["back"], "links": ["db"], "depends_on": ["db"]}}
    variables = {"lab_name": "x", "lab_networks": {"back": "bridge"}, "lab_containers": containers}
    assert lab_mistakes({**variables, "lab_checks": [{"source": ["app"], "target": ["db"]}]}, depth="whole") == [
        "lab_networks.back: must be a dictionary, not a single value",
        "lab_containers.db: must be a dictionary, not a single value",
    ]


def test_a_secret_is_in_no_message():
    secret = {"A": "hunter2", "B": None, "": "hunter2"}
    (found,) = of({}, {"c1": {"secret_environment": secret}})
    assert found == "lab_containers.c1.secret_environment: B has no value; write '' for an empty one, or leave it out"


@given(
    st.dictionaries(
        st.sampled_from(["a", "lab", "2001", ""]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "mysql", "lab:x", "80:80"]),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["image", "networks", "links", "ports", "ipam", "config", "depends_on", "a"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ),
        max_size=3,
    )
)
def test_whatever_a_lab_is_made_of_it_does_not_crash(parts):
    variables = {"lab_name": "x", "lab_networks": parts, "lab_containers": parts, "lab_checks": [parts]}
    assert all(isinstance(one, str) for one in lab_mistakes(variables, depth="whole"))
