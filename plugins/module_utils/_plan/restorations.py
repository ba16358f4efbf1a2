# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Endpoints that an interrupted run took away, and the plan to put them back. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .plan import Action, Detach, Disruption, Plan, singly, stages

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .plan import Stage

# Waits that nobody notices are not worth a word, in seconds.
_WORTH_TELLING = 1.0


@dataclass(frozen=True)
class NotedEndpoint:
    """An endpoint as it was. container: the ID; settings: the Engine API's C(EndpointSettings)."""

    container: str
    name: str
    network: str
    settings: Mapping[str, t.Any]

    def is_called(self, ref: str) -> bool:
        """Whether I(ref) names its container."""
        return ref == self.name or (len(ref) >= 12 and self.container.startswith(ref))


@dataclass(frozen=True)
class Note:
    """What a run noted before it took endpoints away.

    Attributes:
        id, name: of the container that is the note.
        waited: how many seconds it was waited for the run that left it.
        members_of: the network that was being replaced, if it is the note of everybody on one.
    """

    id: str
    name: str
    endpoints: tuple[NotedEndpoint, ...]
    waited: float = 0.0
    members_of: str = ""


@dataclass(frozen=True)
class RestoreEndpoints(Action):
    """Put back the endpoints that an interrupted run took away, and that are still away; then the note goes.

    Attributes:
        unwanted: containers and networks of endpoints that must not be restored.
    """

    name = "recover"

    note: Note
    unwanted: frozenset[tuple[str, str]] = frozenset()

    @property
    def subject(self) -> str:
        return ", ".join(f"{end.name} on {end.network}" for end in self.note.endpoints)


def restorations(notes: Iterable[Note], before: Iterable[Stage] = ()) -> Iterator[RestoreEndpoints]:
    """Return what puts right what interrupted runs left, after what is carried out I(before)."""
    actions = [action for stage in before for unit in stage.units for action in unit]
    unwanted = frozenset((action.container.id, action.network) for action in actions if isinstance(action, Detach))
    for note in notes:
        reason = f"a change of it was interrupted, and {note.name} has its settings"
        yield RestoreEndpoints(reason, Disruption.NONE, note, unwanted)


def with_restorations(plan: Plan, notes: Sequence[Note]) -> Plan:
    """Return a plan that also puts right what interrupted runs left."""
    if not notes:
        return plan
    last = stages((singly(restorations(notes, plan.stages)), 1))
    dead = {end.name for note in notes for end in note.endpoints}
    return Plan(plan.stages + last, wait_warnings(dead, max(note.waited for note in notes)) + plan.warnings)


def wait_warnings(dead: Collection[str], seconds: float) -> tuple[str, ...]:
    """Say how long it was waited for runs that turned out to be dead, if that took its time. dead: containers."""
    if not dead or seconds < _WORTH_TELLING:
        return ()
    text = f"waited {seconds:.0f} seconds for another run that may have been changing {', '.join(sorted(dead))}"
    return (f"{text}; it gave no sign of life, so it counts as interrupted",)
