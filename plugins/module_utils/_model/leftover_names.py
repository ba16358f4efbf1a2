# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The names of containers that only exist while another one is being changed. Pure."""

from __future__ import annotations

import re

LEFTOVER_NAME = re.compile(
    r"(?P<name>.+)\.linklab-(?P<role>new|old|unlink)\.(?P<peer>[0-9a-f]{12})(?:\.(?P<before>stopped|running|paused))?"
    r"(?:\.(?P<policy>always|on-failure)(?:-(?P<retries>[0-9]+))?)?"
)


def is_leftover(name: str) -> bool:
    """Whether a container of this name only exists while another one is being changed."""
    return LEFTOVER_NAME.fullmatch(name) is not None


def lasting_name(name: str) -> str:
    """Return the name of the container whose change a container of this name is for; else the name itself."""
    match = LEFTOVER_NAME.fullmatch(name)
    return match["name"] if match else name
