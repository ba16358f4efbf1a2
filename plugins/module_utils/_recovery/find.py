# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find what an interrupted run left of a container's change. How it is put right is known to _apply/recover."""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass, replace

from .._model.legacy_links import read_legacy_links
from .._model.state import find_container, is_live, stop_grace
from .._plan.plan import Action
from .._plan.restorations import wait_warnings
from .names import Before, Holder, Interrupted, Leftover, judge, policy_to_restore, prefix, read_leftovers

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._engine.client import Engine
    from .._model.legacy_links import LegacyLink
    from .._model.state import Container

Json = t.Any

# A run that is still at work shows it in names and states; what takes longest without a sign is a stop.
_PATIENCE = 10.0
_LOOK_AGAIN = 0.25
# What the names of all that a change leaves have in common.
_ANY_LEFTOVER = r"\.linklab-(new|old|unlink)\."


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
        seconds: how long it was waited for.
    """

    exchange: Interrupted | None = None
    helper: str = ""
    waited: bool = False
    seconds: float = 0.0


def find_leftovers(engine: Engine, name: str) -> tuple[Leftover, ...]:
    """Return what there is of changes of the container I(name) that did not come to their end: one request."""
    return read_leftovers(name, engine.containers(name=[f"^/{re.escape(prefix(name))}"]))


def find_interrupted(engine: Engine, name: str, patience: float | None = None) -> Left:
    """Return what is left of an interrupted change of the container I(name): see M(find_all_interrupted)."""
    return find_all_interrupted(engine, [name], patience).get(name, Left())


def find_all_interrupted(engine: Engine, names: Iterable[str], patience: float | None = None) -> dict[str, Left]:
    """Return what is left of interrupted changes of containers, by name; those without are not in it.

    Where nothing is left this is one request; else all of them are waited for at once.

    Args:
        patience: seconds without any sign of life after which a run counts as dead; by default what it may take a
            container to stop, if one of this change may be stopping, and a little more.
    """
    wanted, begin = tuple(dict.fromkeys(names)), time.monotonic()
    pattern = f"^/{re.escape(prefix(wanted[0]))}" if len(wanted) == 1 else _ANY_LEFTOVER
    seen: dict[str, tuple[Leftover, ...]] = {}
    since: dict[str, float] = {}
    while wanted:
        listed = engine.containers(name=[pattern])
        left = {name: leftovers for name in wanted if (leftovers := read_leftovers(name, listed))}
        there = engine.inspect_containers([*left, *(one.id for leftovers in left.values() for one in leftovers)])
        now = time.monotonic()
        since.update({name: now for name, leftovers in left.items() if seen.get(name) != leftovers})
        seen.update(left)
        allowed = {name: _allowed(name, left[name], there) if patience is None else patience for name in left}
        if all(now - since[name] >= allowed[name] for name in left):
            ended = {name: Left(waited=True, seconds=now - begin) for name in seen}
            return {**ended, **{name: _left(name, left[name], there, now - begin) for name in left}}
        time.sleep(_LOOK_AGAIN)
    return {}


def _left(name: str, leftovers: Sequence[Leftover], there: Mapping[str, Json], seconds: float) -> Left:
    holder = there.get(name)
    exchange = judge(name, None if holder is None else Holder(holder["Id"], holder["State"]["Status"]), leftovers)
    helper = next((left.id for left in leftovers if left.role == "unlink"), "")
    return Left(exchange, helper, waited=True, seconds=seconds)


def _allowed(name: str, leftovers: Sequence[Leftover], there: Mapping[str, Json]) -> float:
    """Return how long the run that made these may give no sign of life."""
    roles = {leftover.role for leftover in leftovers}
    holder = there.get(name)
    if not roles & {"new", "old"} or ("old" in roles and not (holder and is_live(holder["State"]["Status"]))):
        # A removal of links stops nothing; nor does an exchange any more once the old container has lost its name.
        return _PATIENCE
    own = _idents(leftovers, holder)
    return _PATIENCE + max((stop_grace(raw) for raw in there.values() if raw["Id"] in own), default=0)


def _idents(leftovers: Iterable[Leftover], holder: Json) -> set[str]:
    return {*(leftover.id for leftover in leftovers if leftover.role != "unlink"), *([holder["Id"]] if holder else ())}


def waiting_notes(found: Mapping[str, Left]) -> tuple[str, ...]:
    """Say for which containers a run was waited that turned out to be dead, if that took its time."""
    return wait_warnings({name: left.seconds for name, left in found.items() if left.exchange or left.helper})


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
