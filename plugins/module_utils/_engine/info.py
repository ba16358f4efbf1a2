# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which engine answers, and the API version that is spoken with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._errors import SpecError

MINIMUM_API = "1.41"


@dataclass(frozen=True)
class EngineInfo:
    """Which engine answers, and the API version that is spoken with it.

    Attributes:
        newest: the newest API version of the engine, whichever is spoken; empty if that is the one that is spoken.
        podman: whether it is Podman, which says and does some things otherwise (see C(_podman)).
    """

    api_version: str
    version: str = ""
    newest: str = ""
    podman: bool = False
    api: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "api", parse_api_version(self.api_version))

    def speaks(self, version: str) -> bool:
        """Whether the API version in use is I(version) or newer."""
        return self.api >= parse_api_version(version)

    def has(self, version: str) -> bool:
        """Whether the engine is one of API I(version) or newer: some behaviour does not depend on what is spoken."""
        return parse_api_version(self.newest or self.api_version) >= parse_api_version(version)


def parse_api_version(text: str) -> tuple[int, int]:
    """Return C("1.41") as C((1, 41))."""
    major, dot, minor = text.partition(".")
    if not (dot and text.isascii() and major.isdigit() and minor.isdigit()):
        raise SpecError(f"api_version must be 'auto' or look like {MINIMUM_API}, not {text!r}")
    return int(major), int(minor)
