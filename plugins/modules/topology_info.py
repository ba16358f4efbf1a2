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
  - Containers and networks are the nodes of the graph. An endpoint connects a container to a network, a link connects a
    container to another one, and the network mode V(container:NAME) connects a container to the one whose network it
    shares.
  - Returns no environment variables, commands, or mounts, and so no secrets.
  - The filter P(linklab.docker.topology_diagram#filter) draws a diagram of the result.
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
      - This module never changes anything.
  diff_mode:
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    support: full
options:
  name:
    description:
      - The topology, by the value of the label C(linklab.docker.topology). If not set, everything that the engine has
        is returned.
      - With a name, the graph holds the topology's containers and networks, and the nodes that they share an edge with.
        So it includes a container from outside that somebody attached to the topology's network; its
        RV(containers[].topology) is empty or names another topology.
      - If nothing of the topology exists, the lists are empty.
    type: str
notes:
  - Requests the lists of networks and containers, and inspects each container that may be in the graph. A container
    that is removed meanwhile is left out.
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

- name: Show which containers are on the network test_network, and their addresses
  ansible.builtin.debug:
    msg: "{{ item.container }} has {{ item.ipv4_address }}"
  loop: "{{ lesson.endpoints | selectattr('network', 'equalto', 'test_network') }}"
  loop_control:
    label: "{{ item.container }}"

- name: Read everything that the engine has
  linklab.docker.topology_info:
  register: engine

- name: Verify that there are no stale links
  ansible.builtin.assert:
    that: engine.links | selectattr('stale') | length == 0

- name: Find containers on the topology's networks that do not belong to it
  ansible.builtin.debug:
    msg: "{{ lesson.containers | rejectattr('topology', 'equalto', 'lesson') | map(attribute='name') }}"
"""

RETURN = r"""
engine:
  description: The engine that was asked.
  returned: success
  type: dict
  version_added: 0.1.0
  contains:
    name:
      description: V(Docker Engine) or V(Podman).
      type: str
      sample: Docker Engine
    version:
      description: Its version.
      type: str
      sample: 28.5.1
    api_version:
      description: The version of the API that was used.
      type: str
      sample: "1.51"
topologies:
  description: The names of all topologies of which the engine has a container or a network, regardless of O(name).
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
      description: Whether the network is internal, without access to the outside.
      type: bool
      sample: false
    subnets:
      description: The subnets in CIDR notation.
      type: list
      elements: str
      sample: [172.18.0.0/16]
    labels:
      description: The labels, including that of the topology.
      type: dict
      sample: {"linklab.docker.topology": "lesson"}
    topology:
      description: The topology that created it, empty if none did.
      type: str
      sample: lesson
containers:
  description: The containers, sorted by name, including stopped ones.
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
      description: The image that the container was created from, as it was named then.
      type: str
      sample: mysql
    status:
      description:
        - V(created), V(running), V(paused), V(restarting), V(removing), V(exited) or V(dead).
      type: str
      sample: running
    health:
      description: The health status, V(starting), V(healthy), or V(unhealthy); empty without a healthcheck.
      type: str
      sample: healthy
    topology:
      description: The topology that created it, empty if none did.
      type: str
      sample: lesson
    network_mode:
      description:
        - V(bridge), V(host), V(none), V(container:NAME), or the network that the container was created on. It does not
          change, whatever the container is attached to later.
        - V(container:ID) if the container whose network it shares was removed.
      type: str
      sample: test_network
endpoints:
  description:
    - What is attached to what, sorted by container and network. A container that shares the network of another one has
      no endpoints.
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
      description: The endpoint's ID, empty if the container does not run.
      type: str
      sample: 0f5e5a1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2
    ipv4_address:
      description: The IPv4 address in use, empty if the container does not run.
      type: str
      sample: 172.18.0.3
    ipv6_address:
      description: The IPv6 address in use, empty if there is none.
      type: str
      sample: ""
    mac_address:
      description: The MAC address in use, empty if the container does not run.
      type: str
      sample: 02:42:ac:12:00:03
    aliases:
      description: The aliases that were requested, sorted.
      type: list
      elements: str
      sample: [db]
    links:
      description: The network links, as target:alias. RV(links) has their targets.
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
      description: Whether the running container's default route uses this network.
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
      description: The network that the link uses, V(bridge) for a legacy link.
      type: str
      sample: test_network
    alias:
      description: The name that the source sees.
      type: str
      sample: db
    target:
      description:
        - The name of the container that the link points to. For a stale link, the name that the link has for it.
      type: str
      sample: database
    target_id:
      description: The ID of that container, empty if the link is stale.
      type: str
      sample: 3c1f0b9d8e7a6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6
    address:
      description: The IPv4 address of the target on the network, empty if it has none.
      type: str
      sample: 172.18.0.2
    stale:
      description:
        - Whether the link has no target. The target of a legacy link was removed, even if another container has its
          name now. The target of a network link does not exist, or is not on the network.
      type: bool
      sample: false
"""

from ansible_collections.linklab.docker.plugins.module_utils._module.common import LinklabModule, run_info
from ansible_collections.linklab.docker.plugins.module_utils._topology.graph_observe import topology_info


def main() -> None:
    run_info(LinklabModule({"name": {"type": "str"}}), topology_info)


if __name__ == "__main__":
    main()
