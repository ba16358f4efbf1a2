# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read what is there from the engine, in few requests, into the classes of state.py."""

from __future__ import annotations

import typing as t

from .._engine.polling import until
from .._errors import EngineError, NotFound, Refusal
from .state import read_container, read_network, read_network_support, read_summary

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .._engine.reader import Reader
    from .state import ContainerState, Network, NetworkSupport, Summary

# How long two runs that made a network of one name at once may take to agree on one of the two.
AGREE_SECONDS = 5.0


def find_container(engine: Reader, ref: str) -> ContainerState | None:
    """Return the container that I(ref) names, or None. The engine is asked by name: its list can miss one."""
    try:
        return read_container(engine.container(ref), engine.info)
    except NotFound:
        return None


def find_containers(engine: Reader, refs: Iterable[str]) -> dict[str, ContainerState]:
    """Return those of the containers that are there, by the name or ID that is given, in this order."""
    return {ref: read_container(raw, engine.info) for ref, raw in engine.inspect_containers(refs).items()}


def find_network(engine: Reader, ref: str) -> Network | None:
    """Return the network that I(ref) names, or None; raise Refusal if several have that name."""

    def look() -> list[Network | None]:
        try:
            return [read_network(engine.network(ref))]
        except NotFound:
            return [None]
        except EngineError:
            if len(same_name(engine, ref)) < 2:
                raise
            # Two runs that made it at once settle within a moment which of the two stays.
            return []

    found = until(look, AGREE_SECONDS)
    if found:
        return found[0]
    same = same_name(engine, ref)
    raise Refusal(
        f"{len(same)} networks are named {ref}: {', '.join(ident[:12] for ident in same)}."
        " Remove all but one, or give its ID. Nothing was changed."
    )


def find_network_support(engine: Reader) -> NetworkSupport:
    return read_network_support(engine.get("/info"))


def same_name(engine: Reader, name: str) -> list[str]:
    """Return the IDs of the networks with this name, oldest first."""
    found = [(raw.get("Created") or "", raw["Id"]) for raw in engine.networks() if raw["Name"] == name]
    return [ident for _created, ident in sorted(found)]


def all_summaries(engine: Reader) -> tuple[Summary, ...]:
    return tuple(read_summary(raw) for raw in engine.containers())


def others_on(engine: Reader, network: Network, but: Iterable[ContainerState]) -> dict[str, ContainerState]:
    """Return the containers that run on a network, by ID, except those that are known already."""
    known = {container.id for container in but}
    return find_containers(engine, (ident for ident in network.members if ident not in known))
