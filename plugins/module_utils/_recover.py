# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find what an interrupted run left of a container's change. How it is put right is known to _apply_recover."""

from __future__ import annotations

import json
import re
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.linklab.docker.plugins.module_utils._legacy_links import read_legacy_links
from ansible_collections.linklab.docker.plugins.module_utils._plan import Action
from ansible_collections.linklab.docker.plugins.module_utils._replace_names import (
    Before,
    Holder,
    Interrupted,
    Leftover,
    judge,
    policy_to_restore,
    prefix,
    read_leftovers,
)
from ansible_collections.linklab.docker.plugins.module_utils._state import find_container

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._legacy_links import LegacyLink
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container

Json = t.Any

# A run that is still at work shows it in names and states; what takes longest without a sign is a stop.
_PATIENCE = 10.0
_GRACE = 10
_LOOK_AGAIN = 0.25


@dataclass(frozen=True)
class Recover(Action):
    """Put an interrupted replacement right."""

    name = "recover"

    interrupted: Interrupted

    @property
    def subject(self) -> str:
        return self.interrupted.name


@dataclass(frozen=True)
class Left:
    """What an interrupted run left.

    Attributes:
        helper: the ID of the helper of a removal of a link; empty if there is none.
        waited: whether another run was at work meanwhile, so that what was read before is out of date.
    """

    exchange: Interrupted | None = None
    helper: str = ""
    waited: bool = False


def find_leftovers(engine: Engine, name: str) -> tuple[Leftover, ...]:
    """Return what there is of changes of the container I(name) that did not come to their end: one request."""
    pattern = f"^/{re.escape(prefix(name))}"
    return read_leftovers(name, engine.get("/containers/json", all="1", filters=json.dumps({"name": [pattern]})))


def find_interrupted(engine: Engine, name: str, patience: float | None = None) -> Left:
    """Return what is left of an interrupted change of the container I(name).

    Args:
        patience: seconds without any sign of life after which a run counts as dead; by default what the container's
            own grace period allows.
    """
    seen: tuple[Leftover, ...] = ()
    since = 0.0
    while True:
        leftovers = find_leftovers(engine, name)
        if not leftovers:
            return Left(waited=bool(seen))
        now = time.monotonic()
        holder = find_container(engine, name)
        if leftovers != seen:
            seen, since = leftovers, now
        allowed = patience if patience is not None else _grace(engine, leftovers) + _PATIENCE
        if now - since >= allowed:
            exchange = judge(name, None if holder is None else Holder(holder.id, holder.status), leftovers)
            return Left(exchange, next((left.id for left in leftovers if left.role == "unlink"), ""), True)
        time.sleep(_LOOK_AGAIN)


def _grace(engine: Engine, leftovers: Iterable[Leftover]) -> int:
    """Return how long a stop may take in the exchange that these belong to; there is none in a removal of a link."""
    graces = [0]
    for leftover in leftovers:
        container = find_container(engine, leftover.id) if leftover.role != "unlink" else None
        if container is not None:
            given = (container.raw.get("Config") or {}).get("StopTimeout")
            graces.append(_GRACE if given is None else int(given))
    return max(graces)


def as_recovered(engine: Engine, interrupted: Interrupted) -> tuple[Container | None, tuple[LegacyLink, ...]]:
    """Return the container, and its legacy links, as it will be once the interrupted replacement is put right."""
    container = find_container(engine, interrupted.remains) if interrupted.remains else None
    if container is None:
        return None, ()
    links = read_legacy_links(engine, container)
    status = "exited" if interrupted.before is Before.STOPPED else interrupted.before.value
    raw = {**container.raw, "Name": f"/{interrupted.name}"}
    policy = policy_to_restore(container.raw)
    if policy is not None:
        raw["HostConfig"] = {**raw["HostConfig"], "RestartPolicy": policy}
    return replace(container, name=interrupted.name, status=status, raw=raw), links


def leave_text(found: Interrupted) -> str:
    return (
        f"the container {found.leftover} is left of an interrupted replacement of {found.name}, but it belongs to"
        " another container than the one that has this name now. Look at both, remove the one that is not needed or"
        " rename it, and run the task again"
    )


def reason(found: Interrupted) -> str:
    """Return the reason for a Recover, as a clause."""
    return f"an earlier replacement was interrupted ({found.leftover} is there): {found.verdict.value}"
