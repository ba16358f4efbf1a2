# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

# The desired state of a network, with the keys of the Compose Specification. One text for every module that creates #
# networks, since a fragment cannot be placed below an option.
_OPTIONS = r"""
driver:
  description: The driver, such as V(bridge), V(overlay), V(macvlan), or V(ipvlan). V(bridge) if not set.
  type: str
driver_opts:
  description: Options of the driver.
  type: dict
ipam:
  description: IP address management. If not set, the engine takes a subnet from its address pools.
  type: dict
  suboptions:
    driver:
      description: The IPAM driver. V(default) if not set.
      type: str
    options:
      description: Options of that driver.
      type: dict
    config:
      description: The subnets.
      type: list
      elements: dict
      suboptions:
        subnet:
          description: The subnet in CIDR notation, such as V(172.28.0.0/16).
          type: str
          required: true
        gateway:
          description: The gateway's address. The subnet's first address if not set.
          type: str
        ip_range:
          description: The part of the subnet, in CIDR notation, from which the engine allocates addresses.
          type: str
        aux_addresses:
          description: Addresses that the engine must not allocate, by host name.
          type: dict
internal:
  description: Whether the network is internal, without access to the outside.
  type: bool
attachable:
  description: Whether standalone containers may join an overlay network.
  type: bool
enable_ipv4:
  description: Whether the network has IPv4 addresses. V(false) needs API 1.47 (Docker Engine 27.2) and IPv6.
  type: bool
enable_ipv6:
  description: Whether to enable IPv6. Required for an IPv6 subnet, which the engine otherwise ignores.
  type: bool
labels:
  description: Labels of the network.
  type: dict
"""

_EXTERNAL = r"""
external:
  description: Whether the network is managed elsewhere, and so neither created nor removed. Excludes all other options.
  type: bool
"""


class ModuleDocFragment:
    # The annotations keep ansible-test from reading these as literal texts, as it does for names without one.

    # The option create of a module that creates a missing network.
    CREATE: str = r"""
options:
  create:
    description:
      - How to create the network if it does not exist. V({}) creates a bridge network with the engine's defaults, as
        C(docker network create) does.
      - An existing network is used as it is. If it differs from this option, the task warns.
    type: dict
    suboptions:
""" + textwrap.indent(_OPTIONS, " " * 6)

    # The option networks of a topology: below each name, a network.
    NETWORKS: str = (
        r"""
options:
  networks:
    description:
      - The networks by name, each with the options below, which are those of the Compose Specification. V({}) or no
        value creates a bridge network with the engine's defaults.
      - A network whose options differ from the existing one is refused, since an engine cannot change them.
    type: dict
    suboptions:
"""
        + textwrap.indent(_EXTERNAL, " " * 6)
        + textwrap.indent(_OPTIONS, " " * 6)
    )
