# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read what link_migrate needs to know. Nothing is sent that changes anything, and no process is started."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._apply.hosts import has_own_resolver, read_hosts
from .._apply.replacement_checks import Inspected, observe_dependencies
from .._errors import EngineError, NotFound
from .._model.bridge import on_default_bridge
from .._model.find import all_summaries, find_containers, find_network_support
from .._model.hosts_lines import is_tidy
from .._model.leftover_names import is_leftover, lasting_name
from .._model.legacy_links import read_legacy_links
from .._model.state import NetworkSupport, read_network
from .._plan.new_networks import needs_support
from .._recovery.endpoint_notes import with_away
from .._recovery.journal import Journal, read_journal, recovered
from .environment import read_process_1

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .._apply.replacement_checks import Dependencies
    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState, Network, Summary
    from .spec import MigrateSpec

# A driver option of the endpoints that a migration made. Drivers ignore what they do not know, and the engine keeps it
# with the container: by it a later run knows what an earlier one began.
MARK = "linklab.docker.link_migrate"
_SHELL = "/bin/sh"
# Endpoints of a running container that cannot be joined to, or has no processes at the moment, cannot be judged.
_UP = ("running", "paused")


@dataclass(frozen=True)
class Source:
    """A container that the task is about.

    Attributes:
        container: as it will be once what an interrupted run left is put right.
        links: its legacy links.
        named: whether the task names it.
        own_resolver: whether it asks the engine for names already; only read where it has links and runs.
        hosts: its hosts file; only read where it runs.
        variables: the names of the variables of its process 1; None if they are not to be seen.
        dependencies: only read where it may have to be recreated.
    """

    container: ContainerState
    links: tuple[LegacyLink, ...] = ()
    named: bool = False
    own_resolver: bool = False
    hosts: str = ""
    variables: frozenset[str] | None = None
    dependencies: Dependencies | None = None

    @property
    def targets(self) -> list[ContainerState]:
        """The containers that its links lead to."""
        return [link.target for link in self.links if link.target is not None]


@dataclass(frozen=True)
class MigrateState:
    """What is there, as far as a MigrateSpec needs it.

    Attributes:
        sources: those that have links, or that an earlier run did not finish.
        containers: every container that can have to do with it, by ID.
        linked_elsewhere: IDs of containers that a legacy link leads to which the task is not about.
        networks: all of them, by name.
        members: names of the networks to the IDs of the containers on them, those that do not run too.
        shells: IDs of containers that have a shell, among the sources and their targets.
        journal: what interrupted runs left; the containers are as they will be once that is put right.
        summaries: every container that is not what a killed run left.
        network_support: only read if a network may have to be created that needs it.
        missing: what the task names and is not there.
        known: names of all containers; only read to suggest some.
    """

    info: EngineInfo
    sources: tuple[Source, ...] = ()
    containers: Mapping[str, ContainerState] = field(default_factory=dict)
    linked_elsewhere: frozenset[str] = frozenset()
    networks: Mapping[str, Network] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    shells: frozenset[str] = frozenset()
    journal: Journal = field(default_factory=Journal)
    summaries: tuple[Summary, ...] = ()
    network_support: NetworkSupport = field(default_factory=NetworkSupport)
    missing: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def observe_migrate(engine: Engine, spec: MigrateSpec, patience: float | None = None) -> MigrateState:
    """Read all containers, since links and what is left of earlier runs can be anywhere; more of those that matter."""
    summaries, real, journal = _recovered(engine, spec, patience)
    sources = tuple(_sources(engine, spec, real, journal))
    targets = [target for source in sources for target in source.targets]
    involved = {one.id: one for one in (*(source.container for source in sources if source.links), *targets)}
    networks = {raw["Name"]: read_network(raw) for raw in engine.networks()}
    new = [spec.create] if spec.create is not None and involved and spec.network not in networks else []
    return MigrateState(
        info=engine.info,
        sources=sources,
        containers={**real, **{one.id: one for one in (*targets, *(source.container for source in sources))}},
        linked_elsewhere=frozenset(_linked_elsewhere(engine, real, sources)),
        networks=networks,
        members=_members(summaries, real),
        shells=frozenset(ident for ident, one in involved.items() if _has_shell(engine, one)),
        journal=journal,
        summaries=tuple(summary for summary in summaries if summary.id in real),
        network_support=find_network_support(engine) if needs_support(new) else NetworkSupport(),
        missing=tuple(_missing(spec, real, journal.changes)),
        known=tuple(one.name for one in real.values()),
    )


def _recovered(
    engine: Engine, spec: MigrateSpec, patience: float | None
) -> tuple[tuple[Summary, ...], dict[str, ContainerState], Journal]:
    """Return all containers; those that are not what a killed run left, with all their endpoints; and the journal."""
    summaries, found = _everybody(engine)
    journal = read_journal(engine, _to_recover(spec, found), _ends_of_links(found), patience)
    if journal.waited:
        summaries, found = _everybody(engine)
    real = {
        ident: _restored(with_away(one, journal.notes)) for ident, one in found.items() if not is_leftover(one.name)
    }
    return summaries, real, journal


def _everybody(engine: Engine) -> tuple[tuple[Summary, ...], dict[str, ContainerState]]:
    summaries = all_summaries(engine)
    return summaries, find_containers(engine, (summary.id for summary in summaries))


def _restored(container: ContainerState) -> ContainerState:
    """Return a container whose endpoints are back that were away: they come first here."""
    # An endpoint of a running container has an ID; which it will be, nobody knows.
    come = {
        name: replace(end, away=False, endpoint_id="to come" if container.live else "")
        for name, end in container.endpoints.items()
        if end.away
    }
    return replace(container, endpoints={**container.endpoints, **come}) if come else container


def _ends_of_links(containers: Mapping[str, ContainerState]) -> Iterator[str]:
    """Yield the IDs of the containers that a legacy link leads from or to."""
    targets = {link.target for one in containers.values() for link in one.legacy_links}
    for ident, one in containers.items():
        if one.legacy_links or one.name in targets:
            yield ident


def _to_recover(spec: MigrateSpec, found: Mapping[str, ContainerState]) -> set[str]:
    """Return which of the containers that interrupted runs left something of the task is about, by name."""
    left = {lasting_name(one.name) for one in found.values() if is_leftover(one.name)}
    if spec.containers is None:
        return left
    return left & {*spec.containers, *(one.name for one in found.values() if _is_named(one, spec))}


def _missing(spec: MigrateSpec, real: Mapping[str, ContainerState], left: Collection[str]) -> Iterator[str]:
    for ref in spec.containers or ():
        if ref not in left and not any(one.is_called(ref) for one in real.values()):
            yield ref


def _is_named(container: ContainerState, spec: MigrateSpec) -> bool:
    return any(container.is_called(ref) for ref in spec.containers or ())


def _sources(
    engine: Engine, spec: MigrateSpec, real: Mapping[str, ContainerState], journal: Journal
) -> Iterator[Source]:
    by_name, inspected = {one.name: one for one in real.values()}, Inspected()
    # An interrupted replacement can have taken the name away.
    for name in (*by_name, *sorted(set(journal.changes) - set(by_name))):
        there = by_name.get(name)
        named = there is None or _is_named(there, spec)
        if not (spec.containers is None or named):
            continue
        seen = recovered(engine, journal, name, there)
        if seen is not None:
            up = seen.container.status in _UP and journal.of(name).exchange is None
            source = _read(engine, spec, Source(_restored(seen.container), seen.links, named), inspected, up=up)
            if named or source.links or name in journal.changes or is_unfinished(source, spec):
                yield source


def is_unfinished(source: Source, spec: MigrateSpec) -> bool:
    """Whether an earlier run began what this one is to end."""
    marked = any(is_marked(source.container, network) for network in source.container.endpoints)
    return marked and (not is_tidy(source.hosts) or (spec.leave_bridge and on_default_bridge(source.container)))


def is_marked(container: ContainerState, network: str) -> bool:
    """Whether a migration made the endpoint of a container on a network."""
    endpoint = container.endpoints.get(network)
    return endpoint is not None and MARK in (endpoint.settings.driver_opts or {})


def _read(engine: Engine, spec: MigrateSpec, source: Source, inspected: Inspected, *, up: bool) -> Source:
    """Return a source with what is to be seen of it. up: whether it can be looked into."""
    container, links = source.container, source.links
    if not (links or any(is_marked(container, network) for network in container.endpoints)):
        return source
    return replace(
        source,
        own_resolver=bool(links) and up and has_own_resolver(engine, container.id),
        hosts=read_hosts(engine, container) if up else "",
        variables=read_process_1(engine, container) if links and up else None,
        dependencies=observe_dependencies(engine, container, inspected) if spec.bake and links else None,
    )


def _linked_elsewhere(engine: Engine, real: Mapping[str, ContainerState], sources: Iterable[Source]) -> Iterator[str]:
    mine = {source.container.id for source in sources}
    for one in real.values():
        if one.id not in mine and one.legacy_links:
            yield from (link.target.id for link in read_legacy_links(engine, one) if link.target is not None)


def _members(summaries: Iterable[Summary], real: Mapping[str, ContainerState]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for summary in summaries:
        for network in summary.networks if summary.id in real else ():
            members.setdefault(network, set()).add(summary.id)
    return {name: frozenset(idents) for name, idents in members.items()}


def _has_shell(engine: Engine, container: ContainerState) -> bool:
    try:
        engine.request("HEAD", f"/containers/{container.id}/archive", params={"path": _SHELL})
    except NotFound:
        return False
    except EngineError:
        # The engine cannot look into it, as where its storage is elsewhere.
        return False
    return True
