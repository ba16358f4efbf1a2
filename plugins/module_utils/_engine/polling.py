# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Wait for what somebody else does."""

from __future__ import annotations

import itertools
import random
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Seen = t.TypeVar("Seen")

_PAUSE_SECONDS = 0.05
# How long a run lets others go first.
_YIELD_SECONDS = 60


def until(look: Callable[[], Seen], seconds: float) -> Seen:
    """Look again and again until what is seen counts as true, or the time is over; return what was seen last."""
    deadline = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() <= deadline:
        time.sleep(_PAUSE_SECONDS)
    return seen


def turns() -> Iterator[int]:
    """Yield numbers for a while, with pauses of different lengths, so that two runs do not keep each other waiting."""
    deadline = time.monotonic() + _YIELD_SECONDS
    for attempt in itertools.count():
        yield attempt
        if time.monotonic() > deadline:
            return
        time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - nothing is kept secret by it
