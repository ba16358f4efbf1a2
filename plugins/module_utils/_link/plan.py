# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan links: pure, (what is wanted, what is there) to ordered actions."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._apply.replacement_checks import replace_problems, replace_warnings, state_clause
from .._compose.attachment import AttachSpec, DesiredEndpoint
from .._compose.container import check_name
from .._errors import Refusal, did_you_mean, refuse
from .._model.bridge import network_meant, on_default_bridge
from .._model.endpoint import EndpointSettings, Link
from .._model.state import ContainerState, Endpoint
from .._plan.attach import AttachState, plan_attach, plan_endpoints
from .._plan.attach_checks import is_default_bridge
from .._plan.container_actions import (
    CreateContainer,
    PullImage,
    RecreateContainer,
    RemoveLink,
    StartContainer,
)
from .._plan.link_hosts import plan_hosts
from .._plan.plan import Disruption, Plan, Stage, stages
from .._recovery.journal import with_recovery
from .checks import legacy_problems, link_warnings, lost_link_warnings, new_link_warnings, removal_warnings, repairable

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._model.legacy_links import LegacyLink
    from .._model.state import Network
    from .observe import LinkState
    from .spec import LinkSpec


def plan_link(spec: LinkSpec, state: LinkState) -> Plan:
    """Return the changes that make I(state) what I(spec) asks for; raise Refusal."""
    refuse(state.journal.problems)
    sources = {} if state.source is None else {state.source.name: state.source}
    if state.network is None:
        if not spec.present:
            return with_recovery(Plan(), state.journal, sources)
        raise Refusal(_no_network(spec, state))
    if spec.present:
        refuse(_problems(spec, state))
    legacy = is_default_bridge(state.network)
    if state.source is None:
        return _plan_source(spec, state, state.network, legacy=legacy) if spec.present else Plan()
    plan = _plan_legacy if legacy else _plan_network
    return with_recovery(plan(spec, state, state.source, state.network), state.journal, sources)


def _no_network(spec: LinkSpec, state: LinkState) -> str:
    return (
        f"network {spec.network} does not exist{network_meant(spec.network, state.known_networks)}. To have it made,"
        f" run linklab.docker.network_attach with network: {spec.network} and create: {{}} before. Nothing was changed."
    )


def _problems(spec: LinkSpec, state: LinkState) -> Iterator[str]:
    missing = [ref for ref in spec.targets if ref not in state.containers]
    if state.source is None and spec.create is None:
        yield (
            f"container {spec.container} does not exist{did_you_mean(spec.container, state.known_containers)}; to have"
            " it made, say how with the option create"
        )
    elif state.source is None:
        check_name(spec.container, ("container",))
        if spec.create is not None and spec.create.pull == "never" and not state.image_is_there:
            yield f"the engine does not have the image {spec.create.image}, and create: pull is never"
    for ref in missing:
        yield f"container {ref} does not exist{did_you_mean(ref, state.known_containers)}"
    for link in spec.links:
        target = state.containers.get(link.target)
        if target is not None and state.source is not None and target.id == state.source.id:
            yield f"link {link} of {state.source.name} leads to the container itself"


# -- a source that is to be created -----------------------------------------------------------------------------------


def _plan_source(spec: LinkSpec, state: LinkState, network: Network, *, legacy: bool) -> Plan:
    if spec.create is None:
        return Plan()
    config = spec.create.to_api()
    image = [(PullImage("the engine does not have it", Disruption.NONE, spec.create.image or ""),)]
    pull = stages(([] if state.image_is_there else image, 1))
    if legacy:
        refuse(legacy_problems(spec, state, starts=True))
        links = [f"{state.containers[link.target].id}:{link.alias}" for link in spec.links]
        config["HostConfig"] = {**config["HostConfig"], "Links": links}
        create = CreateContainer("it does not exist", Disruption.NONE, spec.container, config)
        warnings = new_link_warnings(spec.container, spec.links, state)
        return Plan(pull + stages(([(create,)], 1)), tuple(warnings))
    desired_endpoints = (
        DesiredEndpoint(spec.container, EndpointSettings(links=spec.links)),
        *_target_endpoints(spec, state),
    )
    new = frozenset({spec.container})
    there = replace(_attach_state(state, network), created=new, starts=new)
    plan = plan_endpoints(_attach_spec(network, desired_endpoints), there)
    endpoints = tuple(plan.new.values())
    create = CreateContainer("it does not exist", Disruption.NONE, spec.container, config, endpoints)
    return Plan(pull + plan.stages + stages(([(create,)], 1)), plan.warnings)


# -- legacy links -----------------------------------------------------------------------------------------------------


def _plan_legacy(spec: LinkSpec, state: LinkState, source: ContainerState, _network: Network) -> Plan:
    if not spec.present:
        gone = [link for link in state.legacy if spec.purge or _is_named(link, spec, state)]
        return Plan(_removals(source, gone, "it should not exist"), tuple(removal_warnings(source, gone)))
    sorted_ = _sort(spec, state)
    if sorted_.lacking:
        return _plan_recreate(spec, state, source, sorted_)
    wanted = {link.alias: state.containers[link.target] for link in spec.links}
    steps = _removals(source, sorted_.purged, "purge: the task does not name it")
    return Plan(
        steps + _first_start(spec, source) + _hosts(state, source, sorted_),
        (*removal_warnings(source, sorted_.purged), *link_warnings(source, sorted_.kept, wanted)),
    )


def _hosts(state: LinkState, source: ContainerState, links: _Sorted) -> tuple[Stage, ...]:
    if state.hosts is None:
        return ()
    stay = [link for link in state.legacy if link not in links.purged]
    action = plan_hosts(source, stay, state.hosts, images=(str(source.raw.get("Image") or ""),))
    return stages(([(action,)] if action is not None else [], 1))


@dataclass(frozen=True)
class _Sorted:
    """The links that are wanted and not there, and those that are there and not named: to be kept, or to be purged."""

    lacking: tuple[Link, ...]
    kept: tuple[LegacyLink, ...]
    purged: tuple[LegacyLink, ...]


def _sort(spec: LinkSpec, state: LinkState) -> _Sorted:
    named = {link.alias for link in spec.links}
    further = tuple(link for link in state.legacy if link.alias not in named)
    return _Sorted(
        lacking=tuple(link for link in spec.links if not _is_there(link, state)),
        kept=() if spec.purge else further,
        purged=further if spec.purge else (),
    )


def _plan_recreate(spec: LinkSpec, state: LinkState, source: ContainerState, links: _Sorted) -> Plan:
    # What it says beforehand: the next run would take a successor that is only created for one that is to be started.
    start = spec.create is not None and not source.live
    stale = [link for link in state.legacy if link.stale]
    problems = list(legacy_problems(spec, state, starts=source.live or start))
    if state.dependencies is not None:
        dropped = frozenset(link.alias for link in stale)
        problems += replace_problems(source, state.dependencies, dropped=dropped)
    refuse(problems)
    repaired, lost = repairable([link for link in links.kept if link.stale], state, starts=source.live or start)
    wanted = {**repaired, **{link.alias: state.containers[link.target] for link in spec.links}}
    recreate = RecreateContainer(
        _why(links, repaired, state) + state_clause(source, start=start),
        Disruption.RECREATE,
        source,
        tuple((target.id, alias) for alias, target in wanted.items()),
        spec.purge,
        start,
    )
    # With a stale link the old container could not be started again, should its successor fail.
    first = _removals(source, stale, "its target was removed, so that neither a start nor an exec works")
    return Plan(
        (*first, Stage(((recreate,),))),
        (
            *lost_link_warnings(source, lost),
            *new_link_warnings(source.name, links.lacking, state),
            *replace_warnings(source),
        ),
    )


def _is_there(link: Link, state: LinkState) -> bool:
    wanted = state.containers[link.target].id
    return any(one.alias == link.alias and one.target is not None and one.target.id == wanted for one in state.legacy)


def _is_named(there: LegacyLink, spec: LinkSpec, state: LinkState) -> bool:
    """Whether the task names this link; one whose target is gone is known by the name that the target had."""
    for link in spec.links:
        target = state.containers.get(link.target)
        name = target.name if target is not None else link.target
        same = there.name == name if there.target is None else there.target.is_called(link.target)
        if link.alias == there.alias and same:
            return True
    return False


def _removals(source: ContainerState, links: Sequence[LegacyLink], why: str) -> tuple[Stage, ...]:
    # The engine takes the endpoints of a running container away for a moment, but only if it is on the bridge.
    disruption = Disruption.RECONNECT if source.live and on_default_bridge(source) else Disruption.NONE
    return stages(([(RemoveLink(why, disruption, source, link.name, link.alias),) for link in links], 1))


def _why(links: _Sorted, repaired: Mapping[str, ContainerState], state: LinkState) -> str:
    stale = {link.alias for link in state.legacy if link.stale}
    there = {link.alias: link for link in state.legacy if not link.stale}
    parts = [f"+{link}" for link in links.lacking if link.alias not in stale]
    parts += [f"-{there[link.alias]}" for link in links.lacking if link.alias in there]
    parts += [f"-{link}" for link in links.purged]
    again = [str(link) for link in links.lacking if link.alias in stale]
    again += [f"{target.name}:{alias}" for alias, target in repaired.items()]
    texts = [f"links: {' '.join(parts)}"] if parts else []
    if again:
        texts.append(f"the target of {', '.join(again)} was replaced, so that the link leads nowhere")
    return "; ".join(texts) + "; the engine makes a legacy link only together with its source"


def _first_start(spec: LinkSpec, source: ContainerState) -> tuple[Stage, ...]:
    """A run that was killed between creating and starting leaves a container that never ran."""
    if spec.create is None or source.status != "created":
        return ()
    return stages(([(StartContainer("it was created but never started", Disruption.NONE, source),)], 1))


# -- network links ----------------------------------------------------------------------------------------------------


def _plan_network(spec: LinkSpec, state: LinkState, source: ContainerState, network: Network) -> Plan:
    there = state.network_links
    if not spec.present:
        left = () if spec.purge else tuple(link for link in there if not _names_network_link(spec, link, state))
        if left == there:
            return Plan()
        desired_endpoints: tuple[DesiredEndpoint, ...] = (DesiredEndpoint(source.id, EndpointSettings(links=left)),)
    else:
        aliases = {link.alias for link in spec.links}
        kept = () if spec.purge else tuple(link for link in there if link.alias not in aliases)
        desired_endpoints = (
            DesiredEndpoint(source.id, EndpointSettings(links=kept + spec.links)),
            *_target_endpoints(spec, state),
        )
    plan = plan_attach(_attach_spec(network, desired_endpoints), _attach_state(state, network))
    return replace(plan, stages=plan.stages + (_first_start(spec, source) if spec.present else ()))


def _names_network_link(spec: LinkSpec, there: Link, state: LinkState) -> bool:
    for link in spec.links:
        target = state.containers.get(link.target)
        names = (target.name, target.short_id) if target is not None else (link.target,)
        if link.alias == there.alias and there.target in names:
            return True
    return False


def _target_endpoints(spec: LinkSpec, state: LinkState) -> tuple[DesiredEndpoint, ...]:
    # A task may name one container in several ways.
    return tuple(
        DesiredEndpoint(ident, EndpointSettings()) for ident in {state.containers[ref].id: "" for ref in spec.targets}
    )


def _attach_spec(network: Network, desired_endpoints: tuple[DesiredEndpoint, ...]) -> AttachSpec:
    return AttachSpec(network=network.name, create=None, desired_endpoints=desired_endpoints)


def _attach_state(state: LinkState, network: Network) -> AttachState:
    """Return the same state as network_attach knows it."""
    containers = {**state.containers, **{one.id: one for one in state.containers.values()}}
    if state.source is not None:
        containers[state.source.id] = state.source
    for link in state.network_links:
        # The engine resolves a network link when it is used, so its target need not exist. It stays as it is.
        stand_in = ContainerState("", link.target, "missing", endpoints={network.name: Endpoint(network.name)})
        containers.setdefault(link.target, stand_in)
    return AttachState(info=state.info, network=network, containers=containers, neighbours=state.neighbours)
