# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan the way off legacy links: pure, (what is wanted, what is there) to ordered actions.

Without a gap: everybody is attached to the network; the hosts file of each running source is redirected to it; only
then do its links go, while it is off the bridge. With a gap: the links of a source go while it is on the bridge alone,
and it is attached right after, which needs nothing inside it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._apply.replacement_checks import state_clause
from .._compose.attachment import AttachSpec, DesiredEndpoint
from .._errors import refuse
from .._model.bridge import DEFAULT_BRIDGE, on_default_bridge
from .._model.endpoint import EndpointSettings
from .._model.hosts_lines import is_tidy, link_lines
from .._plan.attach import AttachState, plan_endpoints
from .._plan.migrate_actions import (
    BakeEnvironment,
    Exchanged,
    ExchangeLinks,
    LeaveBridge,
    RedirectNames,
    RemoveLinks,
    TidyNames,
)
from .._plan.plan import Action, Attach, Disruption, Plan, Reattach, Stage, singly, stages
from .._plan.restorations import restorations
from .._recovery.journal import recoveries
from .checks import group_problems, problems, warnings
from .environment import vanishing
from .groups import find_groups
from .observe import is_marked

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._model.state import ContainerState
    from .._plan.attach import AttachPlan
    from .groups import Group
    from .observe import MigrateState, Source
    from .spec import MigrateSpec

_LEFT_BEHIND = "its names lead to the network, so that nothing holds it there"


def plan_migrate(spec: MigrateSpec, state: MigrateState) -> Plan:
    """Return the changes that make I(state) what I(spec) asks for; raise Refusal."""
    refuse(problems(spec, state))
    groups = find_groups(spec, state)
    refuse(problem for group in groups for problem in group_problems(spec, state, group, groups))
    parts = [_Part(spec, state, group, _plan_attach(spec, state, group)) for group in groups]
    sources = {source.container.name: source.container for source in state.sources}
    first = (*restorations(state.journal.notes), *recoveries(state.journal, sources))
    return Plan(
        stages=(
            *stages((singly(first), 1)),
            *stages((singly(action for part in parts for action in part.attach.creation), 1)),
            *(stage for part in parts for stage in part.stages()),
            *stages((_unfinished(spec, state, groups), 1)),
        ),
        warnings=(
            *state.journal.warnings,
            *(text for part in parts for text in part.attach.warnings),
            *warnings(spec, state, groups),
        ),
    )


def _unfinished(spec: MigrateSpec, state: MigrateState, groups: Sequence[Group]) -> Iterator[tuple[Action, ...]]:
    """Yield what an earlier run left to be done for containers that have no links any more."""
    members = {ident for group in groups for ident in group.members}
    for source in state.sources:
        one = source.container
        if source.links or one.id in members:
            continue
        if source.hosts and not is_tidy(source.hosts):
            yield (TidyNames("an earlier run left lines in its hosts file", Disruption.NONE, one),)
        moved = any(is_marked(one, name) for name in one.endpoints) or (source.named and spec.network in one.endpoints)
        if spec.leave_bridge and moved and on_default_bridge(one) and one.id not in state.linked_elsewhere:
            yield (LeaveBridge(_LEFT_BEHIND, _when_live(one), one),)


def _when_live(container: ContainerState) -> Disruption:
    return Disruption.RECONNECT if container.live else Disruption.NONE


def is_exchanged(spec: MigrateSpec, source: Source) -> bool:
    """Whether a source takes the way with a gap: only one that runs on the bridge, and never was anywhere else."""
    one = source.container
    return spec.gap_allowed and one.live and not source.own_resolver and set(one.endpoints) == {DEFAULT_BRIDGE}


@dataclass(frozen=True)
class _Part:
    """The plan for one group.

    Attributes:
        attach: what attaches all of its members to the network.
    """

    spec: MigrateSpec
    state: MigrateState
    group: Group
    attach: AttachPlan

    def stages(self) -> Iterator[Stage]:
        changes = Plan(self.attach.changes).actions
        endpoints = {one.container.id: one for one in changes if isinstance(one, (Attach, Reattach))}
        order = _upstream_first(self.group)
        baked = order if self.spec.bake else []
        exchanged = [] if baked else [source for source in order if is_exchanged(self.spec, source)]
        later = {source.container.id for source in (*baked, *exchanged)}
        moved = [source for source in order if source.container.id not in later]
        attached = tuple(action for ident, action in endpoints.items() if ident not in later)
        redirects = [self._redirect(source, attached) for source in moved if has_lines(source)]
        removals = tuple(self._removals(moved, attached))
        gone = {one.container.id for unit in removals for one in unit if isinstance(one, LeaveBridge)}
        gone |= {source.container.id for source in baked}
        yield from stages(
            ([(*attached, *redirects)] if attached or redirects else [], 1),
            (self._exchanges(exchanged, endpoints, attached), 1),
            (removals, 1),
            (self._bakes(baked, endpoints), 1),
            (self._leaves(gone), 1),
        )

    def _targets(self, source: Source) -> dict[str, str]:
        """Return alias to ID of the target; without one for a link that leads nowhere."""
        return {link.alias: link.target.id if link.target is not None else "" for link in source.links}

    def _images(self, source: Source) -> tuple[str, ...]:
        return self.group.images(source.container.id, self.state.shells)

    def _redirect(self, source: Source, attached: tuple[Attach | Reattach, ...]) -> RedirectNames:
        why = f"the lines of its links would win over the names on {self.group.network}"
        where = (self._targets(source), self.group.network, self._images(source), attached)
        return RedirectNames(why, Disruption.NONE, source.container, *where)

    def _removals(
        self, sources: Sequence[Source], attached: tuple[Attach | Reattach, ...]
    ) -> Iterator[tuple[Action, ...]]:
        """Yield what takes the links away, and the bridge before if that is to go, too."""
        pending = {source.container.id for source in sources}
        for source in sources:
            one, images = source.container, self._images(source)
            pending.discard(one.id)
            on_bridge = on_default_bridge(one)
            unit: list[Action] = []
            # Where the link of another source still leads to it, that one could not start again meanwhile.
            targeted = self._is_linked(one.id, pending)
            if self.spec.leave_bridge and on_bridge and not targeted:
                unit.append(LeaveBridge(_LEFT_BEHIND, _when_live(one), one, images, attached))
                on_bridge = False
            why = f"its names lead to {self.group.network}"
            disruption = _when_live(one) if on_bridge else Disruption.NONE
            where = (self._targets(source), self.group.network, images, attached)
            unit.append(RemoveLinks(why, disruption, one, *where))
            yield tuple(unit)

    def _is_linked(self, ident: str, pending: set[str]) -> bool:
        if ident in self.state.linked_elsewhere:
            return True
        others = [source for source in self.group.sources if source.container.id in pending]
        return any(target.id == ident for source in others for target in source.targets)

    def _exchanges(
        self,
        sources: Sequence[Source],
        endpoints: Mapping[str, Attach | Reattach],
        attached: tuple[Attach | Reattach, ...],
    ) -> Iterator[tuple[Action, ...]]:
        """Yield exchanges, of targets before sources: on the network, links are not removed as easily."""
        left = {source.container.id: source for source in reversed(sources)}
        while left:
            free = [key for key, one in left.items() if not set(self._targets(one).values()) & (set(left) - {key})]
            batch = free[:1] or list(left)
            exchanged = tuple(Exchanged(endpoints[key], self._targets(left[key])) for key in batch)
            images = self._images(left[batch[0]])
            why = f"legacy links become names on {self.group.network}"
            yield (ExchangeLinks(why, Disruption.RECONNECT, exchanged, images, attached),)
            left = {key: one for key, one in left.items() if key not in batch}

    def _bakes(
        self, sources: Sequence[Source], endpoints: Mapping[str, Attach | Reattach]
    ) -> Iterator[tuple[Action, ...]]:
        handled = frozenset(source.container.id for source in sources)
        for source in sources:
            one = source.container
            variables = vanishing(one, source.links, source.variables, self.state.info)
            texts = tuple(f"{variable.name}={variable.value}" for variable in variables)
            what = f"{len(texts)} variables of its links" if texts else "no variables, as its links give none"
            why = f"its configuration gets {what}; it moves to {self.group.network} without links{state_clause(one)}"
            settings = endpoints[one.id].settings if one.id in endpoints else EndpointSettings()
            place = (self.group.network, settings, texts, self.spec.leave_bridge, handled)
            yield (BakeEnvironment(why, Disruption.RECREATE, one, *place),)

    def _leaves(self, gone: set[str]) -> Iterator[tuple[Action, ...]]:
        """Yield the containers that still have to leave the bridge once all links of the group are gone."""
        for ident, one in self.group.members.items() if self.spec.leave_bridge else ():
            if on_default_bridge(one) and ident not in gone | self.state.linked_elsewhere:
                images = self.group.images(ident, self.state.shells)
                yield (LeaveBridge("no link leads to it or from it any more", _when_live(one), one, images),)


def has_lines(source: Source) -> bool:
    """Whether a link's line in the hosts file of a running source has to be redirected."""
    return any(not line.tagged for link in source.links for line in link_lines(source.hosts, link.alias))


def _upstream_first(group: Group) -> list[Source]:
    """Return the sources in an order in which nobody's link leads to one whose turn it is; circles are cut anywhere."""
    left = {source.container.id: source for source in group.sources}
    order = []
    while left:
        targets = {target.id for one in left.values() for target in one.targets}
        turn = next((ident for ident in left if ident not in targets), next(iter(left)))
        order.append(left.pop(turn))
    return order


def _plan_attach(spec: MigrateSpec, state: MigrateState, group: Group) -> AttachPlan:
    create = None if spec.create is None else replace(spec.create, name=group.network)
    besides = frozenset({"aliases", "links"})
    desired_endpoints = tuple(DesiredEndpoint(ident, group.settings[ident], besides) for ident in group.members)
    there = AttachState(
        info=state.info,
        network=group.there,
        containers={**state.containers, **{one.name: one for one in state.containers.values()}},
        neighbours=state.summaries,
        internal=frozenset(net.name for net in state.networks.values() if net.internal),
        known_networks=tuple(state.networks.values()),
        network_support=state.network_support,
    )
    return plan_endpoints(AttachSpec(group.network, create, desired_endpoints), there)
