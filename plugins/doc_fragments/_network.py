# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

# What a network shall be, in the words of the Compose Specification. One text for every module that makes networks,
# since a fragment cannot be put below an option.
_OPTIONS = r"""
driver:
  description: The driver, such as V(bridge), V(overlay), V(macvlan) or V(ipvlan). V(bridge) if not given.
  type: str
driver_opts:
  description: Options of the driver.
  type: dict
ipam:
  description: Where the addresses come from. If not given, the engine takes a subnet from its address pools.
  type: dict
  suboptions:
    driver:
      description: The driver for the addresses. V(default) if not given.
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
          description: The gateway's address. The subnet's first address if not given.
          type: str
        ip_range:
          description: The part of the subnet, in CIDR notation, from which the engine chooses addresses itself.
          type: str
        aux_addresses:
          description: Addresses that the engine must not use, by host name.
          type: dict
internal:
  description: Whether the network leads nowhere outside.
  type: bool
attachable:
  description: Whether containers that are no services may join an overlay network.
  type: bool
enable_ipv6:
  description: Whether the network has IPv6 addresses. An IPv6 subnet needs it, since the engine ignores that else.
  type: bool
labels:
  description: Labels of the network.
  type: dict
"""

_EXTERNAL = r"""
external:
  description: Whether the network is made and removed by others. It then takes no other option.
  type: bool
"""


class ModuleDocFragment:
    # The annotations keep ansible-test from reading these as texts that stand here, which it does only for such.

    # The option create of a module that makes a network if it is missing.
    CREATE: str = r"""
options:
  create:
    description:
      - How to make the network if it does not exist. V({}) makes a bridge network with the engine's defaults, as
        C(docker network create) does.
      - A network that exists is used as it is. Where it differs from what is given here, the task warns.
    type: dict
    suboptions:
""" + textwrap.indent(_OPTIONS, " " * 6)

    # The option networks of a topology: below each name, a network.
    NETWORKS: str = (
        r"""
options:
  networks:
    description:
      - The networks by name, each with the options below, in the words of the Compose Specification. V({}) or nothing
        at all makes a bridge network with the engine's defaults.
      - A network whose options differ from what is there is refused, since an engine cannot change them.
    type: dict
    suboptions:
"""
        + textwrap.indent(_EXTERNAL, " " * 6)
        + textwrap.indent(_OPTIONS, " " * 6)
    )
