#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Bring up a whole topology of Docker networks and containers, live
version_added: 0.1.0
description:
  - Creates and updates networks, containers, and their connections as the task describes them, ordered by dependency
    and as concurrently as benefits the engine. Another run changes only what differs.
  - Changes to networks, aliases, addresses, and network links are made on the running containers. A container is only
    replaced if what it runs must change, such as its image, command, environment, or volumes, and only with
    O(disruption=recreate).
  - A network that differs from the task in what an engine cannot change, such as its subnet or MTU, is replaced under
    the containers on it, those of others included. No container is restarted. See O(name_gap).
  - A container that shares the network of another one with O(containers.network_mode) is replaced after it, and is
    restarted if the other one was restarted, since it is then cut off. Both need O(disruption=recreate).
  - The names of legacy links are kept correct in C(/etc/hosts) of running containers, without a restart. Entries of
    O(containers.extra_hosts) take precedence.
  - Everything that it creates carries the label C(linklab.docker.topology) with the topology's name. Nothing else is
    ever removed, and an existing container or network that has a requested name but lacks the label is refused, not
    adopted.
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._docker
  - linklab.docker._docker.disruption
  - linklab.docker._container.containers
  - linklab.docker._network.networks
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
  name:
    description:
      - The topology's name, which is the value of its label. Topologies with different names can exist side by side.
    type: str
    required: true
  state:
    description:
      - V(present) creates and updates the topology as the task describes it.
      - V(absent) removes the containers and networks that carry the topology's label, whether or not the task names
        them.
      - A container that has a named volume or a bind mount is first stopped with its grace period. Others have no data
        that outlives them and are killed.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether to remove containers and networks that carry the topology's label and that the task does not name.
    type: bool
    default: false
  volumes:
    description:
      - Whether O(state=absent) also removes the named volumes that the topology created, and the data in them.
      - Anonymous volumes are always removed with their container, since nobody could refer to them afterwards.
    type: bool
    default: false
  wait:
    description:
      - What to wait for at the end. V(started) waits until all containers run, V(healthy) until all healthchecks pass.
      - A container without a healthcheck counts as healthy when it runs. If it exits shortly after its start, the next
        run detects that, or this run if the container has a restart policy or a healthcheck to wait for.
      - A container that the engine restarted because it exited counts as running once it has been up for 10 seconds,
        which is what the engine's own restart policies call a successful start. If it does not stay up within
        O(wait_timeout), the task fails with the end of its log. Nothing tells beforehand whether a program that
        exits again and again only waits for another container.
    type: str
    choices: [started, healthy]
    default: started
  wait_timeout:
    description:
      - How long to wait, in seconds, at the end and for each condition in O(containers.depends_on).
    type: int
    default: 120
  name_gap:
    description:
      - What may happen to names while a network is replaced. Either way, all containers on it, running or not, keep
        their processes, aliases, links, and driver options, and each static address that the new subnet has. If the
        subnets stay the same, they all keep their addresses, so that open connections go on. The engine gives addresses
        away one after another; a container that comes after a wide gap of free ones has to request its own from then
        on, and the task warns of it.
      - With V(forbidden), all running containers are attached to a temporary network meanwhile, so that names resolve
        and containers reach each other all the time. The task takes a few seconds longer. A new connection can take a
        second when its client or server joins the temporary network, and can fail if it begins in the milliseconds in
        which its client leaves it. Containers join and leave in the order of O(containers.depends_on), so that clients
        come before their servers. Connections that are open when a container leaves the old or the temporary network
        can break, and the default route of a container may lead over the temporary network.
      - With V(allowed), the containers are detached from the old network and attached to the new one. The task warns
        how long each of them could not be reached by its name.
      - Replacing needs O(disruption=reconnect). If only labels differ, the task warns and keeps the network.
      - A network of a Swarm is not replaced, and neither is one with a task of a service on it.
    type: str
    choices: [forbidden, allowed]
    default: forbidden
notes:
  - A recreated container keeps everything that a source keeps according to M(linklab.docker.container_link), except for
    what the task sets. With another O(containers.image) it gets the files of that image, and none that were changed
    outside volumes. Extended attributes C(user.*) of changed files are not kept. The engine does not expose them, so
    the task cannot tell beforehand whether there are any; files in volumes keep theirs.
  - A variable in O(containers.secret_environment) is hidden in Ansible's output. Like every variable, it can be read by
    anyone who may use the engine, and is passed on to containers with a legacy link.
  - The addresses of each network are counted before anything is changed, including those of other containers on it,
    running or not. If a container would get no address, or the static address of another, the task is refused.
  - Ansible masks a secret wherever it occurs in the task's output, so a very short one can also mask other words.
seealso:
  - module: linklab.docker.topology_info
  - plugin: linklab.docker.topology_diagram
    plugin_type: filter
  - module: linklab.docker.network_attach
  - module: linklab.docker.container_link
  - module: linklab.docker.connectivity
"""

EXAMPLES = r"""
- name: Run a database and a client that share a network
  linklab.docker.topology:
    name: lesson
    networks:
      test_network:
    containers:
      database:
        image: mysql
        secret_environment:
          MYSQL_ROOT_PASSWORD: root
        networks:
          - test_network
      client:
        image: mysql
        command: sleep infinity
        networks:
          - test_network
    wait: healthy

- name: Run three tiers in which the web server cannot reach the database
  linklab.docker.topology:
    name: shop
    networks:
      front:
      back:
        internal: true
    containers:
      db:
        image: mysql
        secret_environment:
          MYSQL_ROOT_PASSWORD: "{{ db_password }}"
        volumes:
          - shop_data:/var/lib/mysql
        networks:
          back:
            aliases:
              - database
      app:
        image: shop-app
        networks:
          - front
          - back
        depends_on:
          db: healthy
      web:
        image: nginx
        ports:
          - "8080:80"
        networks:
          - front
        depends_on:
          - app

- name: Preview a change, line by line
  linklab.docker.topology:
    name: lesson
    networks:
      test_network:
    containers:
      database:
        image: mysql
        networks:
          test_network:
            aliases:
              - db
  check_mode: true
  diff: true

- name: Give a network another subnet while its containers run
  linklab.docker.topology:
    name: lesson
    networks:
      test_network:
        ipam:
          config:
            - subnet: 10.20.0.0/24
    containers:
      database:
        image: mysql
        networks:
          - test_network
      client:
        image: mysql
        command: sleep infinity
        networks:
          - test_network

- name: Remove everything, but keep the data
  linklab.docker.topology:
    name: shop
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
      description:
        - One of V(pull_image), V(create_network), V(replace_network), V(create_volume), V(create_container),
          V(start_container), V(update_container), V(recreate_container), V(restart_container), V(attach), V(reattach),
          V(detach), V(remove_link), V(rewrite_hosts), V(remove_container), V(remove_network), V(remove_volume) and
          V(recover).
      type: str
      sample: create_container
    subject:
      description: The object of the action.
      type: str
      sample: database
    reason:
      description: Why it is needed.
      type: str
      sample: it does not exist
    disruption:
      description: What it does to what the task keeps, V(none), V(reconnect), or V(recreate).
      type: str
      sample: none
disruption:
  description: The highest disruption of all actions.
  returned: always
  type: str
  sample: none
name:
  description: The topology's name.
  returned: success
  type: str
  sample: lesson
containers:
  description: The topology's containers by name. In check mode, the current ones.
  returned: success
  type: dict
  contains:
    id:
      description: The container's ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    image:
      description: The image that the container was created from.
      type: str
      sample: mysql
    status:
      description: The container's status.
      type: str
      sample: running
    health:
      description: The health status, V(starting), V(healthy), or V(unhealthy); empty without a healthcheck.
      type: str
      sample: healthy
    networks:
      description:
        - The container's endpoints by network, with C(id), C(ipv4_address), C(ipv6_address), C(mac_address),
          C(aliases), C(links), C(driver_opts), C(gw_priority) and C(default_route) as in the module
          M(linklab.docker.network_attach).
      type: dict
      sample: {"test_network": {"ipv4_address": "172.18.0.2", "aliases": ["db"]}}
    links:
      description: The legacy links, as target:alias.
      type: list
      elements: str
      sample: ["database:db"]
orphans:
  description:
    - Containers that carry the topology's label and that the task does not name. O(purge=true) removes them, as well as
      such networks, which are not listed here.
  returned: success
  type: list
  elements: str
  sample: []
networks:
  description: The topology's networks by name, including external ones. In check mode, the current ones.
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
"""

from ansible_collections.linklab.docker.plugins.module_utils._module.task import run
from ansible_collections.linklab.docker.plugins.module_utils._topology.task import TOPOLOGY_TASK, new_topology_module


def main() -> None:
    run(new_topology_module(), TOPOLOGY_TASK)


if __name__ == "__main__":
    main()
