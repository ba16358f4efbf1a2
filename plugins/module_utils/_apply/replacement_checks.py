# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Whether a container can be replaced without losing anything: found before anything is changed."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, replace

from .._errors import NotFound, agreeing, some
from .._model.bridge import on_default_bridge
from .._model.find import find_containers
from .._model.leftover_names import lasting_name
from .._model.legacy_links import engine_release, read_legacy_links
from .._model.state import read_summary
from .replacement_config import Sources

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._engine.client import Engine
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState, Summary

# Tried: 20.10 starts a container that left the network of its network mode when that is gone, 26 does not.
_NEEDS_ITS_NETWORK = (23, 0)


@dataclass(frozen=True)
class Dependencies:
    """What a container depends on, and what depends on it.

    Attributes:
        release: the engine's.
        sources: None if the image is gone.
        networks: the names and IDs of all networks.
        others: every other container.
        links: the container's own legacy links.
        unwritable: its changed files that a successor, which is read-only, could not get.
    """

    release: tuple[int, int]
    sources: Sources | None
    networks: frozenset[str]
    others: tuple[ContainerState, ...]
    links: tuple[LegacyLink, ...]
    unwritable: tuple[str, ...] = ()


class Inspected:
    """Descriptions of containers, each read once, however many containers are replaced in one run.

    A replacement depends on what containers were created with, and on whether they run. The first cannot change, and
    the second is in the engine's list. For use by several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, ContainerState] = {}

    def find(self, engine: Engine, summaries: Iterable[Summary]) -> list[ContainerState]:
        """Return the listed containers as they are now; those that are gone by now are not in it."""
        listed = {one.id: one for one in summaries}
        with self._lock:
            self._found.update(find_containers(engine, listed.keys() - self._found.keys()))
            there = [(one, self._found[ident]) for ident, one in listed.items() if ident in self._found]
        return [replace(known, name=one.name, status=one.status) for one, known in there]


def observe_dependencies(
    engine: Engine,
    container: ContainerState,
    inspected: Inspected | None = None,
    summaries: Sequence[Summary] | None = None,
) -> Dependencies:
    """Read all that decides about a replacement: each container of the engine, among others.

    Args:
        inspected: what was read of other containers before, for other replacements of the same run.
        summaries: all containers, where they were listed just now.
    """
    raw = container.raw
    listed = [read_summary(summary) for summary in engine.containers()] if summaries is None else summaries
    # What is left of an interrupted replacement of this very container does not count.
    suspects = [one for one in listed if one.id != container.id and lasting_name(one.name) != container.name]
    others = tuple((inspected or Inspected()).find(engine, suspects))
    given = (raw.get("HostConfig") or {}).get("VolumesFrom") or ()
    there = frozenset(ref for ref in given if any(other.is_called(ref.partition(":")[0]) for other in others))
    return Dependencies(
        release=engine_release(engine.info),
        sources=_sources(engine, container, there),
        networks=frozenset(text for network in engine.networks() for text in (network["Name"], network["Id"])),
        others=others,
        links=read_legacy_links(engine, container),
    )


def _sources(engine: Engine, container: ContainerState, volumes_from: frozenset[str]) -> Sources | None:
    try:
        image = engine.image(container.raw["Image"])
    except NotFound:
        return None
    try:
        by_name = engine.image(container.image)["Id"]
    except NotFound:
        by_name = ""
    return Sources(image, by_name, volumes_from)


def replace_problems(
    container: ContainerState,
    dependencies: Dependencies,
    *,
    handled: frozenset[str] = frozenset(),
    dropped: frozenset[str] = frozenset(),
    moves: bool = False,
) -> Iterator[str]:
    """Say why a container cannot be replaced. Pure.

    Args:
        handled: IDs of containers that the caller also puts right, so that they may depend on this one.
        dropped: aliases of legacy links that are removed before the replacement.
        moves: whether the successor gets another network mode, so that it needs nothing of the container's.
    """
    name = container.name
    labels = (container.raw.get("Config") or {}).get("Labels") or {}
    if "com.docker.swarm.task.id" in labels or "com.docker.swarm.service.id" in labels:
        yield f"{name} is a task of a swarm service and is replaced by the swarm alone; change the service instead"
    if (container.raw.get("HostConfig") or {}).get("AutoRemove"):
        yield (
            f"{name} cannot be replaced: it was created with --rm (AutoRemove), so that stopping it would delete it"
            " with its anonymous volumes before anything else is known to work"
        )
    if container.status in ("dead", "removing"):
        yield f"{name} is being removed (status {container.status})"
    if dependencies.sources is None:
        yield (
            f"{name} cannot be replaced: the image that it was made of ({container.image}) is gone;"
            " bring it back to the engine first"
        )
    mode = container.network_mode
    special = mode == "default" or mode.startswith("container:")
    if (
        container.live
        and not special
        and mode not in dependencies.networks
        and dependencies.release >= _NEEDS_ITS_NETWORK
    ):
        yield (
            f"{name} cannot be stopped, since it could not start again: it was created on the network {mode}, which"
            " does not exist any more, and this engine wants it for each start; make a network of that name first"
        )
    gone = sorted(set(container.endpoints) - dependencies.networks)
    if gone:
        yield f"{name} cannot be replaced: its network {agreeing(gone, 'is', 'are')} gone; detach it first"
    if dependencies.unwritable:
        yield (
            f"{name} cannot become read-only: it has changed files outside of volumes"
            f" ({some(dependencies.unwritable)}), and nothing can be written to a read-only container. Mount a tmpfs"
            " over those that may go; put a volume over those that are to stay, in a run without read_only, which"
            " carries them there"
        )
    yield from _dependents(container, [other for other in dependencies.others if other.id not in handled])
    yield from _dependencies(container, dependencies, moves=moves)
    if container.live:
        yield from _links_that_prevent_a_start(container, dependencies.links, dropped)


def _dependents(container: ContainerState, others: Iterable[ContainerState]) -> Iterator[str]:
    sharers, linked, by_id = [], [], []
    for other in others:
        host = other.raw.get("HostConfig") or {}
        modes = [host.get(key) or "" for key in ("NetworkMode", "PidMode", "IpcMode")]
        if any(mode.startswith("container:") and _means(mode.partition(":")[2], container) for mode in modes):
            sharers.append(other.name)
        if any(link.target == container.name for link in other.legacy_links):
            linked.append(other.name)
        ends = other.endpoints.values()
        if any(link.target == container.short_id for end in ends for link in end.settings.links or ()):
            by_id.append(other.name)
    if sharers:
        yield (
            f"{container.name} cannot be replaced: {agreeing(sharers, 'shares', 'share')} its network, processes or"
            " memory (container:...) and would be cut off; remove it first and create it again afterwards"
        )
    if linked:
        yield (
            f"{container.name} cannot be replaced: {agreeing(linked, 'has', 'have')} a legacy link to it, which would"
            " lead nowhere and prevent a start; remove the link first, or use a network link"
        )
    if by_id:
        yield (
            f"{container.name} cannot be replaced: {agreeing(by_id, 'has', 'have')} a network link to its ID, which"
            " changes; make the link lead to its name first"
        )


def _means(ref: str, container: ContainerState) -> bool:
    return container.is_called(ref) or ref == container.id


def _dependencies(container: ContainerState, dependencies: Dependencies, *, moves: bool) -> Iterator[str]:
    host = container.raw.get("HostConfig") or {}
    for key in ("PidMode", "IpcMode") if moves else ("NetworkMode", "PidMode", "IpcMode"):
        kind, _colon, ref = (host.get(key) or "").partition(":")
        if kind == "container" and not any(_means(ref, other) and other.live for other in dependencies.others):
            yield (
                f"{container.name} cannot be replaced: it uses the {key} of container {ref[:12]}, which does not run"
            )


def _links_that_prevent_a_start(
    container: ContainerState, links: Iterable[LegacyLink], dropped: frozenset[str]
) -> Iterator[str]:
    """A container that is stopped must be able to start again, should its successor fail."""
    if not on_default_bridge(container):
        return
    for link in links:
        if link.alias in dropped:
            continue
        if link.target is None:
            yield (
                f"{container.name} cannot be stopped, since it could not start again: its link {link} leads to a"
                " container that was removed; remove the link first (state: absent)"
            )
        elif link.target.status not in ("running", "paused"):
            yield (
                f"{container.name} cannot be stopped, since it could not start again: its link {link} leads to"
                f" {link.target.name}, which is {link.target.status}; start that first"
            )


def replace_warnings(container: ContainerState) -> Iterator[str]:
    """Say what a successor will not have as its predecessor has it. Pure."""
    chosen = chosen_by_engine(container)
    if container.live and chosen:
        yield (
            f"the engine chose the host ports of {container.name} for {', '.join(chosen)}, and chooses others when it"
            " is recreated"
        )


def state_clause(container: ContainerState, *, start: bool = False) -> str:
    """Return what the reason of a replacement adds if the container has exited; that its successor never has. Pure."""
    if container.live or container.status == "created":
        return ""
    return f"; it is {container.status}, so its successor is {'started' if start else 'only created, not started'}"


def chosen_by_engine(one: ContainerState) -> list[str]:
    """Return the container's published ports for which the engine chose the port of the host, such as C(80/tcp)."""
    bindings = (one.raw.get("HostConfig") or {}).get("PortBindings") or {}
    ports = (one.raw.get("NetworkSettings") or {}).get("Ports") or {}
    fixed = {port for port, given in bindings.items() if all(entry.get("HostPort") for entry in given or ())}
    return sorted(port for port, given in ports.items() if given and port not in fixed)
