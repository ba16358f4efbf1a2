#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_link
short_description: Link a Docker container to others
version_added: 0.1.0
description:
  - Gives one container, the source, names for other containers, the targets, as C(docker run --link) does.
  - On the default bridge this is a legacy link. It works through configuration that is written inside the source when
    it starts, so the engine makes it only together with the source. If the source does not exist, it is created with
    the links (option O(create)). If it exists without them, it must be recreated (O(disruption=recreate)).
  - On any other network this is a network link, which needs no recreate. Both ends are attached to the network while
    they run, and the source alone sees the name.
  - Links are compared by the containers that they lead to, whether the task names those by name or by ID. A legacy link
    whose target was removed leads nowhere, even if another container has the target's name by now, and keeps the source
    from starting. Such a link is noticed and mended.
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._docker
  - linklab.docker._docker.disruption
  - linklab.docker._container.create
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
  container:
    description:
      - The source, by name or ID.
    type: str
    required: true
  links:
    description:
      - The links, as V(target) or V(target:alias). The target is the name or the ID of a container. The alias is the
        name under which the source finds it, by default the target as it is written here.
      - A link of the source with the same alias that leads to another container is replaced. Other links stay, unless
        O(purge=true).
    type: list
    elements: str
  network:
    description:
      - Where the link is, by name or ID. On V(bridge) it is a legacy link, on any other network a network link.
      - The network must exist. M(linklab.docker.network_attach) makes one.
    type: str
    default: bridge
  state:
    description:
      - With V(present) the source has the O(links), with V(absent) it does not have them.
      - With V(absent), what is not there is no change, be it the link, the source or the target. The containers stay
        attached to the network.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether to remove every link that the source has on this network and that the task does not name. With
        O(state=absent), or with nothing named, that is all.
    type: bool
    default: false
notes:
  - Removing a legacy link needs no recreate. The engine joins a running source to its networks once more, which takes
    about a tenth of a second and keeps open connections (O(disruption=reconnect)). The environment of its processes is
    not changed.
  - Where the name of a legacy link leads elsewhere than to its target by C(/etc/hosts) of a source that runs, as after
    the target left the bridge and came back with another address, the file is put right without a restart.
  - The engine keeps a removed legacy link in its files, and makes it again when its daemon restarts, if a container of
    the target's name is there then. The next run of the task removes it again. It is gone for good once the source is
    recreated.
  - A recreate replaces the source by a container with the same configuration, endpoints, volumes (anonymous ones too),
    changed files, name and state. The source is stopped while that happens, with its own grace period, and removed only
    after its successor was seen running. If anything fails, the source is back as it was. What cannot go on are the
    container's ID, its log, what was in C(tmpfs) mounts, extended attributes C(user.*) of changed files, host ports
    that the engine chose, and the deletion of files of its image. The task warns of the last two. The engine does not
    hand out attributes C(user.*), so that no task can tell whether there are any; files in volumes keep theirs.
    Anonymous volumes go on under their names, so that C(docker rm -v) does not remove them any more.
  - A container is not recreated if that would lose something, such as one that was started with C(--rm), one whose
    network another one shares, or one that is itself the target of a legacy link. The task says so before any change.
  - A legacy link hands the environment of the target to the source, with all passwords in it. The task warns of it.
    From Docker Engine 29 on there is no such environment any more, and Engine 30 is announced to have no legacy links
    at all.
seealso:
  - module: linklab.docker.connectivity
  - module: linklab.docker.network_attach
"""

EXAMPLES = r"""
- name: A client that finds the database under its name, over a legacy link
  linklab.docker.container_link:
    container: client
    links:
      - database
    create:
      image: mysql
      # The client program alone: no second server, which would want a password.
      entrypoint: [sleep]
      command: [infinity]

- name: The client also knows it as db; the client is recreated for it, and loses nothing
  linklab.docker.container_link:
    container: client
    links:
      - database
      - database:db
    disruption: recreate

- name: The same name over a network, while both containers run
  linklab.docker.container_link:
    container: client
    links:
      - database:db
    network: test_network

- name: Show what a change would do, and how much it would disturb
  linklab.docker.container_link:
    container: client
    links:
      - cache
    disruption: recreate
  check_mode: true
  diff: true

- name: Remove one link of a running container
  linklab.docker.container_link:
    container: client
    links:
      - database:db
    state: absent

- name: Remove all legacy links of a container
  linklab.docker.container_link:
    container: client
    purge: true
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
        - One of V(pull_image), V(create_container), V(start_container), V(recreate_container), V(remove_link),
          V(rewrite_hosts), V(attach), V(reattach) and V(recover).
      type: str
      sample: remove_link
    subject:
      description: What it was done to.
      type: str
      sample: database:db of client
    reason:
      description: Why it is needed.
      type: str
      sample: it shall not be there
    disruption:
      description: What it does to that which the task keeps, V(none), V(reconnect) or V(recreate).
      type: str
      sample: reconnect
disruption:
  description: The highest disruption of all actions.
  returned: always
  type: str
  sample: reconnect
recreated:
  description: Whether the source was recreated, or would be in check mode, so that it has another ID.
  returned: success
  type: bool
  sample: false
container:
  description: The source. In check mode as it was; with its name alone if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: Its ID.
      type: str
      sample: 9f2ccf3a8cde1ad1fd5a0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a1
    name:
      description: Its name.
      type: str
      sample: client
    status:
      description: Its status.
      type: str
      sample: running
links:
  description: All links that the source has on this network. In check mode as they were.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(legacy) on the default bridge, V(network) elsewhere.
      type: str
      sample: network
    target:
      description: The name of the container that the link leads to.
      type: str
      sample: database
    target_id:
      description: The ID of that container, empty if there is none.
      type: str
      sample: 0a4b1b3e6b8e8a2b8cf2c6f5a3d7a7cbb5f41a4cf9a19f2ccf3a8cde1ad1fd5a
    alias:
      description: The name under which the source finds it.
      type: str
      sample: db
    address:
      description: The target's address on the network, empty while the target does not run.
      type: str
      sample: 172.18.0.2
    stale:
      description: Whether the link leads nowhere, because its target was removed or is not there yet.
      type: bool
      sample: false
"""

from ansible_collections.linklab.docker.plugins.module_utils._compose.container import CONTAINER_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._link.task import LinkTask
from ansible_collections.linklab.docker.plugins.module_utils._module.common import new_module
from ansible_collections.linklab.docker.plugins.module_utils._module.task import DISRUPTION_OPTION, run


def main() -> None:
    module = new_module(
        {
            "container": {"type": "str", "required": True},
            "links": {"type": "list", "elements": "str"},
            "network": {"type": "str", "default": "bridge"},
            "create": {"type": "dict", "options": CONTAINER_OPTIONS},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": False},
            **DISRUPTION_OPTION,
        }
    )
    run(module, LinkTask().task())


if __name__ == "__main__":
    main()
