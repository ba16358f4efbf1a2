# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter topology_diagram: what it takes, and that its documentation is true."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.filter import topology_diagram as plugin

diagram = plugin.FilterModule().filters()["topology_diagram"]
TOPOLOGY: dict[str, t.Any] = {"name": "t", "containers": {"web": {"image": "box"}}}
GRAPH: dict[str, t.Any] = {
    "containers": [{"name": "web", "image": "box"}],
    "networks": [],
    "endpoints": [],
    "links": [],
}


def test_the_example_in_the_documentation_is_true():
    shop = yaml.safe_load(plugin.EXAMPLES)[-1]["vars"]["shop"]
    shown = "".join(f"# {line}\n" for line in diagram(shop).splitlines())
    assert shown in plugin.EXAMPLES


def test_it_takes_an_existing_and_a_planned_topology():
    assert diagram(GRAPH) == 'flowchart LR\n    c0["web<br>box"]\n'
    assert diagram(TOPOLOGY) == (
        "flowchart LR\n"
        '    n0(["bridge"])\n'
        '    c0["web<br>box"]\n'
        "    c0 --- n0\n"
        "    classDef outside stroke-dasharray:4 4\n"
        "    class n0 outside\n"
    )
    # A graph of which only one list is left.
    assert diagram({"containers": GRAPH["containers"]}) == diagram(GRAPH)


def test_the_formats_are_those_in_the_documentation():
    options = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    assert options["format"]["choices"] == list(plugin.FORMATS)
    assert diagram(GRAPH, options["format"]["default"]) == diagram(GRAPH)
    assert diagram(GRAPH, format="dot").startswith("digraph ")


def test_checks_are_drawn_in_every_format():
    proof = {"source": "web", "target": "web", "protocol": "tcp", "port": 80, "passed": True, "reachable": True}
    for form in plugin.FORMATS:
        assert "tcp 80" in diagram(GRAPH, form, [proof]), form
    for wrong in ("all", [None], {"results": [proof]}):
        with pytest.raises(AnsibleFilterError, match="checks must be the results"):
            diagram(GRAPH, "svg", wrong)


@pytest.mark.parametrize(
    "value,form,message",
    [
        (GRAPH, "png", "no format 'png'; write mermaid, dot, svg"),
        ("lesson", "dot", "needs a result of linklab.docker.topology_info"),
        ({"name": "lesson"}, "dot", "needs a result of linklab.docker.topology_info"),
        ({"containers": [{}]}, "dot", "containers[0] lacks name"),
        ({"name": "t", "containers": {"web": {"status": "running"}}}, "dot", "no option 'status'"),
    ],
)
def test_what_cannot_be_drawn_is_one_message(value, form, message):
    with pytest.raises(AnsibleFilterError) as caught:
        diagram(value, form)
    assert message in str(caught.value)
