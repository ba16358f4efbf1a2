#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_attach
short_description: Attach containers to a Docker network, live
version_added: 0.1.0
description:
  - Attaches containers to a network and detaches them, while they run. No container is ever recreated, and no endpoint
    on another network is touched.
  - Settings of an endpoint that a task sets are compared exactly. Settings that it does not set are neither compared
    nor lost, not even if the endpoint must be replaced to change another setting.
  - Running, paused, created, and stopped containers are all treated alike, by name or by ID.
  - On a user-defined network, the names and aliases of all attached containers resolve. The default bridge has no name
    resolution.
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._docker
  - linklab.docker._docker.disruption
  - linklab.docker._network.create
  - linklab.docker._attributes
  - linklab.docker._attributes.actiongroup_docker
attributes:
  check_mode:
    support: full
    details:
      - Sends no request that changes anything, and returns the O(ignore:actions) and the diff of the real run.
  diff_mode:
    support: full
    details:
      - Shows one line for each action, with its reason and its disruption.
  idempotent:
    support: full
options:
  network:
    description:
      - The network, by name or ID.
    type: str
    required: true
  containers:
    description:
      - Containers to attach, by name or ID, whatever the settings of their endpoints.
      - A container may be named here or in O(endpoints), but not in both.
    type: list
    elements: str
    default: []
  endpoints:
    description:
      - Containers to attach, with settings for their endpoints.
    type: list
    elements: dict
    default: []
    suboptions:
      container:
        description: The container, by name or ID.
        type: str
        required: true
      aliases:
        description:
          - Additional names of the container on this network, which every container on it can resolve. Compared as a
            set; V([]) removes all, unless O(endpoints[].aliases_mode=add).
          - The task warns of an alias that is also the name of another container on this network, in every run, and
            before it adds one that is an alias of another container. An alias that the task itself gives to several
            containers is shared on purpose, for example for a round robin.
        type: list
        elements: str
      aliases_mode:
        description:
          - With V(exact), the container has exactly the O(endpoints[].aliases) on this network.
          - With V(add), they are added to the existing ones, such as those set by Docker Compose.
        type: str
        choices: [exact, add]
        default: exact
      links:
        description:
          - Names for other containers on this network that only this container sees, as V(target) or V(target:alias).
            The target is a name or an ID. Compared as a set; V([]) removes all.
          - They take precedence over the names and aliases of other containers.
          - A link to a container without its own network (network mode C(host) or C(container:)) is refused.
        type: list
        elements: str
      links_mode:
        description:
          - With V(exact), the container has exactly the O(endpoints[].links) on this network.
          - With V(add), they are added to the existing ones, whoever created these. An existing link with the same
            alias is replaced.
        type: str
        choices: [exact, add]
        default: exact
      ipv4_address:
        description: A static address in one of the network's subnets.
        type: str
      ipv6_address:
        description: A static IPv6 address in one of the network's subnets.
        type: str
      mac_address:
        description:
          - The MAC address, in any of the usual notations.
          - Requires API 1.54 (Docker Engine 29.3) or newer, unless the container already has this address. Older
            engines accept one only when a container is created, as M(linklab.docker.topology) does.
        type: str
      driver_opts:
        description: Options of the network's driver for this endpoint.
        type: dict
      gw_priority:
        description:
          - The endpoint with the highest number provides the container's default route. V(0) if not set.
          - Requires API 1.48 (Docker Engine 28.0) or newer.
        type: int
  state:
    description:
      - V(present) attaches the containers in O(containers) and O(endpoints), V(absent) detaches them.
      - With V(absent), a container or network that does not exist is not an error and causes no change.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether to detach every container from the network that the task does not name. If it names none, all are
        detached.
    type: bool
    default: false
notes:
  - The free addresses of the network are counted beforehand. Containers that do not run are included, although the
    engine reserves no address for them. If there are not enough addresses for all, or if the task asks for the static
    address of another container, the task is refused.
  - A container that the engine restarts again and again is attached between two starts, and detached or changed once it
    runs. The task waits up to 15 seconds for this.
  - An endpoint's settings cannot be changed in place. If one differs on a running container, the endpoint is replaced,
    which ends the open connections over this network (O(disruption=reconnect)). If the new endpoint fails, the old one
    is restored and the task fails.
  - Before API 1.48 the default route, and with it the published ports, move to the network whose name sorts first. The
    task warns about this.
seealso:
  - module: linklab.docker.connectivity
  - module: linklab.docker.container_link
"""

EXAMPLES = r"""
- name: Attach two running containers to a network, which is created if it does not exist
  linklab.docker.network_attach:
    network: test_network
    create: {}
    containers:
      - database
      - client

- name: Give the database the alias db and a static address
  linklab.docker.network_attach:
    network: backend
    create:
      ipam:
        config:
          - subnet: 172.28.0.0/24
    endpoints:
      - container: database
        aliases:
          - db
        ipv4_address: 172.28.0.10

- name: Let only this client see the cache under the name c
  linklab.docker.network_attach:
    network: backend
    endpoints:
      - container: client
        links:
          - cache:c

- name: Add an alias to those that Docker Compose gave the container
  linklab.docker.network_attach:
    network: shop_default
    endpoints:
      - container: shop-database-1
        aliases:
          - reporting-db
        aliases_mode: add

- name: Preview a change
  linklab.docker.network_attach:
    network: backend
    endpoints:
      - container: database
        aliases:
          - db
          - primary
  check_mode: true
  diff: true

- name: Make sure that only these two are on the network
  linklab.docker.network_attach:
    network: backend
    containers:
      - database
      - client
    purge: true

- name: Detach a container
  linklab.docker.network_attach:
    network: test_network
    containers:
      - client
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: One of V(create_network), V(attach), V(reattach), V(detach) and V(recover).
      type: str
      sample: attach
    subject:
      description: The object of the action.
      type: str
      sample: database on test_network
    reason:
      description: Why it is needed.
      type: str
      sample: it is not attached
    disruption:
      description: What it does to what the task keeps, V(none), V(reconnect), or V(recreate).
      type: str
      sample: none
disruption:
  description: The highest disruption of all actions.
  returned: always
  type: str
  sample: none
network:
  description: The network. In check mode, its current state; only its name if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: The network's ID.
      type: str
      sample: 7d86d31b1478e7cca9ebed7e73aa0fdeec46c5ca29497431d3007d2d9e15ed99
    name:
      description: The network's name.
      type: str
      sample: test_network
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
endpoints:
  description: The endpoints of the containers that the task names. In check mode, the current ones.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: The container's name.
      type: str
      sample: database
    container_id:
      description: The container's ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    status:
      description: The container's status.
      type: str
      sample: running
    id:
      description: The endpoint's ID, empty if the container does not run.
      type: str
      sample: 0f5e5a1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2
    ipv4_address:
      description: The IPv4 address in use, empty if the container does not run.
      type: str
      sample: 172.18.0.2
    ipv6_address:
      description: The IPv6 address in use, empty if there is none.
      type: str
      sample: ""
    mac_address:
      description: The MAC address in use, empty if the container does not run.
      type: str
      sample: 02:42:ac:12:00:02
    aliases:
      description: The aliases that were requested.
      type: list
      elements: str
      sample: [db]
    links:
      description: The network links, as target:alias.
      type: list
      elements: str
      sample: ["cache:c"]
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
      sample: false
"""

from ansible_collections.linklab.docker.plugins.module_utils._attach.observe import attach_result, observe_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import ENDPOINT_OPTIONS, parse_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NETWORK_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._module.task import Task, new_module, run
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import plan_attach


def main() -> None:
    module = new_module(
        {
            "network": {"type": "str", "required": True},
            "create": {"type": "dict", "options": NETWORK_OPTIONS},
            "containers": {"type": "list", "elements": "str", "default": []},
            "endpoints": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"container": {"type": "str", "required": True}, **ENDPOINT_OPTIONS},
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": False},
        }
    )
    run(module, Task(parse_attach, observe_attach, plan_attach, attach_result))


if __name__ == "__main__":
    main()
