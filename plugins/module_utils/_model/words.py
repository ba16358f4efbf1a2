# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What was meant by an option that there is not: a near name, or the word of another tool. Pure.

The words are those of the docker program, of Compose, and of community.docker's docker_container and docker_network.
"""

from __future__ import annotations

import types
import typing as t

from .._errors import did_you_mean

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IN_IPAM = "ipam: {{config: [{{{}: ...}}]}}"
_ON_NETWORK = "{} of a network under networks"
# A word to the options that may be meant, each with what to write if that is not the option alone. The first one counts
# that there is where the word was found.
_FOREIGN: Mapping[str, tuple[tuple[str, str], ...]] = types.MappingProxyType(
    {
        **{word: (("ipam", _IN_IPAM.format(word)),) for word in ("subnet", "gateway", "ip_range", "aux_addresses")},
        **{word: (("ipam", _IN_IPAM.format("ip_range")),) for word in ("iprange", "ip-range")},
        "ipam_config": (("ipam", "ipam: {config: [...]}"),),
        "ipam_driver": (("ipam", "ipam: {driver: ...}"),),
        "ipam_options": (("ipam", "ipam: {options: ...}"),),
        "ipam_driver_options": (("ipam", "ipam: {options: ...}"),),
        **dict.fromkeys(("driver_options", "opt", "opts", "options"), (("driver_opts", ""),)),
        "ipv6": (("enable_ipv6", ""), ("ipv6_address", ""), ("networks", _ON_NETWORK.format("ipv6_address"))),
        "ip6": (("ipv6_address", ""), ("networks", _ON_NETWORK.format("ipv6_address"))),
        **{
            word: (("ipv4_address", ""), ("networks", _ON_NETWORK.format("ipv4_address")))
            for word in ("ip", "ipv4", "ip_address", "ipv4_address")
        },
        **{
            word: (("mac_address", ""), ("networks", _ON_NETWORK.format("mac_address")))
            for word in ("mac", "mac_address")
        },
        **{
            word: (("aliases", ""), ("networks", _ON_NETWORK.format("aliases")))
            for word in ("alias", "aliases", "network_alias", "network-alias", "net_alias")
        },
        "net": (("networks", ""), ("network", "")),
        "network": (("networks", ""),),
        "network_name": (("network", ""),),
        "link": (("links", ""),),
        "external_links": (("links", ""),),
        "connected": (("containers", ""),),
        "appends": (("purge", "purge: false, which is the default"),),
        "services": (("containers", ""),),
        **dict.fromkeys(
            ("container_name", "name"),
            (
                ("container", ""),
                ("networks", "the name as the key under containers"),
                ("image", "container, next to create"),
            ),
        ),
        "env": (("environment", ""),),
        "env_file": (("environment", "environment, with what is in the file"),),
        "host_name": (("hostname", ""),),
        "domainname": (("hostname", ""),),
        "cmd": (("command", ""),),
        "args": (("command", ""),),
        "workdir": (("working_dir", ""),),
        **dict.fromkeys(("publish", "published_ports", "port", "expose", "exposed_ports"), (("ports", ""),)),
        **dict.fromkeys(("volume", "mount", "mounts", "binds"), (("volumes", ""),)),
        **dict.fromkeys(("restart_policy", "restart_retries"), (("restart", ""),)),
        **dict.fromkeys(("memory", "memory_limit"), (("mem_limit", ""),)),
        "cpu": (("cpus", ""),),
        "capabilities": (("cap_add", ""),),
        "dns_servers": (("dns", ""),),
        "etc_hosts": (("extra_hosts", ""),),
        "add_host": (("extra_hosts", ""),),
        "security_opts": (("security_opt", ""),),
        "stop_timeout": (("stop_grace_period", ""),),
        "interactive": (("stdin_open", ""),),
        "pull_policy": (("pull", ""),),
    }
)


def meant(word: str, known: Iterable[str]) -> str:
    """Return C( (did you mean X?)) for an unknown option, or an empty string. I(known): the options that there are."""
    options = set(known)
    for option, text in _FOREIGN.get(word, ()):
        if option in options:
            return f" (did you mean {text or option}?)"
    return did_you_mean(word, options)
