# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

# What a container shall be, in the words of the Compose Specification. One text for every module that creates
# containers, since a fragment cannot be put below an option.
_OPTIONS = r"""
image:
  description:
    - The image, by name with or without a tag, by digest or by ID.
    - Compared by the image that the name stands for now, so that a newer image under the same tag is noticed.
  type: str
pull:
  description:
    - What to do about an image that the engine does not have. V(missing) pulls it, V(never) fails.
  type: str
  choices: [missing, never]
  default: missing
command:
  description:
    - The command, as a list of words, or as a string that is split as a shell does it. No shell runs it.
  type: raw
entrypoint:
  description:
    - The entrypoint, in the same form as the command. V([]) means none, not even the image's.
  type: raw
environment:
  description:
    - Environment variables. Values that YAML takes for a boolean must be put in quotes.
    - Compared as a whole, together with those that are secret; variables of the image are left out of account.
  type: dict
secret_environment:
  description:
    - Environment variables whose values are shown nowhere, neither in results and differences nor in logs.
    - Whoever may talk to the engine can still read them in the container's description.
  type: dict
user:
  description: The user, by name or number, and optionally the group, such as V(1000:1000).
  type: str
working_dir:
  description: The folder in which the command starts.
  type: str
hostname:
  description: The container's own host name. By default the engine takes the container's short ID.
  type: str
init:
  description: Whether a small init process reaps the container's orphans and passes signals on.
  type: bool
cap_add:
  description: Linux capabilities to add, with or without C(CAP_).
  type: list
  elements: str
cap_drop:
  description: Linux capabilities to take away, with or without C(CAP_).
  type: list
  elements: str
privileged:
  description: Whether the container gets all rights over the host.
  type: bool
sysctls:
  description: Kernel parameters of the container's own namespaces.
  type: dict
volumes:
  description:
    - What is mounted, as V(name:/path), V(/path/on/the/host:/path) or V(/path) for an anonymous volume, with V(:ro)
      at the end for read-only.
    - Paths of the host must be absolute.
    - Anonymous volumes go on to the container's successor for as long as their path is given or the image declares it.
      Where a recreate leaves a volume behind, or a volume takes the place of a folder of the host, the task warns
      beforehand, with the command that copies the data over. The old one stays as it is.
  type: list
  elements: str
tmpfs:
  description: Paths that lie in memory, as V(/path) or V(/path:size=64m,mode=1777); one string or a list.
  type: raw
ports:
  description:
    - Ports to publish, as V([[address:]host:]container[/protocol]); both may be ranges. Put them in quotes, since YAML
      takes V(22:22) for a number.
  type: list
  elements: str
healthcheck:
  description: How the engine learns whether the container is healthy. What is not given is the image's.
  type: dict
  suboptions:
    test:
      description:
        - The check, as a string that a shell in the container runs, or as a list that begins with V(CMD) or
          V(CMD-SHELL).
      type: raw
    interval:
      description: How long to wait between two checks, such as V(10s) or V(1m30s).
      type: str
    timeout:
      description: How long a check may take.
      type: str
    retries:
      description: How many checks in a row must fail.
      type: int
    start_period:
      description: How long failing checks do not count after the start.
      type: str
    disable:
      description: Whether to switch the image's check off.
      type: bool
labels:
  description: Labels. Those of the image are left out of account.
  type: dict
restart:
  description:
    - When the engine starts the container again, as V(no), V(always), V(unless-stopped), V(on-failure) or
      V(on-failure:3). Changed while the container runs.
  type: str
stop_grace_period:
  description: How long the container has to end by itself when it is stopped, such as V(1m). Rounded up to seconds.
  type: str
stop_signal:
  description: The signal that asks the container to end, such as V(SIGINT).
  type: str
tty:
  description: Whether the command gets a terminal.
  type: bool
stdin_open:
  description: Whether the standard input stays open.
  type: bool
extra_hosts:
  description: Further lines of C(/etc/hosts), as a dictionary of names and addresses or a list of V(name:address).
  type: raw
dns:
  description: DNS servers.
  type: list
  elements: str
security_opt:
  description: Security options, such as V(no-new-privileges) or V(label=disable).
  type: list
  elements: str
read_only:
  description:
    - Whether the container's own file system is read-only.
    - Nothing can be written to such a container, so one that has changed files outside of volumes cannot become
      read-only with them. The task names these files before anything is changed. A C(tmpfs) over them lets them go. A
      volume over them, in a run without this option, gets them.
  type: bool
mem_limit:
  description: The most memory, such as V(512m). Changed while the container runs.
  type: str
cpus:
  description: The most CPUs, such as V(0.5). Changed while the container runs.
  type: float
shm_size:
  description: The size of C(/dev/shm), such as V(128m).
  type: str
"""

# How a container of a topology is connected, and what it waits for.
_CONNECTIONS = r"""
networks:
  description:
    - The networks that the container is on, as a list of names, or as a dictionary of names with the settings
      C(aliases), C(aliases_mode), C(links), C(links_mode), C(ipv4_address), C(ipv6_address), C(mac_address),
      C(driver_opts) and C(gw_priority) of the module M(linklab.docker.network_attach).
    - Each must be one of O(networks), or V(bridge). A container is created on the first of them.
    - A C(mac_address) is given when the container is created; on another than the first network that needs API 1.44
      (Docker Engine 25.0). To change that of a container that exists needs API 1.54 (Docker Engine 29.3), or from API
      1.44 on a change for which the container is replaced anyway.
    - An address of its own needs a network with a subnet under C(ipam), before API 1.52 (Docker Engine 29.0).
    - Another network of this topology is left, live. Networks of others that somebody attached the container to are
      left alone.
  type: raw
links:
  description:
    - Names for other containers, as V(target) or V(target:alias).
    - On the default bridge they are legacy links, which need the target to run first. On networks of your own they are
      network links, on each network that both are on.
  type: list
  elements: str
depends_on:
  description:
    - Which containers must run before this one starts, as a list of names, or as a dictionary of names with the
      condition V(started) or V(healthy). V(service_started) and V(service_healthy) mean the same.
    - The further keys of the Compose Specification, C(required) and C(restart), are taken with their defaults only.
  type: raw
network_mode:
  description:
    - V(bridge), V(host), V(none), or V(container:NAME) to share the network of another container, of this topology or
      not.
    - Excludes O(containers.networks).
  type: str
"""


class ModuleDocFragment:
    # The annotations keep ansible-test from reading these as texts that stand here, which it does only for such.

    # The option create of a module that makes a container if it is missing.
    CREATE: str = r"""
options:
  create:
    description:
      - How to create and start the container if it does not exist, in the words of the Compose Specification.
      - A container that exists is not compared with it.
    type: dict
    suboptions:
""" + textwrap.indent(_OPTIONS, " " * 6)

    # The option containers of a topology: below each name, a container and how it is connected.
    CONTAINERS: str = (
        r"""
options:
  containers:
    description:
      - The containers by name, each with the options below, in the words of the Compose Specification.
      - An option that is not given is neither compared nor changed on a container that exists. What is given is
        compared as a whole.
      - A container without O(containers.networks) and O(containers.network_mode) is put on the default bridge, as
        C(docker run) does, and its networks are not looked at afterwards; but both ends of a legacy link are brought
        back to the default bridge.
    type: dict
    suboptions:
"""
        + textwrap.indent(_OPTIONS, " " * 6)
        + textwrap.indent(_CONNECTIONS, " " * 6)
    )
