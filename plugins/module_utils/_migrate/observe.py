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
from .._apply.replacement_checks import Inspected, observe_surroundings
from .._errors import EngineError, NotFound
from .._model.bridge import on_default_bridge
from .._model.hosts_lines import is_tidy
from .._model.leftover_names import is_leftover
from .._model.legacy_links import read_legacy_links
from .._model.state import Endpoint, all_summaries, find_container, find_containers, read_network
from .._recovery.endpoint_notes import as_restored, find_notes, of_containers
from .._recovery.find import Left, as_recovered, find_all_interrupted, waiting_notes
from .._recovery.names import Verdict
from .environment import read_process_1

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .._apply.replacement_checks import Surroundings
    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.legacy_links import LegacyLink
    from .._model.state import Container, Network, Summary
    from .._plan.restorations import Note
    from .._recovery.names import Interrupted
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
        around: only read where it may have to be recreated.
        interrupted, helper: what an interrupted run left.
    """

    container: Container
    links: tuple[LegacyLink, ...] = ()
    named: bool = False
    own_resolver: bool = False
    hosts: str = ""
    variables: frozenset[str] | None = None
    around: Surroundings | None = None
    interrupted: Interrupted | None = None
    helper: str = ""

    @property
    def targets(self) -> list[Container]:
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
        notes: what killed runs left; the containers are as they will be once that is put right.
        waits: what the user should know about the wait for another run.
        summaries: every container that is not what a killed run left.
        missing: what the task names and is not there.
        known: names of all containers; only read to suggest some.
    """

    info: EngineInfo
    sources: tuple[Source, ...] = ()
    containers: Mapping[str, Container] = field(default_factory=dict)
    linked_elsewhere: frozenset[str] = frozenset()
    networks: Mapping[str, Network] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    shells: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()
    waits: tuple[str, ...] = ()
    summaries: tuple[Summary, ...] = ()
    missing: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def observe_migrate(engine: Engine, spec: MigrateSpec, patience: float | None = None) -> MigrateState:
    """Read all containers, since links and what is left of earlier runs can be anywhere; more of those that matter."""
    summaries = all_summaries(engine)
    found = find_containers(engine, (summary.id for summary in summaries))
    notes = find_notes(engine, of_containers(_ends_of_links(found)))
    real = {ident: as_restored(one, notes) for ident, one in found.items() if not is_leftover(one.name)}
    left = {one.name.partition(".linklab-")[0] for one in found.values() if is_leftover(one.name)}
    lefts = find_all_interrupted(engine, _to_recover(spec, real, left), patience)
    sources = tuple(_sources(engine, spec, real, lefts))
    targets = [target for source in sources for target in source.targets]
    involved = {one.id: one for one in (*(source.container for source in sources if source.links), *targets)}
    return MigrateState(
        info=engine.info,
        sources=sources,
        containers={**real, **{one.id: one for one in (*targets, *(source.container for source in sources))}},
        linked_elsewhere=frozenset(_linked_elsewhere(engine, real, sources)),
        networks={raw["Name"]: read_network(raw) for raw in engine.networks()},
        members=_members(summaries, real),
        shells=frozenset(ident for ident, one in involved.items() if _has_shell(engine, one)),
        notes=notes,
        waits=waiting_notes(lefts),
        summaries=tuple(summary for summary in summaries if summary.id in real),
        missing=tuple(_missing(spec, real, left)),
        known=tuple(one.name for one in real.values()),
    )


def _ends_of_links(containers: Mapping[str, Container]) -> Iterator[str]:
    """Yield the IDs of the containers that a legacy link leads from or to."""
    targets = {link.target for one in containers.values() for link in one.legacy_links}
    for ident, one in containers.items():
        if one.legacy_links or one.name in targets:
            yield ident


def _to_recover(spec: MigrateSpec, real: Mapping[str, Container], left: set[str]) -> set[str]:
    """Return which of the containers that interrupted runs left something of the task is about, by name."""
    if spec.containers is None:
        return left
    return left & {*spec.containers, *(one.name for one in real.values() if _is_named(one, spec))}


def _missing(spec: MigrateSpec, real: Mapping[str, Container], left: Collection[str]) -> Iterator[str]:
    for ref in spec.containers or ():
        if ref not in left and not any(one.is_called(ref) for one in real.values()):
            yield ref


def _is_named(container: Container, spec: MigrateSpec) -> bool:
    return any(container.is_called(ref) for ref in spec.containers or ())


def _sources(
    engine: Engine, spec: MigrateSpec, real: Mapping[str, Container], lefts: Mapping[str, Left]
) -> Iterator[Source]:
    names, inspected = {one.name for one in real.values()}, Inspected()
    for container in real.values():
        named = _is_named(container, spec)
        if spec.containers is None or named:
            source = _source(engine, spec, container, lefts.get(container.name, Left()), inspected)
            if named or source.links or source.helper or source.interrupted or is_unfinished(source, spec):
                yield source
    for name in sorted(set(lefts) - names):
        # An interrupted replacement has taken the name away.
        interrupted = lefts[name].exchange
        recovered, links = (None, ()) if interrupted is None else as_recovered(engine, interrupted)
        if recovered is not None:
            yield Source(recovered, links, named=True, interrupted=interrupted)


def is_unfinished(source: Source, spec: MigrateSpec) -> bool:
    """Whether an earlier run began what this one is to end."""
    marked = any(is_marked(source.container, network) for network in source.container.endpoints)
    return marked and (not is_tidy(source.hosts) or (spec.leave_bridge and "bridge" in source.container.endpoints))


def is_marked(container: Container, network: str) -> bool:
    """Whether a migration made the endpoint of a container on a network."""
    endpoint = container.endpoints.get(network)
    return endpoint is not None and MARK in (endpoint.settings.driver_opts or {})


def _source(engine: Engine, spec: MigrateSpec, container: Container, left: Left, inspected: Inspected) -> Source:
    interrupted, helper = left.exchange, left.helper
    named = _is_named(container, spec)
    if left.waited:
        container = find_container(engine, container.id) or container
    if helper and not on_default_bridge(container):
        # It comes back to the bridge first, where it was when the removal began.
        container = replace(container, endpoints={**container.endpoints, "bridge": Endpoint("bridge")})
    links = read_legacy_links(engine, container)
    if interrupted is not None and interrupted.verdict is not Verdict.LEAVE:
        recovered, links = as_recovered(engine, interrupted)
        container = recovered or container
    marked = any(is_marked(container, network) for network in container.endpoints)
    if not (links or marked):
        return Source(container, named=named, interrupted=interrupted, helper=helper)
    up = container.status in _UP and interrupted is None
    return Source(
        container,
        links,
        named=named,
        own_resolver=bool(links) and up and has_own_resolver(engine, container.id),
        hosts=read_hosts(engine, container.id) if up else "",
        variables=read_process_1(engine, container) if links and up else None,
        around=observe_surroundings(engine, container, inspected) if spec.bake and links else None,
        interrupted=interrupted,
        helper=helper,
    )


def _linked_elsewhere(engine: Engine, real: Mapping[str, Container], sources: Iterable[Source]) -> Iterator[str]:
    mine = {source.container.id for source in sources}
    for one in real.values():
        if one.id not in mine and one.legacy_links:
            yield from (link.target.id for link in read_legacy_links(engine, one) if link.target is not None)


def _members(summaries: Iterable[Summary], real: Mapping[str, Container]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for summary in summaries:
        for network in summary.networks if summary.id in real else ():
            members.setdefault(network, set()).add(summary.id)
    return {name: frozenset(idents) for name, idents in members.items()}


def _has_shell(engine: Engine, container: Container) -> bool:
    try:
        engine.request("HEAD", f"/containers/{container.id}/archive", params={"path": _SHELL})
    except NotFound:
        return False
    except EngineError:
        # The engine cannot look into it, as where its storage is elsewhere.
        return False
    return True
