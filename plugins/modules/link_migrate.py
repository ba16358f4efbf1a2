#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: link_migrate
short_description: Move Docker containers off legacy links, live
version_added: 0.1.0
description:
  - Moves containers from legacy links (C(docker run --link)) to a network, while they run. Every name that a
    container had from a link still resolves to the same container afterwards, for each container separately.
  - Docker Engine 29 no longer sets environment variables for legacy links, and Engine 30 is announced to remove them.
  - All containers that are connected by links move to one network. A name becomes an alias of the target, or a network
    link of the source if another container could notice the alias or has the same name.
  - Everything is decided before anything changes. What cannot be done is refused with the reason. If a step fails,
    the steps before it are rolled back, so that the containers are as they were, or the names already resolve to the
    network. Running the task again completes a killed run.
  - Finally, each name is resolved and its port is tried, from inside the source.
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
      - Sends no request that changes anything, and returns the RV(ignore:actions) and the diff of the real run.
  diff_mode:
    support: full
    details:
      - Shows one line for each action, with its reason and its disruption.
  idempotent:
    support: full
options:
  containers:
    description:
      - The sources, by name or ID, whose links are to be removed. If not set, every container that has a legacy link,
        and all that an earlier run of the module did not finish. A container without links causes no change.
      - With O(leave_bridge=true), also name the containers whose links were removed earlier, including targets, to make
        them leave the bridge.
    type: list
    elements: str
  network:
    description:
      - The network to move to, by name or ID. If not set, each group of linked containers gets its own, named
        C(links-) plus the name of its first target.
      - If it is set and the network does not exist, O(create) is required.
    type: str
  create:
    description:
      - How to create a network that does not exist. V({}) creates a bridge network with the engine's defaults, which is
        also the default if O(network) is not set.
      - An existing network is used as it is. If it differs from this option, the task warns.
  name_gap:
    description:
      - With V(forbidden) every name resolves all the time. All containers are attached to the network first; then the
        lines that the links wrote into the hosts file of the source are changed to the new addresses, and only then are
        the links removed. This needs a shell (C(/bin/sh)) that root may use in the source, or in a container that it is
        linked with. The task takes 5 seconds longer, since programs written in Go cache the hosts file for that long.
      - With V(allowed) the links of a source are removed first, and it is attached right afterwards. Nothing is needed
        inside it, but in between its names do not resolve, and it reaches nothing, for about 0.1 to 0.7 seconds
        (RV(names[].gap_ms)). A source that was already on a user-defined network is migrated without a gap regardless.
        Such tasks take turns if they run at the same time. If something else attaches the source to a network in that
        moment, the source can lose the engine's resolver until it restarts; the task then fails and says so.
      - Links of containers that do not run are removed without these steps.
    type: str
    choices: [forbidden, allowed]
    default: forbidden
  leave_bridge:
    description:
      - Whether the containers also leave the default bridge.
      - With V(false), open connections over the bridge are kept. A source leaves the bridge for a fraction of a
        second and comes back with the same address. New connections use the network.
      - With V(true), open connections over the bridge end, and the published ports and the default route move
        to the network. The task says which, also in check mode, and is refused if a published port would be lost.
      - The engine keeps a removed link in its files, and restores it when its daemon restarts. Off the bridge this has
        no effect. On the bridge the link is then back with all its effects; for example, the source does not start
        without its target. So make the containers leave the bridge as soon as their connections may end.
    type: bool
    default: false
  environment:
    description:
      - With V(report) the task reports which environment variables the source has from its links. Its processes keep
        them until they exit; after the next restart they are gone.
      - With V(bake) the source is recreated (O(disruption=recreate)) as a container on the network, without links,
        with these variables in its configuration. The target's address is replaced by its name in them, as in
        C(tcp://db:3306). If they include secrets of the target, these are then in the source's configuration.
    type: str
    choices: [report, bake]
    default: report
notes:
  - Programs that read the resolver's settings only when they start, such as those with a C library older than glibc
    2.26, do not resolve the names over the network until they are restarted.
  - When a container leaves the bridge, even for a moment, the engine withdraws its published ports and publishes them
    again. Ports that the engine chose get another number, and connections over published ports may end.
  - A link whose target was removed is stale and keeps the source from starting. The task does not guess what it
    should point to; M(linklab.docker.container_link) removes it.
seealso:
  - module: linklab.docker.container_link
  - module: linklab.docker.network_attach
  - module: linklab.docker.connectivity
"""

EXAMPLES = r"""
- name: Show what would happen to all legacy links, and which variables would be lost
  linklab.docker.link_migrate:
  check_mode: true
  diff: true

- name: Move everything that is linked to networks, without disturbing anything
  linklab.docker.link_migrate:

- name: Leave the bridge once connections over it may end, so that no link can come back
  linklab.docker.link_migrate:
    leave_bridge: true

- name: Move one client to a network of its own
  linklab.docker.link_migrate:
    containers: [client]
    network: backend
    create:
      ipam:
        config:
          - subnet: 172.28.0.0/16
    leave_bridge: true

- name: Move a container that finds its database through the link's variables
  linklab.docker.link_migrate:
    containers: [legacy-app]
    environment: bake
    leave_bridge: true
    disruption: recreate
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
        - One of V(create_network), V(attach), V(reattach), V(redirect_names), V(remove_links), V(exchange_links),
          V(leave_bridge), V(recreate_container), V(tidy_names) and V(recover).
      type: str
      sample: remove_links
    subject:
      description: The object of the action.
      type: str
      sample: db of client
    reason:
      description: Why it is needed.
      type: str
      sample: its names lead to links-database
    disruption:
      description: What it does to what the task keeps, V(none), V(reconnect), or V(recreate).
      type: str
      sample: reconnect
disruption:
  description: The highest disruption of all actions.
  returned: always
  type: str
  sample: reconnect
networks:
  description: The names of the networks that containers moved to.
  returned: success
  type: list
  elements: str
  sample: [links-database]
containers:
  description: The sources that had links.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: Its name.
      type: str
      sample: client
    id:
      description: Its ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    network:
      description: The network that the container moved to.
      type: str
      sample: links-database
    on_bridge:
      description: Whether the container is on the default bridge. In check mode, whether it currently is.
      type: bool
      sample: true
    links:
      description: The legacy links that the container had, as V(target:alias).
      type: list
      elements: str
      sample: ["database:db"]
    environment:
      description: The variables that it has from its links and loses at its next restart. Their values are not
        returned.
      type: dict
      contains:
        variables:
          description: Their names.
          type: list
          elements: str
          sample: [DB_PORT, DB_ENV_MYSQL_ROOT_PASSWORD]
        secrets:
          description: The names of those that look like secrets of the target.
          type: list
          elements: str
          sample: [DB_ENV_MYSQL_ROOT_PASSWORD]
        seen:
          description:
            - Whether process 1 was seen to have been started with some of them. V(null) if this cannot be seen, for
              example because the container does not run or the engine's host has no C(ps); the names are then those
              that the engine would set.
          type: bool
          sample: true
names:
  description: The names that the links gave, one for each link.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: The name of the source.
      type: str
      sample: client
    name:
      description: The name under which the source finds the target.
      type: str
      sample: db
    target:
      description: The name of the target.
      type: str
      sample: database
    address_before:
      description: The target's address on the bridge, empty if it did not run.
      type: str
      sample: 172.17.0.2
    address:
      description:
        - The address that the name finally resolved to. Empty in check mode, or if one of the two does not run.
      type: str
      sample: 172.28.0.2
    port:
      description: The TCP port that was tried, the lowest that the target exposes. V(null) if it exposes none.
      type: int
      sample: 3306
    resolves:
      description: Whether the name resolved to the target. V(null) if this was not tried.
      type: bool
      sample: true
    reachable:
      description: Whether the port answered. V(null) if this was not tried.
      type: bool
      sample: true
    gap_ms:
      description:
        - How long the name did not resolve, in milliseconds; 0 if the order of steps leaves no gap. V(null) in check
          mode, for a source that was recreated, and if another task did it at the same time.
      type: float
      sample: 0.0
    msg:
      description: What was found, in words.
      type: str
      sample: "client: database leads to 172.18.0.2 (database), and port 3306 answers"
"""

from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MIGRATE_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._migrate.task import MigrateTask
from ansible_collections.linklab.docker.plugins.module_utils._module.task import new_module, run


def main() -> None:
    run(new_module(MIGRATE_OPTIONS), MigrateTask().task())


if __name__ == "__main__":
    main()
