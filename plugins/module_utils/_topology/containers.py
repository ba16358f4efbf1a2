# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is to be done about each container of a topology: pure, from what is wanted and what is there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._compose.container import is_live
from .._compose.container_compare import differences, why
from .._compose.container_successor import successor_config
from .._errors import Refusal, SpecError
from .._model.bridge import DEFAULT_BRIDGE
from .order import levels

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .._compose.container import ContainerSpec
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState
    from .spec import DesiredContainer, TopologySpec
    from .state import TopologyState

Json = t.Any
Pair = tuple[Json, Json]


@dataclass(frozen=True)
class ContainerChange:
    """What is to be done about one container.

    Attributes:
        container: None if it is to be created.
        live: option to (current, wanted) of what the engine changes while the container runs.
        reasons: why it must be replaced, as clauses; empty if it need not.
        unlink: legacy links to be removed first, each with the reason.
        links: target and alias of the legacy links that a successor has; None for those that the container has.
        mode: the network mode that a successor has; None for that of the container.
        shares: the container of the topology, or of others, whose network this one shares; empty if there is none.
        restart: why it must be restarted, as a clause; empty if it need not.
        keep_files: whether files changed outside volumes go on to a successor.
    """

    desired: DesiredContainer
    container: ContainerState | None = None
    live: Mapping[str, Pair] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    unlink: tuple[tuple[LegacyLink, str], ...] = ()
    links: tuple[tuple[str, str], ...] | None = None
    mode: str | None = None
    shares: str = ""
    restart: str = ""
    keep_files: bool = True

    @property
    def replaced(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True)
class Successor:
    """Makes a successor's configuration from its predecessor's.

    Attributes:
        base: C(Config) of the predecessor's image; None if it is not known.
    """

    spec: ContainerSpec
    base: Mapping[str, Json] | None
    links: tuple[tuple[str, str], ...] | None = None
    mode: str | None = None

    def __call__(self, body: Mapping[str, Json]) -> dict[str, Json]:
        found = successor_config(self.spec, body, self.base)
        if self.mode is not None:
            found["HostConfig"]["NetworkMode"] = self.mode
        if self.links is not None:
            found["HostConfig"]["Links"] = [f"{target}:{alias}" for target, alias in self.links]
        return found


def changes_of(spec: TopologySpec, state: TopologyState) -> dict[str, ContainerChange]:
    """Return what is to be done, by the container's name, in the order in which it can be done."""
    found: dict[str, ContainerChange] = {}
    # A container needs those of earlier levels alone: whether those get a new identity is known by then.
    renewed: set[str] = set()
    for level in levels_of(spec, state):
        for name in level:
            change = found[name] = _change(spec.containers[name], spec, state, renewed)
            if change.replaced or change.container is None:
                renewed.add(name)
    return found


def levels_of(spec: TopologySpec, state: TopologyState) -> tuple[tuple[str, ...], ...]:
    """Return the containers in levels, legacy links included that the task does not give and that are kept."""
    needs = {
        name: {
            *desired.needs,
            *_shared(desired, state),
            *(target for target, _alias in _kept_links(desired, spec, state)),
        }
        for name, desired in spec.containers.items()
    }
    try:
        return levels(needs)
    except SpecError as exc:
        raise Refusal(f"{exc}. A legacy link that the task does not name is among it; 'links: []' removes it") from exc


def _kept_links(desired: DesiredContainer, spec: TopologySpec, state: TopologyState) -> tuple[tuple[str, str], ...]:
    """Return target and alias of the legacy links that a task says nothing about, and that go on leading somewhere."""
    if desired.links is not None or not desired.on_bridge:
        return ()
    targets = [(link.target.name, link.alias) for link in state.legacy.get(desired.name, ()) if link.target is not None]
    return tuple(
        (target, alias)
        for target, alias in targets
        if target not in spec.containers or spec.containers[target].on_bridge
    )


def _shared(desired: DesiredContainer, state: TopologyState) -> tuple[str, ...]:
    """Return the name of the container whose network a container shares, whether the task says so or it is kept so."""
    container = state.containers.get(desired.name)
    if desired.shares_with is not None:
        return (desired.shares_with,)
    if container is None or desired.networks is not None or desired.network_mode is not None:
        return ()
    kind, _colon, ref = container.network_mode.partition(":")
    return tuple(one.name for one in state.containers.values() if kind == "container" and one.is_called(ref))


def _change(
    desired: DesiredContainer, spec: TopologySpec, state: TopologyState, renewed: Collection[str]
) -> ContainerChange:
    container = state.containers.get(desired.name)
    if container is None:
        return ContainerChange(desired)
    options = differences(desired.spec, container.raw, state.images_of(desired, container))
    live = {name: pair for name, pair in options.items() if is_live(name, getattr(desired.spec, name))}
    fixed = {name: pair for name, pair in options.items() if name not in live}
    links = _Links.of(desired, spec, state, renewed)
    mode = _new_mode(desired, container, state, bool(links.reasons))
    reasons = [why(fixed)] if fixed else []
    shares = "".join(_shared(desired, state))
    if shares in renewed and (mode or "container").startswith("container"):
        # Only another container can share the network of another one: the mode holds an ID.
        mode = f"container:{shares}"
        reasons.append(f"it shares the network of {shares}, which is replaced")
    elif mode is not None:
        reasons.append(_why_mode(container, mode))
    return ContainerChange(
        desired=desired,
        container=container,
        live=live,
        reasons=(*reasons, *links.reasons),
        unlink=links.unlink,
        links=links.wanted,
        mode=mode,
        shares=shares,
        restart=_why_restart(container, spec, state, shares) if mode is None else "",
        keep_files="image" not in fixed,
    )


def _why_mode(container: ContainerState, mode: str) -> str:
    kind, wanted = container.network_mode.partition(":")[0], mode.partition(":")
    if kind == wanted[0] == "container":
        return f"it shares the network of another container than {wanted[2]} of today"
    return f"network_mode is {kind}, wanted {mode}"


def _why_restart(container: ContainerState, spec: TopologySpec, state: TopologyState, shares: str) -> str:
    """Say why a container has lost the network that it shares, or is going to; empty if it has not.

    Each start makes a new network namespace. The engine tells nobody's but the owner's, so that the order of the
    starts is the one sign: whoever shares it was started later.
    """
    other = state.containers.get(shares) or state.outside.get(shares)
    if other is None or container.status not in ("running", "paused"):
        return ""
    if not other.live:
        return f"it shares the network of {shares}, which is started" if shares in spec.containers else ""
    if other.started_at > container.started_at:
        return f"{shares}, whose network it shares, was started again after it, which cut it off"
    return ""


def _new_mode(
    desired: DesiredContainer, container: ContainerState, state: TopologyState, new_links: bool
) -> str | None:
    """Return the network mode that only a successor can have; None if the container's will do.

    Args:
        new_links: whether the container gets legacy links, which the engine drops without the default bridge.
    """
    kind = container.network_mode.partition(":")[0]
    current = DEFAULT_BRIDGE if kind == "default" else kind
    if desired.networks is not None:
        return next(iter(desired.networks)) if kind in ("host", "none", "container") else None
    if desired.shares_with is not None:
        target = state.containers.get(desired.shares_with) or state.outside.get(desired.shares_with)
        same = target is not None and container.network_mode in (f"container:{target.id}", f"container:{target.name}")
        return None if same else desired.network_mode
    wanted = DEFAULT_BRIDGE if desired.network_mode is None and new_links else desired.network_mode
    return None if wanted in (None, current) else wanted


@dataclass(frozen=True)
class _Links:
    """What is to be done about the legacy links of a container."""

    reasons: tuple[str, ...] = ()
    unlink: tuple[tuple[LegacyLink, str], ...] = ()
    wanted: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def of(
        cls, desired: DesiredContainer, spec: TopologySpec, state: TopologyState, renewed: Collection[str]
    ) -> _Links:
        there = {link.alias: link for link in state.legacy.get(desired.name, ())}
        given = desired.links is not None
        # Links that the task does not give are kept, even where their target gets a new identity.
        wanted = (
            tuple((link.target, link.alias) for link in desired.legacy_links)
            if given
            else _kept_links(desired, spec, state)
        )
        reasons, unlink = [], []
        for target, alias in wanted:
            known = state.containers.get(target) or state.outside.get(target)
            link = there.get(alias)
            wanted_id = link.target.id if not given and link and link.target else known.id if known else ""
            problem = _link_problem(link, target, alias, wanted_id, target in renewed)
            if problem:
                reasons.append(problem)
                if alias in there:
                    unlink.append((there[alias], problem))
        aliases = {alias for _target, alias in wanted}
        for alias, link in there.items():
            reason = _why_gone(desired, spec, link)
            if alias not in aliases and reason:
                unlink.append((link, reason))
        return cls(tuple(reasons), tuple(unlink), wanted if given or reasons or unlink else None)


def _link_problem(link: LegacyLink | None, target: str, alias: str, wanted_id: str, renewed: bool) -> str:
    """Say why a legacy link that is wanted must be created again, as a clause; empty if it need not."""
    if link is None:
        return f"it has no link {target}:{alias}, and a legacy link can only be given to a new container"
    if link.target is None:
        return f"its link {target}:{alias} leads to a container that was removed"
    if renewed:
        return f"its link {target}:{alias} leads to a container that is replaced"
    if link.target.id != wanted_id:
        return f"its link {alias} leads to {link.target.name}, wanted {target}"
    return ""


def _why_gone(desired: DesiredContainer, spec: TopologySpec, link: LegacyLink) -> str:
    """Say why a legacy link that is not wanted is to go, as a clause; empty if it may stay."""
    target = spec.containers.get(link.target.name) if link.target is not None else None
    if not desired.on_bridge:
        # Without the default bridge it leads nowhere, and would keep the container from starting.
        return "the topology does not put the container on the default bridge, where legacy links lead"
    if desired.links is not None:
        return "the topology does not name it"
    if target is not None and not target.on_bridge:
        return f"{target.name} leaves the default bridge, where legacy links lead"
    return ""


def handled_by(changes: Mapping[str, ContainerChange], name: str) -> Iterator[str]:
    """Yield the IDs of containers that depend on the container I(name) and are put right if it is replaced.

    Links to it are taken away before, and those that share its network are replaced after it.
    """
    for change in changes.values():
        if change.container is not None and change.shares == name:
            yield change.container.id
        targets = [link.target for link, _reason in change.unlink if link.target is not None]
        if change.container is not None and any(target.name == name for target in targets):
            yield change.container.id
