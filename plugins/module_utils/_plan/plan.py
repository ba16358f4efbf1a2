# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plans: ordered actions, each with its reason and its disruption. No I/O of any kind."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field, replace

from .._errors import Refusal

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._compose.network import NetworkSpec
    from .._model.endpoint import EndpointSettings
    from .._model.state import ContainerState, Endpoint


class Disruption(enum.IntEnum):
    """What a change does to that which the task keeps, from least to most."""

    NONE = 0
    RECONNECT = 1
    RECREATE = 2

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Disruption:
        return cls[text.upper()]


@dataclass(frozen=True)
class Action:
    """One change.

    Attributes:
        reason: why it is needed, as a clause.
        disruption: what it does to that which the task keeps.
        instead: the less disruptive way, if there is one, as a sentence.
    """

    name: t.ClassVar[str] = ""
    sign: t.ClassVar[str] = "~"
    instead: t.ClassVar[str] = ""

    reason: str
    disruption: Disruption

    @property
    def subject(self) -> str:
        raise NotImplementedError

    @property
    def parts(self) -> tuple[Action, ...]:
        """What is carried out as a part of it, and is shown on its own."""
        return ()

    def describe(self) -> str:
        return f"{self.name.replace('_', ' ')} {self.subject}"

    def by_id(self, made: Mapping[str, str]) -> Action:  # noqa: ARG002 - for those that are about networks
        """Return the action with those networks called by their IDs whose names are in I(made)."""
        return self

    def as_dict(self) -> dict[str, str]:
        """Return the action as the modules return it."""
        return {
            "action": self.name,
            "subject": self.subject,
            "reason": self.reason,
            "disruption": str(self.disruption),
        }

    def text(self) -> str:
        """Return the action as one line of a diff."""
        return f"{self.sign} {self.describe()}: {self.reason} [{self.disruption}]"


@dataclass(frozen=True)
class CreateNetwork(Action):
    name = "create_network"
    sign = "+"

    network: NetworkSpec

    @property
    def subject(self) -> str:
        return self.network.name


@dataclass(frozen=True)
class EndpointAction(Action):
    """A change of one endpoint.

    Attributes:
        network: the network's name.
        network_ref: the network's ID, or its name while it does not exist yet.
    """

    container: ContainerState
    network: str
    network_ref: str

    @property
    def subject(self) -> str:
        return f"{self.container.name} on {self.network}"

    def by_id(self, made: Mapping[str, str]) -> Action:
        return replace(self, network_ref=made.get(self.network_ref, self.network_ref))


@dataclass(frozen=True)
class Attach(EndpointAction):
    """Make an endpoint where there is none, or only a phantom."""

    name = "attach"
    sign = "+"

    settings: EndpointSettings


@dataclass(frozen=True)
class Reattach(EndpointAction):
    """Replace an endpoint by one with other settings: an endpoint's settings cannot be changed in place.

    Attributes:
        old: the endpoint that is there, which is put back if the new one fails.
    """

    name = "reattach"

    settings: EndpointSettings
    old: Endpoint


@dataclass(frozen=True)
class Detach(EndpointAction):
    """Remove an endpoint.

    Attributes:
        phantom: the container lists the endpoint, but the engine has none.
    """

    name = "detach"
    sign = "-"

    phantom: bool = False


@dataclass(frozen=True)
class NewEndpoint:
    """An endpoint that a container gets before its first start. network_ref: a name or an ID."""

    network: str
    network_ref: str
    settings: EndpointSettings

    def by_id(self, made: Mapping[str, str]) -> NewEndpoint:
        return replace(self, network_ref=made.get(self.network_ref, self.network_ref))


@dataclass(frozen=True)
class Stage:
    """Units that do not depend on each other. A unit's actions belong together: all of them happen, or none.

    Attributes:
        workers: how many units the engine gains from having at once.
    """

    units: tuple[tuple[Action, ...], ...]
    workers: int = 1


@dataclass(frozen=True)
class Plan:
    """What is to be done, in order.

    Attributes:
        warnings: what the user should know about the plan, carried out or not.
    """

    stages: tuple[Stage, ...] = ()
    warnings: tuple[str, ...] = ()
    actions: tuple[Action, ...] = field(init=False)

    def __post_init__(self) -> None:
        actions = tuple(action for stage in self.stages for unit in stage.units for action in with_parts(unit))
        object.__setattr__(self, "actions", actions)

    def allow(self, cap: Disruption) -> None:
        """Raise Refusal if an action disrupts more than I(cap)."""
        over = [action for action in self.actions if action.disruption > cap]
        if not over:
            return
        needed = max(action.disruption for action in over)
        steps = "; ".join(f"{action.describe()} ({action.disruption}): {action.reason}" for action in over)
        instead = " ".join(dict.fromkeys(action.instead for action in over if action.instead))
        raise Refusal(
            f"nothing was changed, because this needs more than disruption={cap} allows: {steps}."
            f"{f' {instead}' if instead else ''} To let it happen, set disruption: {needed}."
        )

    def text(self) -> str:
        """Return the plan as the text of a diff, one line an action."""
        return "".join(f"{action.text()}\n" for action in self.actions)


def with_parts(unit: Iterable[Action]) -> Iterator[Action]:
    """Yield the actions of a unit, each with those that are a part of it."""
    for action in unit:
        yield action
        yield from action.parts


def singly(actions: Iterable[Action]) -> Iterator[tuple[Action, ...]]:
    """Yield each action as a unit of its own."""
    for action in actions:
        yield (action,)


def stages(*candidates: tuple[Iterable[tuple[Action, ...]], int]) -> tuple[Stage, ...]:
    """Return a stage for each pair of units and workers that has any units."""
    return tuple(Stage(units, workers) for given, workers in candidates if (units := tuple(given)))
