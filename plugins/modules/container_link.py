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
  - On the default bridge this is a legacy link. It works through configuration that is written into the source when it
    starts, so the engine can only create it together with the source. If the source does not exist, it is created with
    the links (option O(create)). If it exists without them, it must be recreated (O(disruption=recreate)).
  - On any other network this is a network link, which does not require recreating anything. Both ends are attached to
    the network while they run, and only the source sees the name.
  - Links are compared by the containers that they point to, whether the task gives a name or an ID. A legacy link
    whose target was removed is stale, even if another container has the target's name now, and keeps the source
    from starting. Stale links are detected and fixed.
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
        name under which the source finds it, by default the target as written here.
      - A link of the source with the same alias that points to another container is replaced. Other links are kept,
        unless O(purge=true).
    type: list
    elements: str
  network:
    description:
      - The network of the links, by name or ID. On V(bridge) they are legacy links, on any other network network links.
      - The network must exist. M(linklab.docker.network_attach) can create one.
    type: str
    default: bridge
  state:
    description:
      - V(present) ensures that the source has the O(links), V(absent) that it does not have them.
      - With V(absent), a link, source, or target that does not exist is not an error and causes no change. The
        containers stay attached to the network.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether to remove every link that the source has on this network and that the task does not name. With
        O(state=absent), or if the task names none, all links are removed.
    type: bool
    default: false
notes:
  - Removing a legacy link does not recreate the source. The engine reconnects a running source to its networks, which
    takes about a tenth of a second and keeps open connections (O(disruption=reconnect)). The environment of its
    processes is not changed.
  - If C(/etc/hosts) of a running source resolves the name of a legacy link to something other than its target, for
    example because the target left the bridge and came back with another address, the file is corrected without a
    restart.
  - The engine keeps a removed legacy link in its files, and restores it when its daemon restarts, if a container with
    the target's name exists then. The next run of the task removes it again. It is gone for good once the source is
    recreated.
  - Recreating replaces the source with a container that has the same configuration, endpoints, volumes (including
    anonymous ones), changed files, and name, and that runs if the source ran. The source is stopped meanwhile, with its
    own grace period, and removed only after its successor is seen running. If anything fails, the source is restored. A
    source that has exited gets a successor that is only created, or started if O(create) is given. What cannot be kept
    are the container's ID, its log, its exit code, the contents of C(tmpfs) mounts, extended attributes C(user.*) of
    changed files, host ports that the engine chose, and the deletion of files of its image. The task warns about the
    last two. The engine does not expose C(user.*) attributes, so the task cannot tell whether there are any; files in
    volumes keep theirs. Anonymous volumes are kept by name, so C(docker rm -v) no longer removes them.
  - A container is not recreated if that would lose something, for example if it was started with C(--rm), if another
    container shares its network, or if it is itself the target of a legacy link. The task says so before any change.
  - A legacy link passes the environment of the target to the source, including all passwords. The task warns about
    this. Docker Engine 29 and newer no longer do so, and Engine 30 is announced to remove legacy links altogether.
seealso:
  - module: linklab.docker.connectivity
  - module: linklab.docker.network_attach
"""

EXAMPLES = r"""
- name: Create a client that finds the database under its name, over a legacy link
  linklab.docker.container_link:
    container: client
    links:
      - database
    create:
      image: mysql
      # Only the client program: a second server would need a password.
      entrypoint: [sleep]
      command: [infinity]

- name: Also give it the name db; the client is recreated, and loses nothing
  linklab.docker.container_link:
    container: client
    links:
      - database
      - database:db
    disruption: recreate

- name: Give the same name over a network, while both containers run
  linklab.docker.container_link:
    container: client
    links:
      - database:db
    network: test_network

- name: Preview a change and its disruption
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
      description: The object of the action.
      type: str
      sample: database:db of client
    reason:
      description: Why it is needed.
      type: str
      sample: it should not exist
    disruption:
      description: What it does to what the task keeps, V(none), V(reconnect), or V(recreate).
      type: str
      sample: reconnect
disruption:
  description: The highest disruption of all actions.
  returned: always
  type: str
  sample: reconnect
recreated:
  description: Whether the source was recreated and so has another ID. In check mode, whether it would be.
  returned: success
  type: bool
  sample: false
container:
  description: The source. In check mode, its current state; only its name if it does not exist.
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
  description: All links that the source has on this network. In check mode, the current ones.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(legacy) on the default bridge, V(network) on any other network.
      type: str
      sample: network
    target:
      description: The name of the container that the link points to.
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
      description: The target's address on the network, empty if the target does not run.
      type: str
      sample: 172.18.0.2
    stale:
      description: Whether the link has no target, because the target was removed or does not exist yet.
      type: bool
      sample: false
"""

from ansible_collections.linklab.docker.plugins.module_utils._compose.container import CONTAINER_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._link.task import LinkTask
from ansible_collections.linklab.docker.plugins.module_utils._module.task import new_module, run


def main() -> None:
    module = new_module(
        {
            "container": {"type": "str", "required": True},
            "links": {"type": "list", "elements": "str"},
            "network": {"type": "str", "default": "bridge"},
            "create": {"type": "dict", "options": CONTAINER_OPTIONS},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": False},
        }
    )
    run(module, LinkTask().task())


if __name__ == "__main__":
    main()
