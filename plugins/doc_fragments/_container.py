# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

# The desired state of a container, with the keys of the Compose Specification. One text for every module that creates #
# containers, since a fragment cannot be placed below an option.
_OPTIONS = r"""
image:
  description:
    - The image, by name with or without a tag, by digest or by ID.
    - Compared by the image that the name currently refers to, so a newer image under the same tag is detected.
  type: str
pull:
  description:
    - What to do if the engine does not have the image. V(missing) pulls it, V(never) fails.
  type: str
  choices: [missing, never]
  default: missing
command:
  description:
    - The command, as a list of words, or as a string that is split as a shell would split it. It is not run by a shell.
  type: raw
entrypoint:
  description:
    - The entrypoint, in the same format as the command. V([]) means none, not even the image's.
  type: raw
environment:
  description:
    - Environment variables. Values that YAML would read as a boolean must be quoted.
    - Compared as a whole, together with the secret ones; variables of the image are ignored.
  type: dict
secret_environment:
  description:
    - Environment variables whose values are not shown anywhere, neither in results and diffs nor in logs.
    - Anyone who may use the engine can still read them with C(docker inspect).
  type: dict
user:
  description: The user, by name or number, and optionally the group, such as V(1000:1000).
  type: str
working_dir:
  description: The working directory of the command.
  type: str
hostname:
  description: The container's host name. By default the engine uses the container's short ID.
  type: str
init:
  description: Whether a small init process reaps the container's orphaned processes and forwards signals.
  type: bool
cap_add:
  description: Linux capabilities to add, with or without C(CAP_).
  type: list
  elements: str
cap_drop:
  description: Linux capabilities to drop, with or without C(CAP_).
  type: list
  elements: str
privileged:
  description: Whether the container gets extended privileges on the host.
  type: bool
sysctls:
  description: Kernel parameters of the container's own namespaces.
  type: dict
volumes:
  description:
    - The mounts, as V(name:/path), V(/path/on/the/host:/path), or V(/path) for an anonymous volume, with V(:ro) at the
      end for read-only.
    - Host paths must be absolute.
    - Anonymous volumes are passed on to the container's successor as long as their path is set or the image declares
      it. If recreating leaves a volume behind, or a volume takes the place of a host directory, the task warns
      beforehand, with the command that copies the data. The old volume or directory is left as it is.
  type: list
  elements: str
tmpfs:
  description: Mounts in memory, as V(/path) or V(/path:size=64m,mode=1777); a string or a list.
  type: raw
ports:
  description:
    - Ports to publish, as V([[address:]host:]container[/protocol]); both may be ranges. Quote them, since YAML reads
      V(22:22) as a number.
  type: list
  elements: str
healthcheck:
  description: How the engine checks whether the container is healthy. Options that are not set are taken from the
    image.
  type: dict
  suboptions:
    test:
      description:
        - The check, as a string that a shell in the container runs, or as a list that starts with V(CMD) or
          V(CMD-SHELL).
      type: raw
    interval:
      description: How long to wait between two checks, such as V(10s) or V(1m30s).
      type: str
    timeout:
      description: How long a check may take.
      type: str
    retries:
      description: How many consecutive checks must fail for the container to be unhealthy.
      type: int
    start_period:
      description: How long after the start failing checks do not count.
      type: str
    disable:
      description: Whether to disable the image's check.
      type: bool
labels:
  description: Labels. Those of the image are ignored.
  type: dict
restart:
  description:
    - The restart policy, as V(no), V(always), V(unless-stopped), V(on-failure), or V(on-failure:3). Changed while the
      container runs.
  type: str
stop_grace_period:
  description: How long the container has to exit when it is stopped, such as V(1m). Rounded up to seconds.
  type: str
stop_signal:
  description: The signal that stops the container, such as V(SIGINT).
  type: str
tty:
  description: Whether to allocate a terminal.
  type: bool
stdin_open:
  description: Whether to keep the standard input open.
  type: bool
extra_hosts:
  description: Additional lines of C(/etc/hosts), as a dictionary of names and addresses or a list of V(name:address).
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
    - Whether the container's root file system is read-only.
    - Nothing can be written to such a container, so a container with changed files outside volumes cannot become
      read-only and keep them. The task names these files before anything is changed. To discard them, mount a C(tmpfs)
      over them. To keep them, mount a volume over them in a run without this option.
  type: bool
mem_limit:
  description:
    - The memory limit, such as V(512m), or V(0) for none. Changed while the container runs.
    - The engine does not remove a limit from an existing container, so for this it is recreated.
  type: str
cpus:
  description:
    - The CPU limit, such as V(0.5), or V(0) for none. Changed while the container runs.
    - The engine does not remove a limit from an existing container, so for this it is recreated.
  type: float
shm_size:
  description: The size of C(/dev/shm), such as V(128m).
  type: str
"""

# How a container of a topology is connected, and what it waits for.
_CONNECTIONS = r"""
networks:
  description:
    - The networks to attach the container to, as a list of names, or as a dictionary of names with the settings
      C(aliases), C(aliases_mode), C(links), C(links_mode), C(ipv4_address), C(ipv6_address), C(mac_address),
      C(driver_opts) and C(gw_priority) of the module M(linklab.docker.network_attach).
    - Each must be one of O(networks), or V(bridge). A container is created on the first of them.
    - A C(mac_address) is set when the container is created; on any network but the first, this requires API 1.44
      (Docker Engine 25.0). Changing it on an existing container requires API 1.54 (Docker Engine 29.3), or, from API
      1.44 on, another change for which the container is replaced anyway.
    - Before API 1.52 (Docker Engine 29.0), a static address requires a network with a subnet under C(ipam).
    - The container is detached, live, from other networks of this topology. Networks outside the topology that somebody
      attached it to are left alone.
  type: raw
links:
  description:
    - Names for other containers, as V(target) or V(target:alias).
    - On the default bridge they are legacy links, which need the target to run first. On user-defined networks they are
      network links, on each network that both containers are on.
  type: list
  elements: str
depends_on:
  description:
    - Which containers must run before this one starts, as a list of names, or as a dictionary of names with the
      condition V(started) or V(healthy). V(service_started) and V(service_healthy) mean the same.
    - The other keys of the Compose Specification, C(required) and C(restart), are only accepted with their default
      values.
  type: raw
network_mode:
  description:
    - V(bridge), V(host), V(none), or V(container:NAME) to share the network of another container, whether or not it
      belongs to this topology.
    - Mutually exclusive with O(containers.networks).
  type: str
"""


class ModuleDocFragment:
    # The annotations keep ansible-test from reading these as literal texts, as it does for names without one.

    # The option create of a module that creates a missing container.
    CREATE: str = r"""
options:
  create:
    description:
      - How to create and start the container if it does not exist, with the keys of the Compose Specification.
      - An existing container is not compared with it.
    type: dict
    suboptions:
""" + textwrap.indent(_OPTIONS, " " * 6)

    # The option containers of a topology: below each name, a container and how it is connected.
    CONTAINERS: str = (
        r"""
options:
  containers:
    description:
      - The containers by name, each with the options below, which are those of the Compose Specification.
      - An option that is not set is neither compared nor changed on an existing container. An option that is set is
        compared as a whole.
      - A container without O(containers.networks) and O(containers.network_mode) is created on the default bridge, as
        with C(docker run), and its networks are not checked afterwards; but both ends of a legacy link are always
        reattached to the default bridge.
    type: dict
    suboptions:
"""
        + textwrap.indent(_OPTIONS, " " * 6)
        + textwrap.indent(_CONNECTIONS, " " * 6)
    )
