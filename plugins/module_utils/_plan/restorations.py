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
    from collections.abc import Iterable, Iterator, Sequence

    from .._engine.marks import NotedEndpoint
    from .plan import Stage


@dataclass(frozen=True)
class Note:
    """What a run noted before it took endpoints away. id, name: of the container that is the note."""

    id: str
    name: str
    endpoints: tuple[NotedEndpoint, ...]


@dataclass(frozen=True)
class RestoreEndpoints(Action):
    """Put back the endpoints that an interrupted run took away, and that are still away; then the note goes.

    Attributes:
        unwanted: containers and networks of endpoints that shall stay away.
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
    return Plan(plan.stages + last, plan.warnings)
