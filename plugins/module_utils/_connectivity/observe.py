# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read from the engine what a diagnosis needs: little for a pair that is well, more once a check has failed."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from .._engine.logs import end_of_log
from .._errors import EngineError
from .._model.find import all_summaries, find_container, find_containers, find_network
from .._model.state import read_network
from .diagnose_tcp import certain, refused_by_listener, tcp_failure
from .evidence import Evidence, Peer
from .own_addresses import is_on_machine
from .probe import probe, see_listeners

if t.TYPE_CHECKING:
    from .._engine.client import Engine
    from .probe import ProbeImages
    from .spec import Check

_LOG_LINES = 10
# Enough to name who else has a name; a network may have a thousand containers.
_MAX_OTHERS = 100


def observe(engine: Engine, check: Check) -> Evidence:
    """Read the two containers: two requests, and more only for C(container:) mode, legacy links and published ports."""
    source, target = _find_peer(engine, check.source), _find_peer(engine, check.target)
    links: tuple[str, ...] = ()
    if source and target and any(link.target == target.owner.name for link in source.owner.legacy_links):
        links = tuple(
            name.lstrip("/") for found in engine.containers(id=[target.owner.id]) for name in found["Names"] or ()
        )
    evidence = Evidence(check, source, target, links, now=time.time())
    if check.protocol == "mysql" and source and target and is_on_machine(evidence):
        return replace(evidence, engine_networks=tuple(map(read_network, engine.networks())))
    return evidence


def _find_peer(engine: Engine, ref: str) -> Peer | None:
    container = find_container(engine, ref)
    if container is None:
        return None
    owner = container
    kind, _colon, other = container.network_mode.partition(":")
    if kind == "container":
        # An owner that was removed leaves its users without a network.
        owner = find_container(engine, other) or container
    return Peer(container, owner)


def enrich(engine: Engine, evidence: Evidence, band: str, images: ProbeImages) -> Evidence:
    """Read what is needed to name the cause of a failure in a band."""
    if band in ("source", "target"):
        return _with_log(engine, evidence, band)
    if band == "path":
        return _with_networks(engine, evidence)
    if band == "name":
        return _with_others(engine, evidence)
    if band == "tcp":
        evidence = see_listeners(engine, evidence, images)
        processes = evidence.processes or _processes(engine, evidence.ends[1])
        evidence = replace(_with_networks(engine, evidence), processes=processes)
        return _refused_again(engine, evidence, images) if refused_by_listener(evidence) else evidence
    return evidence


def _refused_again(engine: Engine, evidence: Evidence, images: ProbeImages) -> Evidence:
    """Try a port a second time that refused and is found to listen: the server may have started in between."""
    evidence = replace(evidence, answer=probe(engine, evidence, images), now=time.time())
    if not refused_by_listener(evidence):
        return evidence
    evidence = replace(see_listeners(engine, evidence, images), refused_again=True)
    if certain(evidence):
        return evidence
    protocol = "udp" if evidence.check.protocol == "udp" else "tcp"
    check = replace(evidence.check, protocol=protocol, host=tcp_failure(evidence)[1])
    answer = probe(engine, replace(evidence, check=check, source=evidence.target), images)
    return replace(evidence, inside=any(one.failure != "refused" for one in answer.connects))


def _with_log(engine: Engine, evidence: Evidence, band: str) -> Evidence:
    peer = evidence.source if band == "source" else evidence.target
    if peer is None:
        return replace(evidence, known=tuple(summary.name for summary in all_summaries(engine)))
    return replace(evidence, log=end_of_log(engine, peer.container.raw, _LOG_LINES))


def _with_networks(engine: Engine, evidence: Evidence) -> Evidence:
    names = {name for peer in evidence.ends for name in peer.networks}
    found = {name: network for name in sorted(names) if (network := find_network(engine, name)) is not None}
    return replace(evidence, networks=found)


def _with_others(engine: Engine, evidence: Evidence) -> Evidence:
    """Read the other containers on the source's networks: only their full descriptions have their aliases."""
    source, target = evidence.ends
    near = set(source.networks)
    others = [
        summary.id
        for summary in all_summaries(engine)
        if near & set(summary.networks) and summary.id not in (source.owner.id, target.owner.id)
    ]
    found = find_containers(engine, others[:_MAX_OTHERS])
    return replace(evidence, others=tuple(one for one in found.values() if one.live))


def _processes(engine: Engine, target: Peer) -> tuple[str, ...]:
    """Return the names of the target's processes, for a target without a shell.

    Their arguments are not asked for: they may have secrets.
    """
    try:
        answer = engine.get(f"/containers/{target.container.id}/top", ps_args="-eo pid,comm")
    except EngineError:
        return ()
    return tuple(row[-1] for row in answer.get("Processes") or ())
