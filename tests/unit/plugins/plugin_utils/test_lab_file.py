# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All mistakes of a lab's file at once, each with its place; none where there is none, and no secret in any."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.filter.lab_mistakes import lab_mistakes
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
HEAD = "lab_name: shop\nlab_containers: {db: {image: mysql}}\n"


def in_head(text: str) -> list[str]:
    return lab_mistakes(HEAD + text)


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks/labs").glob("*.yml")), ids=lambda path: path.stem)
def test_the_ready_labs_have_none(path):
    assert lab_mistakes(path.read_text(encoding="utf-8")) == []


def test_all_mistakes_at_once_in_order():
    text = """\
lab_nam: shop
lab_wait: helthy
lab_networks:
  back:
    internl: true
lab_containers:
  db:
    image: mysql
    networks:
      back:
        alias: [database]
    healthcheck:
      intervall: 1s
    mem_limitt: {A: hunter2}
  app: mysql
lab_checks:
  - source: [app]
    target: [db]
  - source: [app]
    protocl: tcp
    port: [http]
  - source: [app]
    target: [db]
    login: {passwort: hunter2}
    cause: no_answer
    expect: reachable
"""
    found = lab_mistakes(text)
    assert "hunter2" not in str(found)
    assert found == [
        "lab_name is missing",
        "line 1: lab_nam: there is no such variable of a lab (did you mean lab_name or lab_name_gap or lab_wait?)",
        "line 2: lab_wait: 'helthy' is none of the values that it can have: started, healthy (did you mean healthy?)",
        "line 5: lab_networks.back.internl: there is no such option (did you mean internal or external?)",
        "line 11: lab_containers.db.networks.back.alias: there is no such option (did you mean aliases?)",
        "line 13: lab_containers.db.healthcheck.intervall: there is no such option (did you mean interval?)",
        "line 14: lab_containers.db.mem_limitt: there is no such option (did you mean mem_limit?)",
        "line 15: lab_containers.app: must be a dictionary, not a single value",
        "line 19: lab_checks[1]: target is missing",
        "line 20: lab_checks[1].protocl: there is no such option (did you mean protocol?)",
        "line 21: lab_checks[1].port[0]: must be a whole number, not 'http'",
        "line 24: lab_checks[2].login.passwort: there is no such option (did you mean password?)",
    ]


@pytest.mark.parametrize(
    "text, found",
    [
        ("lab_checks: {source: a}", ["line 3: lab_checks: must be a list, not a dictionary"]),
        (
            "lab_checks: [{source: [[hunter2]], target: [a], login: {password: [hunter2]}}]",
            [
                "line 3: lab_checks[0].source[0]: must be a single value, not a list",
                "line 3: lab_checks[0].login.password: must be a single value, not a list",
            ],
        ),
        (
            "lab_networks: {n: {labels: {a: {hunter2: x}, b: '{{ x }}'}}}",
            ["line 3: lab_networks.n.labels.a: must be a single value, not a dictionary"],
        ),
        ("lab_checks: [a]", ["line 3: lab_checks[0]: must be a dictionary, not a single value"]),
        ("lab_wait_timeout: {a: 1}", ["line 3: lab_wait_timeout: must be a single value, not a dictionary"]),
        ("lab_purge: maybe", ["line 3: lab_purge: must be true or false, not 'maybe'"]),
        ("checks: []", ["line 3: checks: there is no such variable of a lab (did you mean lab_checks?)"]),
        ("lab_purge: true\nlab_purge: false", ["line 3: lab_purge: is given twice, again in line 4"]),
        ("lab_purge: true: false", ["line 3, column 16: it is not YAML: mapping values are not allowed here"]),
        ("a: 'hunter2", ["line 3, column 12: it is not YAML: found unexpected end of stream"]),
        ("a: *b", ["line 3, column 4: it is not YAML: found undefined alias 'b'"]),
        ("a: \0", ["it is not YAML: it has characters that no YAML file has"]),
        (
            "lab_checks: [{source: [a], target: [b], expect: reachable, cause: no_answer}]",
            ["line 3: lab_checks[0]: a -> b:3306 (mysql): a cause needs expect: unreachable"],
        ),
    ],
)
def test_single_mistakes(text, found):
    assert in_head(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "my_own: {anything: [at, all]}",
        "lab_connection: {docker_host: unix:///x}",
        "lab_purge: '{{ purge }}'\nlab_checks: '{{ checks }}'",
        "lab_checks: [{source: a, target: b, port: '80', login: {password: '{{ secret }}'}}]",
        "lab_checks: [{source: [a], target: [b], login: {password: !vault 'x'}}]",
        "x: &x {protocol: tcp}\nlab_checks: [{<<: *x, source: [a], target: [b]}]",
        "lab_checks:",
        "lab_diagram: 2024-01-01",
    ],
)
def test_no_mistakes(text):
    assert in_head(text) == []


def test_what_is_defined_elsewhere_is_not_missing():
    assert lab_mistakes("lab_purge: true") == [
        "lab_name is missing",
        "it has neither lab_containers nor lab_networks",
    ]
    assert lab_mistakes("lab_purge: true", defined=["lab_name", "lab_networks"]) == []


@pytest.mark.parametrize("text", ["", "- a", "text", "42"])
def test_what_is_no_dictionary(text):
    (found,) = lab_mistakes(text)
    assert found.startswith("it must be a dictionary of the variables of a lab")


def test_variables_that_are_no_file():
    check = {"source": ["a"], "target": ["b"], "protocl": "tcp"}
    variables = {"lab_name": "x", "lab_containers": {}, "lab_networks": {}, "lab_checks": [check]}
    assert lab_mistakes(variables) == ["lab_checks[0].protocl: there is no such option (did you mean protocol?)"]


@given(st.text(alphabet="lab_nmchecks:-[]{}'\"&*!#|>?,% \n\t0", max_size=60))
def test_whatever_is_in_a_file_it_does_not_crash(text):
    assert all(isinstance(one, str) for one in in_head(text))


def test_a_name_that_yaml_takes_for_a_number_is_a_name():
    """Such as a student's number. Ansible sends it to a module as text."""
    containers = {2001: {"image": "mysql", "networks": {1001: {"alias": ["db"]}}}}
    found = lab_mistakes({"lab_name": "class", "lab_networks": {1001: {}}, "lab_containers": containers})
    assert found == ["lab_containers.2001.networks.1001.alias: there is no such option (did you mean aliases?)"]
    containers[2001]["networks"] = {1001: {"aliases": ["db"]}}
    assert lab_mistakes({"lab_name": "class", "lab_networks": {1001: {}}, "lab_containers": containers}) == []


def test_an_element_that_was_left_empty():
    assert in_head("lab_checks:\n  -\nlab_networks:\n  back: {ipam: {config: [null]}}\n") == [
        "line 4: lab_checks[0]: must be a dictionary, and is empty",
        "line 6: lab_networks.back.ipam.config[0]: must be a dictionary, and is empty",
    ]
