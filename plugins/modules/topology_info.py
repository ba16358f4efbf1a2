#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_info
short_description: Read networks, containers, endpoints and links as a graph
version_added: 0.1.0
description:
  - Returns the networks and containers of a topology, or of the whole engine, and how they are connected, as four flat,
    sorted lists that refer to each other by name.
  - Containers and networks are the nodes of the graph. An endpoint connects a container with a network, a link a
    container with another one, and the network mode V(container:NAME) a container with the one whose network it shares.
  - Returns no environment variable, command or mount, so nothing that is secret.
  - The filter P(linklab.docker.topology_diagram#filter) makes a diagram of the result.
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._docker
  - linklab.docker._attributes
  - linklab.docker._attributes.actiongroup_docker
attributes:
  check_mode:
    support: full
    details:
      - Changes nothing, in check mode or not.
  diff_mode:
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    support: full
options:
  name:
    description:
      - The topology, by the value of the label C(linklab.docker.topology). If not given, all that the engine has is
        returned.
      - With a name, the graph holds the topology's containers and networks, and beside these the nodes that they share
        an edge with. So a container of others that somebody attached to the topology's network is in it, with an empty
        RV(containers[].topology) or that of another one.
      - A topology of which there is nothing gives empty lists.
    type: str
notes:
  - Asks for the lists of networks and containers, and for the description of each container that may be in the graph.
    A container that is removed meanwhile is left out.
seealso:
  - module: linklab.docker.topology
  - plugin: linklab.docker.topology_diagram
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the topology lesson
  linklab.docker.topology_info:
    name: lesson
  register: lesson

- name: Show who is on the network test_network, and where
  ansible.builtin.debug:
    msg: "{{ item.container }} has {{ item.ipv4_address }}"
  loop: "{{ lesson.endpoints | selectattr('network', 'equalto', 'test_network') }}"
  loop_control:
    label: "{{ item.container }}"

- name: Read all that the engine has
  linklab.docker.topology_info:
  register: engine

- name: See that nobody depends on a link that leads nowhere
  ansible.builtin.assert:
    that: engine.links | selectattr('stale') | length == 0

- name: Find the containers on a network of the topology that are not of it
  ansible.builtin.debug:
    msg: "{{ lesson.containers | rejectattr('topology', 'equalto', 'lesson') | map(attribute='name') }}"
"""

RETURN = r"""
topologies:
  description: The names of all topologies of which the engine has a container or a network, whatever O(name) is.
  returned: success
  type: list
  elements: str
  sample: [lesson]
networks:
  description: The networks, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The network's name.
      type: str
      sample: test_network
    id:
      description: The network's ID.
      type: str
      sample: 7d86d31b1478e7cca9ebed7e73aa0fdeec46c5ca29497431d3007d2d9e15ed99
    driver:
      description: The driver.
      type: str
      sample: bridge
    internal:
      description: Whether it leads nowhere outside.
      type: bool
      sample: false
    subnets:
      description: The subnets in CIDR notation.
      type: list
      elements: str
      sample: [172.18.0.0/16]
    labels:
      description: The labels, that of the topology included.
      type: dict
      sample: {"linklab.docker.topology": "lesson"}
    topology:
      description: The topology that made it, empty if none did.
      type: str
      sample: lesson
containers:
  description: The containers, sorted by name, stopped ones too.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The container's name.
      type: str
      sample: client
    id:
      description: The container's ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    image:
      description: The image that the container was made of, as it was named then.
      type: str
      sample: mysql
    status:
      description:
        - V(created), V(running), V(paused), V(restarting), V(removing), V(exited) or V(dead).
      type: str
      sample: running
    health:
      description: What the healthcheck says, V(starting), V(healthy) or V(unhealthy); empty without a healthcheck.
      type: str
      sample: healthy
    topology:
      description: The topology that made it, empty if none did.
      type: str
      sample: lesson
    network_mode:
      description:
        - V(bridge), V(host), V(none), V(container:NAME), or the network that the container was created on. It stays as
          it was, whatever the container was attached to since.
        - V(container:ID) if the container whose network it shares was removed.
      type: str
      sample: test_network
endpoints:
  description:
    - What is attached to what, sorted by container and network. A container that shares the network of another one has
      none.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: The container's name.
      type: str
      sample: client
    container_id:
      description: The container's ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    status:
      description: The container's status.
      type: str
      sample: running
    network:
      description: The network's name.
      type: str
      sample: test_network
    id:
      description: The endpoint's ID, empty while the container does not run.
      type: str
      sample: 0f5e5a1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2
    ipv4_address:
      description: The address in use, empty while the container does not run.
      type: str
      sample: 172.18.0.3
    ipv6_address:
      description: The IPv6 address in use, if there is one.
      type: str
      sample: ""
    mac_address:
      description: The MAC address in use, empty while the container does not run.
      type: str
      sample: 02:42:ac:12:00:03
    aliases:
      description: The aliases that were asked for, sorted.
      type: list
      elements: str
      sample: [db]
    links:
      description: The network links, as target:alias. RV(links) tells where they lead.
      type: list
      elements: str
      sample: ["database:db"]
    driver_opts:
      description: Options of the network's driver for this endpoint.
      type: dict
      sample: {}
    gw_priority:
      description: The endpoint's priority for the default route.
      type: int
      sample: 0
    default_route:
      description: Whether the running container's default route leads over this network.
      type: bool
      sample: true
links:
  description: The links, sorted by source, kind, network and alias.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: The container that has the link.
      type: str
      sample: client
    kind:
      description: V(legacy) on the default bridge, V(network) on any other network.
      type: str
      sample: network
    network:
      description: The network that it leads over, V(bridge) for a legacy link.
      type: str
      sample: test_network
    alias:
      description: The name that the source sees.
      type: str
      sample: db
    target:
      description:
        - The name of the container that it leads to. If it leads nowhere, what the link calls it.
      type: str
      sample: database
    target_id:
      description: The ID of that container, empty if the link leads nowhere.
      type: str
      sample: 3c1f0b9d8e7a6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6
    address:
      description: The IPv4 address of the target on the network, empty while it has none.
      type: str
      sample: 172.18.0.2
    stale:
      description:
        - Whether it leads nowhere. The target of a legacy link was removed, even if another container has its name by
          now. The target of a network link does not exist, or is not on the network.
      type: bool
      sample: false
"""

from ansible_collections.linklab.docker.plugins.module_utils._module.common import new_module, run_info
from ansible_collections.linklab.docker.plugins.module_utils._topology.graph_observe import topology_info


def main() -> None:
    run_info(new_module({"name": {"type": "str"}}), topology_info)


if __name__ == "__main__":
    main()
