# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""All that interrupted runs left of some containers, read in one place, with what becomes of each.

Observers read the journal, and see each container as it will be once that is put right; planners refuse what it cannot
judge, and put its actions first. How these are carried out is known to _apply/recover.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from .._engine.marks import never_ran
from .._model.bridge import DEFAULT_BRIDGE, on_default_bridge
from .._model.find import find_container
from .._model.legacy_links import read_legacy_links
from .._model.state import Endpoint, is_live, stop_grace
from .._plan.container_actions import FinishUnlink
from .._plan.plan import Action, Disruption, Plan, singly, stages
from .._plan.restorations import restorations, wait_warnings
from .endpoint_notes import notes_now, of_containers, signs, wait_for_runs, with_away
from .names import Before, Interrupted, Leftover, Verdict, classify, policy_to_restore, prefix, read_leftovers
from .unlink_mark import mark_name

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState
    from .._plan.restorations import Note
    from .endpoint_notes import Sign

Json = t.Any

# A run that is still at work shows it in names and states; what takes longest without a sign is a stop.
_PATIENCE = 10.0
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
    """What an interrupted run left of a container's change.

    Attributes:
        exchange: of its replacement.
        mark: of a removal of its links.
    """

    exchange: Interrupted | None = None
    mark: Leftover | None = None


@dataclass(frozen=True)
class Journal:
    """What interrupted runs left.

    Attributes:
        changes: of changes of containers, by the container's name; those without are not in it.
        notes: of endpoints.
        waited: whether another run may have been at work, so that what was read before is out of date.
        seconds: how long runs were waited for.
    """

    changes: Mapping[str, Left] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    waited: bool = False
    seconds: float = field(default=0.0, compare=False)

    def of(self, name: str) -> Left:
        return self.changes.get(name, Left())

    @property
    def problems(self) -> tuple[str, ...]:
        """What cannot be put right, since it is not clear what belongs together."""
        exchanges = (left.exchange for left in self.changes.values())
        return tuple(_leave_text(one) for one in exchanges if one is not None and one.verdict is Verdict.LEAVE)

    @property
    def warnings(self) -> tuple[str, ...]:
        """For which containers a run was waited that turned out to be dead, if that took its time."""
        noted = (end.name for note in self.notes for end in note.endpoints)
        return wait_warnings({*noted, *self.changes}, self.seconds)


def _leave_text(found: Interrupted) -> str:
    return (
        f"the container {found.leftover} is left of an interrupted replacement of {found.name}, but it belongs to"
        " another container than the one that has this name now. Look at both, remove the one that is not needed or"
        " rename it, and run the task again"
    )


# -- found, and judged ------------------------------------------------------------------------------------------------


def read_journal(
    engine: Engine,
    names: Iterable[str],
    noted: Iterable[str] = (),
    patience: float | None = None,
    made: Collection[str] = (),
) -> Journal:
    """Return what interrupted runs left: where that is nothing, one request for changes and one for notes.

    Args:
        names: of containers whose changes are of interest.
        noted: names or IDs of containers whose endpoints are.
        patience: seconds without any sign of life after which a run counts as dead; by default what it may take a
            container to stop, if one of this change may be stopping, and a little more.
        made: see M(find_notes).
    """
    refs, wanted = tuple(noted), tuple(dict.fromkeys(names))
    notes: list[Note] = []
    left: dict[str, tuple[Leftover, ...]] = {}
    there: dict[str, Json] = {}

    def look() -> Mapping[str, Sign]:
        nonlocal left, there
        notes[:] = notes_now(engine, of_containers(refs), made) if refs or made else ()
        left, there = _look(engine, wanted) if wanted else ({}, {})
        return {**signs(notes), **{name: (found, _allowed(name, found, there)) for name, found in left.items()}}

    seconds, waited = wait_for_runs(look, patience)
    changes = {name: Left(*classify(name, there.get(name), leftovers)) for name, leftovers in left.items()}
    return Journal(changes, tuple(replace(note, waited=seconds) for note in notes), waited, seconds)


def find_leftovers(engine: Engine, name: str) -> tuple[Leftover, ...]:
    """Return what there is of changes of the container I(name) that did not come to their end: normally one request."""
    return _look(engine, (name,))[0].get(name, ())


def _look(engine: Engine, names: Sequence[str]) -> tuple[dict[str, tuple[Leftover, ...]], dict[str, Json]]:
    """Return what there is of changes by the container's name, and what these and the containers are like."""
    pattern = f"^/{re.escape(prefix(names[0]))}" if len(names) == 1 else _ANY_LEFTOVER
    listed = engine.containers(name=[pattern])
    found = {name: leftovers for name in names if (leftovers := read_leftovers(name, listed))}
    there = engine.inspect_containers([*found, *(one.id for leftovers in found.values() for one in leftovers)])
    own = {name: tuple(one for one in leftovers if _is_own(one, there)) for name, leftovers in found.items()}
    return {name: leftovers for name, leftovers in own.items() if leftovers}, there


def _is_own(one: Leftover, there: Mapping[str, Json]) -> bool:
    return one.role != "unlink" or (one.id in there and never_ran(there[one.id]))


def _allowed(name: str, leftovers: Sequence[Leftover], there: Mapping[str, Json]) -> float:
    """Return how long the run that made these may give no sign of life."""
    roles = {leftover.role for leftover in leftovers}
    holder = there.get(name)
    if not roles & {"new", "old"} or ("old" in roles and not (holder and is_live(holder["State"]["Status"]))):
        # A removal of links stops nothing; nor does an exchange any more once the old container has lost its name.
        return _PATIENCE
    own = (there.get(ref) for ref in (name, *(leftover.id for leftover in leftovers if leftover.role != "unlink")))
    return _PATIENCE + max((stop_grace(raw) for raw in own if raw is not None), default=0)


# -- a container as it will be once recovered -------------------------------------------------------------------------


class Recovered(t.NamedTuple):
    """A container as it will be once all that interrupted runs left of it is put right.

    Attributes:
        container: endpoints that are away are in it as such: a plan that attaches it gives them what they had.
        links: its legacy links.
    """

    container: ContainerState
    links: tuple[LegacyLink, ...] = ()


def recovered(engine: Engine, journal: Journal, name: str, container: ContainerState | None) -> Recovered | None:
    """Return what there will be of a container; None if there is none. container: the one that has the name now."""
    left = journal.of(name)
    exchange = left.exchange if left.exchange is not None and left.exchange.verdict is not Verdict.LEAVE else None
    if exchange is not None:
        container = find_container(engine, exchange.remains) if exchange.remains else None
    if container is None:
        return None
    # By the name that it has for now.
    links = read_legacy_links(engine, container)
    if exchange is not None:
        container = _exchanged(container, exchange)
    if left.mark is not None and left.mark.name == mark_name(container) and not on_default_bridge(container):
        # It comes back to the bridge, where it was when the removal began.
        container = replace(container, endpoints={**container.endpoints, DEFAULT_BRIDGE: Endpoint(DEFAULT_BRIDGE)})
    return Recovered(with_away(container, journal.notes), links)


def _exchanged(container: ContainerState, exchange: Interrupted) -> ContainerState:
    status = "exited" if exchange.before is Before.STOPPED else exchange.before.value
    raw = {**container.raw, "Name": f"/{exchange.name}"}
    policy = policy_to_restore(container.raw)
    if policy is not None:
        raw["HostConfig"] = {**raw["HostConfig"], "RestartPolicy": policy}
    return replace(container, name=exchange.name, status=status, raw=raw)


# -- what is to be done -----------------------------------------------------------------------------------------------


def recoveries(journal: Journal, containers: Mapping[str, ContainerState]) -> Iterator[Action]:
    """Return what puts changes of containers right, before anything else is done to these. containers: by name."""
    for name, left in journal.changes.items():
        found = left.exchange
        if found is not None:
            reason = f"an earlier replacement was interrupted ({found.leftover} is there): {found.verdict.value}"
            yield Recover(reason, Disruption.NONE, found)
        if left.mark is not None and name in containers:
            reason = "an earlier removal of a link was interrupted"
            yield FinishUnlink(reason, Disruption.NONE, containers[name], left.mark.id)


def with_recovery(plan: Plan, journal: Journal, containers: Mapping[str, ContainerState]) -> Plan:
    """Return a plan that also puts right what interrupted runs left. containers: by name."""
    first = stages((singly(recoveries(journal, containers)), 1))
    last = stages((singly(restorations(journal.notes, plan.stages)), 1))
    return Plan(first + plan.stages + last, journal.warnings + plan.warnings)
