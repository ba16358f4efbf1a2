# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: topology_diagram
short_description: Draw a diagram of a topology
version_added: 0.1.0
author:
  - The linklab.docker maintainers (@linklab)
description:
  - Generates a diagram of networks, containers, endpoints, and links, for Mermaid or Graphviz or as an SVG image.
  - Takes an existing topology, as M(linklab.docker.topology_info) returns it, or a planned one, as
    M(linklab.docker.topology) takes it. The latter needs no engine, and the diagram is the same in every run, since it
    only has the addresses that the options set.
  - A line between a container and a network is an endpoint, with its addresses and aliases. An arrow between two
    containers is a link, or shows whose network a container shares. What does not belong to the topology, and the
    target of a stale link, is drawn with a dashed border.
  - With O(checks), arrows also show which connections and which isolation M(linklab.docker.connectivity) proved.
positional: []
options:
  _input:
    description:
      - The result of M(linklab.docker.topology_info), or a dictionary of the options C(name), C(networks) and
        C(containers) of M(linklab.docker.topology). Other options of a topology are ignored.
      - An entry that is removed from the list C(containers) or C(networks) of a result is not drawn, and neither is
        what connects to it.
    type: dict
    required: true
  format:
    description:
      - V(mermaid) generates a flowchart that many Markdown viewers render, such as those of code hosts.
      - V(dot) generates a directed graph in the language of Graphviz, which C(dot -Tsvg) renders.
      - V(svg) generates an image, for which no other program is needed. It has a light and a dark appearance, and loads
        nothing.
    type: str
    choices: [mermaid, dot, svg]
    default: mermaid
  checks:
    description:
      - The list RV(linklab.docker.connectivity#module:results) of M(linklab.docker.connectivity).
      - 'Green: reached, as expected. Blue: isolated, as expected. Red: not as expected.'
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
notes:
  - Names, aliases, and labels are always escaped, so they appear as text and never as syntax.
seealso:
  - module: linklab.docker.topology_info
  - module: linklab.docker.topology
"""

EXAMPLES = r"""
- name: Read the topology lesson
  linklab.docker.topology_info:
    name: lesson
  register: lesson

- name: Write a diagram of it that Graphviz can draw
  ansible.builtin.copy:
    content: "{{ lesson | linklab.docker.topology_diagram(format='dot') }}"
    dest: lesson.dot
    mode: "0644"

- name: Write an image of it that shows what the task registered as proof has proven
  ansible.builtin.copy:
    content: "{{ lesson | linklab.docker.topology_diagram(format='svg', checks=proof.results) }}"
    dest: lesson.svg
    mode: "0644"

- name: Draw a planned topology, without an engine
  ansible.builtin.debug:
    msg: "{{ shop | linklab.docker.topology_diagram }}"
  vars:
    shop:
      name: shop
      networks:
        front:
        back:
          internal: true
      containers:
        web: {image: nginx, networks: [front]}
        app: {image: shop-app, networks: [front, back]}
        db:
          image: mysql
          networks:
            back:
              aliases: [database]

# The diagram is
#
# flowchart LR
#     n0(["back<br>internal"])
#     n1(["front"])
#     c0["app<br>shop-app"]
#     c1["db<br>mysql"]
#     c2["web<br>nginx"]
#     c0 --- n0
#     c0 --- n1
#     c1 ---|"database"| n0
#     c2 --- n1
"""

RETURN = r"""
_value:
  description: The diagram, one statement per line.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import GraphError, dot, draw, mermaid
from ansible_collections.linklab.docker.plugins.plugin_utils._spec_graph import graph_of_topology
from ansible_collections.linklab.docker.plugins.plugin_utils._svg import svg

if t.TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = {"mermaid": mermaid, "dot": dot, "svg": svg}


def topology_diagram(
    value: t.Any,
    format: str = "mermaid",  # noqa: A002 - the option's name
    checks: Sequence[t.Any] = (),
) -> str:
    """Return the diagram of a graph or of a topology; raise AnsibleFilterError."""
    if format not in FORMATS:
        raise AnsibleFilterError(f"topology_diagram: there is no format {format!r}; write {', '.join(FORMATS)}")
    if not isinstance(checks, (list, tuple)) or not all(isinstance(check, dict) for check in checks):
        raise AnsibleFilterError("topology_diagram: checks must be the results of linklab.docker.connectivity, a list")
    if not isinstance(value, dict) or not {"containers", "networks"} & set(value):
        raise AnsibleFilterError(
            "topology_diagram: needs a result of linklab.docker.topology_info, or name, networks and containers as"
            " linklab.docker.topology takes them"
        )
    try:
        graph = value if _is_graph(value) else graph_of_topology(value)
        return FORMATS[format](draw(graph, checks))
    except (GraphError, SpecError) as exc:
        raise AnsibleFilterError(f"topology_diagram: {exc}") from exc


def _is_graph(value: dict[str, t.Any]) -> bool:
    """A topology has its containers and networks by name, a graph has lists of them."""
    return "endpoints" in value or any(isinstance(value.get(key), list) for key in ("containers", "networks"))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Any]:
        return {"topology_diagram": topology_diagram}
