# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The settings of an endpoint as data: the words that what is wanted and what is there have in common."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, fields, replace

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any


@dataclass(frozen=True, order=True)
class Link:
    """A name for another container that only the linking container sees."""

    target: str
    alias: str

    def __str__(self) -> str:
        return f"{self.target}:{self.alias}"

    @classmethod
    def read(cls, text: str) -> Link:
        """Read a network link as the engine tells it, which is as somebody sent it."""
        target, _colon, alias = text.partition(":")
        return cls(target, alias or target)


@dataclass(frozen=True)
class EndpointSettings:
    """What a user can set on an endpoint. None means: not given (in a wish), or not set (on an endpoint)."""

    aliases: tuple[str, ...] | None = None
    links: tuple[Link, ...] | None = None
    ipv4_address: str | None = None
    ipv6_address: str | None = None
    link_local_ips: tuple[str, ...] | None = None
    mac_address: str | None = None
    driver_opts: Mapping[str, str] | None = None
    gw_priority: int | None = None

    def given(self) -> dict[str, Json]:
        """Return the settings that are not None."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are asked for."""
        return tuple(address for address in (self.ipv4_address, self.ipv6_address) if address)

    def over(self, base: EndpointSettings) -> EndpointSettings:
        """Return I(base) with the settings that are given here in the place of its own."""
        return replace(base, **self.given())

    def differences(self, current: EndpointSettings) -> dict[str, tuple[Json, Json]]:
        """Return name to (current, wanted) of the settings that are given here and differ in I(current)."""
        return {
            name: (getattr(current, name), wanted)
            for name, wanted in self.given().items()
            if _comparable(name, wanted) != _comparable(name, getattr(current, name))
        }

    def to_api(self) -> dict[str, Json]:
        """Return the Engine API's C(EndpointSettings)."""
        ipam = {
            "IPv4Address": self.ipv4_address,
            "IPv6Address": self.ipv6_address,
            "LinkLocalIPs": list(self.link_local_ips or ()),
        }
        config: dict[str, Json] = {
            "IPAMConfig": {key: value for key, value in ipam.items() if value},
            "Links": [str(link) for link in self.links or ()],
            "Aliases": list(self.aliases or ()),
            "DriverOpts": dict(self.driver_opts or {}),
        }
        # Fields of newer API versions are sent only when set: older engines ignore them silently.
        if self.mac_address:
            config["MacAddress"] = self.mac_address
        if self.gw_priority:
            config["GwPriority"] = self.gw_priority
        return {key: value for key, value in config.items() if value}


def _comparable(name: str, value: Json) -> Json:
    """Aliases and links are sets; a value that is not set is the same as an empty one."""
    if isinstance(value, tuple):
        return frozenset(value)
    if name in ("aliases", "links", "link_local_ips"):
        return frozenset()
    if name == "driver_opts":
        return dict(value or {})
    if name == "gw_priority":
        return value or 0
    return value or ""


def canonical(text: str | None) -> str:
    """Return an address or a subnet in its canonical notation. The engine keeps whatever notation it was sent."""
    if not text:
        return ""
    try:
        return str(ipaddress.ip_network(text, strict=False) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        return text
