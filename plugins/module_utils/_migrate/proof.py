# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Prove from inside each source that its names lead to the same containers as before, and that their ports answer."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._connectivity.probe import ProbeImages
from .._connectivity.run import Run, result_of, run_check
from .._connectivity.spec import Check
from .._errors import ApplyError
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import find_container

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._engine.client import Engine
    from .._model.endpoint import Json
    from .._model.state import ContainerState
    from .groups import Group

# A resolver may need a moment after a container joined; a port that does not answer by then was closed before.
_TIMEOUT = 3.0
_INTERVAL = 0.2
# Causes that tell nothing about the name.
_BANDS_OF_THE_NAME = ("path", "name")


@dataclass(frozen=True)
class Name:
    """A name under which a source finds a target.

    Attributes:
        before: the target's address on the default bridge, to which the name led; empty if it did not run.
        port: the lowest TCP port that the target's image or configuration exposes; 0 if there is none.
    """

    source: ContainerState
    alias: str
    target: ContainerState
    before: str = ""
    port: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """ID of the source, and alias."""
        return self.source.id, self.alias


def names_of(groups: Iterable[Group]) -> tuple[Name, ...]:
    """Return the names of all links. Pure."""
    found = []
    for group in groups:
        for source in group.sources:
            for link in source.links:
                if link.target is not None:
                    endpoint = link.target.endpoints.get(DEFAULT_BRIDGE)
                    before = endpoint.ipv4 if endpoint is not None else ""
                    found.append(Name(source.container, link.alias, link.target, before, lowest_port(link.target)))
    return tuple(found)


def lowest_port(container: ContainerState) -> int:
    config = container.raw.get("Config") or {}
    ports = [port.partition("/") for port in config.get("ExposedPorts") or ()]
    return min((int(number) for number, _slash, kind in ports if kind == "tcp" and number.isdigit()), default=0)


@dataclass(frozen=True)
class Proof:
    """What a name led to in the end.

    Attributes:
        resolves: whether it led to the target.
        reachable: whether the port answered; None without a port.
    """

    name: Name
    resolves: bool
    reachable: bool | None
    address: str
    message: str


def prove(engine: Engine, name: Name) -> Proof | None:
    """Resolve a name and try its port; None where one of the two does not run, so that there is nothing to try."""
    check = Check(
        # By name: a source that was recreated has another ID.
        source=name.source.name,
        target=name.target.name,
        host=name.alias,
        port=name.port or 1,
        protocol="tcp" if name.port else "dns",
        timeout=_TIMEOUT,
        interval=_INTERVAL,
    )
    outcome = run_check(engine, check, Run(ProbeImages(may_pull=False)))
    finding = outcome.finding
    if finding is not None and finding.band in ("source", "target"):
        return None
    resolves = not outcome.error and (finding is None or finding.band not in _BANDS_OF_THE_NAME)
    address = result_of(outcome)["address"] or ""
    return Proof(name, resolves, outcome.reachable if name.port else None, address, outcome.message())


def refuse_lost_names(engine: Engine, source: ContainerState, targets: Mapping[str, str], network: str) -> None:
    """Raise ApplyError if a name leads nowhere now, or to a port that answers over the bridge alone."""
    for alias, ident in targets.items():
        target = find_container(engine, ident)
        if target is None or network not in target.endpoints:
            continue
        name = Name(source, alias, target, port=lowest_port(target))
        proof = prove(engine, name)
        if proof is None or (proof.resolves and proof.reachable is not False):
            continue
        if not proof.resolves or _answers_over_the_bridge(engine, name):
            raise ApplyError(f"{alias} does not lead there over {network}: {proof.message}")


def _answers_over_the_bridge(engine: Engine, name: Name) -> bool:
    endpoint = name.target.endpoints.get(DEFAULT_BRIDGE)
    if endpoint is None or not endpoint.ipv4:
        return False
    check = Check(name.source.name, name.target.name, endpoint.ipv4, name.port, "tcp", timeout=0)
    return run_check(engine, check, Run(ProbeImages(may_pull=False))).reachable


def proof_result(name: Name, proof: Proof | None, gap: float | None, *, tried: bool = True) -> dict[str, Json]:
    """Return what link_migrate returns for a name. tried: whether it was to be proven, which check mode does not."""
    why_not = "one of the two does not run" if tried else "check mode changes nothing that could be tried"
    return {
        "source": name.source.name,
        "name": name.alias,
        "target": name.target.name,
        "address_before": name.before,
        "address": proof.address if proof else "",
        "port": name.port or None,
        "resolves": proof.resolves if proof else None,
        "reachable": proof.reachable if proof else None,
        "gap_ms": gap,
        "msg": proof.message if proof else f"not tried, since {why_not}",
    }
