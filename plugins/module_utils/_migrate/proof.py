# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Prove from inside each source that its names lead to the same containers as before, and that their ports answer."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._connectivity.look import PATIENCE, look_beside, look_from
from .._connectivity.probe_script import PROBE_SCRIPT, script_arguments
from .._engine.exec import Program
from .._engine.polling import until
from .._errors import ApplyError
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import find_container

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._connectivity.probe_answer import ProbeAnswer
    from .._engine.client import Engine
    from .._model.endpoint import Json
    from .._model.state import ContainerState
    from .groups import Group

# A resolver may need a moment after a container joined; a port that does not answer by then was closed before.
_SECONDS = 3.0


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
        resolves: whether it led to the target; None if that could not be tried.
        reachable: whether the port answered; None without a port, or a program to try it with.
    """

    name: Name
    resolves: bool | None
    reachable: bool | None
    address: str
    message: str


def prove(engine: Engine, name: Name) -> Proof:
    """Resolve a name and try its port, unless one of the two does not run or nothing at hand can look."""
    tried: list[Proof] = []

    def stands() -> bool:
        tried.append(_try(engine, name))
        proof = tried[-1]
        return proof.resolves is None or (proof.resolves and proof.reachable is not False)

    until(stands, _SECONDS)
    return tried[-1]


def _try(engine: Engine, name: Name) -> Proof:
    # By name: a source that was recreated has another ID.
    source, target = find_container(engine, name.source.name), find_container(engine, name.target.name)
    if source is None or source.status != "running":
        return _not_tried(name, _state(name.source, source))
    if target is None or target.status != "running":
        return _not_tried(name, _state(name.target, target))
    return judge(name, target, _look(engine, (source, target), name.alias, name.port))


def _state(container: ContainerState, now: ContainerState | None) -> str:
    return f"{container.name} was removed" if now is None else f"{container.name} is {now.status}"


def _look(
    engine: Engine, ends: tuple[ContainerState, ContainerState], host: str, port: int, *, literal: bool = False
) -> ProbeAnswer:
    """Look for a host from inside the source, or else from a helper next to it.

    Args:
        ends: the source and the target.
        host: a name; an address if I(literal).
        port: 0 for none.
    """
    arguments = script_arguments(host, port, "tcp" if port else "dns", literal=literal)
    program = Program(("sh", "-c", PROBE_SCRIPT, "linklab-probe", *arguments), b"go\n", PATIENCE)
    answer = look_from(engine, ends[0].id, program)
    for image, shown in {one.raw["Image"]: one.image for one in ends}.items():
        if not (answer.missing or answer.failed):
            break
        answer = look_beside(engine, ends[0].id, image, shown, program)
    return answer


def _not_tried(name: Name, why: str) -> Proof:
    return Proof(name, None, None, "", f"not tried, since {why}")


def judge(name: Name, target: ContainerState, answer: ProbeAnswer) -> Proof:
    """Return what an answer proves about a name. Pure."""
    if answer.missing and not answer.addresses:
        return _not_tried(
            name, f"neither {name.source.name} nor an image of the two has a program to resolve {name.alias} with"
        )
    own = {address for end in target.endpoints.values() for address in (end.ipv4, end.ipv6) if address}
    resolves = bool(answer.addresses) and own.issuperset(answer.addresses)
    tried = resolves and bool(name.port) and not answer.missing
    reachable = any(not one.failure for one in answer.connects) if tried else None
    text = f"{name.source.name}: {_text(name, own, answer)}"
    if tried:
        text += f", and port {name.port} {'answers' if reachable else 'does not answer'}"
    return Proof(name, resolves, reachable, answer.addresses[0] if answer.addresses else "", text)


def _text(name: Name, own: set[str], answer: ProbeAnswer) -> str:
    """Say where a name leads. own: the addresses of its target."""
    if answer.failed:
        return f"nothing can be run in its network: {answer.failed}"
    if answer.addresses:
        where = f"{name.alias} leads to {', '.join(answer.addresses)}"
        if own.issuperset(answer.addresses):
            return f"{where} ({name.target.name})"
        return f"{where}; {name.target.name} is at {', '.join(sorted(own))}"
    return f"{name.alias} does not resolve"


def refuse_lost_names(engine: Engine, source: ContainerState, targets: Mapping[str, str], network: str) -> None:
    """Raise ApplyError if a name leads nowhere now, or to a port that answers over the bridge alone."""
    for alias, ident in targets.items():
        target = find_container(engine, ident)
        if target is None or network not in target.endpoints:
            continue
        name = Name(source, alias, target, port=lowest_port(target))
        proof = prove(engine, name)
        if proof.resolves is None or (proof.resolves and proof.reachable is not False):
            continue
        if not proof.resolves or _answers_over_the_bridge(engine, name):
            raise ApplyError(f"{alias} does not lead there over {network}: {proof.message}")


def _answers_over_the_bridge(engine: Engine, name: Name) -> bool:
    endpoint = name.target.endpoints.get(DEFAULT_BRIDGE)
    if endpoint is None or not endpoint.ipv4:
        return False
    answer = _look(engine, (name.source, name.target), endpoint.ipv4, name.port, literal=True)
    return any(not one.failure for one in answer.connects)


def proof_result(name: Name, proof: Proof | None, gap: float | None) -> dict[str, Json]:
    """Return what link_migrate returns for a name. proof: None in check mode."""
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
        "msg": proof.message if proof else "not tried, since check mode changes nothing that could be tried",
    }
