# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Replace a container by a successor that has all that it had. Whatever fails, the old one comes back.

The successor is complete before the old container is stopped, except for the files of its writable layer; the old
container is removed only after the successor was seen running. Both cannot run at once: neither a database's files,
nor a static address, nor a published port can exist twice. A run that dies on the way leaves names behind from which
the next one knows what to do (see _recovery/names).
"""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .._engine.logs import how_it_ended, log_tail
from .._engine.mask import mask_of_container
from .._errors import (
    ApplyError,
    BusyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
    Rollback,
    Unreachable,
    engine_message,
    refuse,
    some,
    tolerate_if,
)
from .._model.find import find_container
from .._model.leftover_names import is_leftover
from .._model.state import read_container, stop_grace
from .._recovery.journal import find_leftovers
from .._recovery.names import Before, Exchange, comes_again, policy_to_restore, predecessor_name, successor_name
from .replacement_checks import observe_dependencies, replace_problems
from .replacement_config import Sources, Wiring, create_body, wiring
from .replacement_files import carry_files
from .starting import start

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._engine.client import Engine
    from .._model.endpoint import EndpointSettings
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState
    from .replacement_checks import Inspected

Json = t.Any

# How long a successor must run before it is believed in: a program that cannot start ends within this time.
SETTLE_SECONDS = 2.0
_PAUSE_SECONDS = 0.1
_UP = ("running", "paused", "restarting")


@dataclass(frozen=True)
class Replaced:
    """The successor's ID, and what the user should know about it."""

    id: str
    notes: tuple[str, ...] = ()


def unchanged(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Change nothing; for a successor that is only to be created again."""
    return body


def replace_with_successor(
    engine: Engine,
    container: ContainerState,
    change: Callable[[Mapping[str, Json]], Mapping[str, Json]] = unchanged,
    *,
    handled: frozenset[str] = frozenset(),
    keep_files: bool = True,
    start: bool = False,
    settle: float | None = None,
    wires: Wiring | None = None,
    inspected: Inspected | None = None,
) -> Replaced:
    """Replace I(container); it must be as it is now.

    Args:
        change: gets the body of C(POST /containers/create) for a container like this one, without its endpoints, and
            returns that for the successor. Its legacy links are in C(HostConfig.Links) as C(ID:ALIAS).
        handled: IDs of containers that depend on this one and that the caller puts right afterwards.
        keep_files: whether files that were changed outside volumes go on to the successor.
        start: whether the successor must run although the container does not.
        settle: seconds that the successor must run, if not SETTLE_SECONDS.
        wires: the successor's endpoints, if they are not to be those of the container.
        inspected: what other replacements of the same run have read of other containers.

    Raises:
        Refusal: it cannot be replaced without losing something; nothing was changed.
        BusyError: another run is at it.
        ApplyError: something failed; the message says that the old container is back.
    """
    # Read after the container was: whatever another run changes about it, its successor is there before.
    if is_leftover(container.name) or find_leftovers(engine, container.name):
        raise BusyError(f"could not replace {container.name}: another run is doing it. Nothing was changed.")
    dependencies = observe_dependencies(engine, container, inspected)
    refuse(replace_problems(container, dependencies, handled=handled, moves=wires is not None))
    body = create_body(container, dependencies.sources or Sources({}))
    body["HostConfig"]["Links"] = links_to_api(dependencies.links) or None
    before = Before.RUNNING if start and not container.live else Before.of(container.status)
    successor = change(body)
    new_id = _create(engine, container, successor, before, wires or wiring(container, engine.info))
    exchange = Exchange(container.name, container.id, new_id, before)
    seconds = SETTLE_SECONDS if settle is None else settle
    try:
        if before is not Before.STOPPED:
            engine.stop(container.id, stop_grace(container.raw))
        if wires is None:
            _refuse_other_endpoints(engine, container)
        notes = _files_carried(engine, container, new_id, successor) if keep_files else []
        # One that did not stay up itself proves nothing by it.
        _exchange(engine, container, exchange, seconds if container.status != "restarting" else 0)
    except LinklabError as exc:
        rollback = roll_back(engine, exchange)
        raise ApplyError(f"{_what_failed(container, exc)}. {rollback}", may_have_changed=not rollback.complete) from exc
    except BaseException:
        # Whatever it is, including a task that is asked to stop: nobody must be left without a container.
        roll_back(engine, exchange)
        raise
    # From here on there is no way back: the engine may have removed the old one although no answer came.
    return Replaced(exchange.new_id, (*notes, *_remove_old(engine, exchange)))


def links_to_api(links: Iterable[LegacyLink]) -> list[str]:
    """Return C(HostConfig.Links). By ID: a name may belong to another container by now."""
    return [f"{link.target.id}:{link.alias}" for link in links if link.target is not None]


def _what_failed(container: ContainerState, exc: LinklabError) -> str:
    reason = f"the engine said: {exc.explanation}" if isinstance(exc, EngineError) else str(exc)
    return f"could not replace {container.name}: {reason.rstrip('.')}"


# -- before anything is stopped ---------------------------------------------------------------------------------------


def _create(engine: Engine, container: ContainerState, body: Mapping[str, Json], before: Before, wires: Wiring) -> str:
    """Create the successor with all its endpoints; nothing of it stays if that fails."""
    name = successor_name(container.name, container.id, before)
    try:
        new_id = str(engine.create_container(name, {**body, "NetworkingConfig": dict(wires.networking)})["Id"])
    except Conflict as exc:
        raise BusyError(f"{_what_failed(container, exc)}. Another run is doing it; nothing was changed.") from exc
    except LinklabError as exc:
        # Where no answer came, it may have been made all the same.
        raise _not_created(engine, container, exc, name if isinstance(exc, Unreachable) else "") from exc
    try:
        _refuse_if_replaced(engine, container)
        if wires.leave:
            # By force, since the network may be gone.
            engine.disconnect(wires.leave, new_id, force=True)
        for network, settings in wires.join:
            engine.connect(network, new_id, settings)
    except BusyError:
        _discard(engine, new_id)
        raise
    except LinklabError as exc:
        raise _not_created(engine, container, exc, new_id) from exc
    return new_id


def _not_created(engine: Engine, container: ContainerState, exc: LinklabError, ref: str) -> ApplyError:
    """Discard what there is of a successor, if I(ref) names one; return the error that says what happened to it."""
    wrong = _discard(engine, ref) if ref else ""
    sentences = (f"{_what_failed(container, exc)}.", f"{container.name} is as it was.", *_left(wrong))
    return ApplyError(" ".join(sentences), may_have_changed=bool(wrong))


def _refuse_if_replaced(engine: Engine, container: ContainerState) -> None:
    """Raise BusyError if another run was through before the successor was made, whose name now keeps others away."""
    try:
        name = engine.container(container.id)["Name"].lstrip("/")
    except NotFound:
        name = ""
    if name != container.name:
        raise BusyError(f"could not replace {container.name}: another run has just done it. Nothing was changed.")


def _discard(engine: Engine, ref: str) -> str:
    """Remove a successor but not its volumes, which are the old container's. Return what went wrong, if anything."""
    try:
        with suppress(NotFound):
            tolerate_if(
                lambda: engine.remove_container(ref, force=True, volumes=False),
                lambda: find_container(engine, ref) is None,
            )
    except LinklabError as exc:
        return str(exc)
    return ""


def _left(wrong: str) -> tuple[str, ...]:
    """Say that a successor is left over, if something was I(wrong) with its removal."""
    left = f"Its successor could not be removed: {wrong.rstrip('.')}. The same task run again removes it."
    return (left,) if wrong else ()


# -- the exchange -----------------------------------------------------------------------------------------------------


def _files_carried(engine: Engine, container: ContainerState, new_id: str, successor: Mapping[str, Json]) -> list[str]:
    """Give a successor the files of a container that is down; return what the user should know."""
    reappeared = carry_files(engine, container.raw, new_id, successor)
    if not reappeared:
        return []
    return [f"{container.name} had deleted files of its image, which its successor has again: {some(reappeared)}"]


def _exchange(engine: Engine, container: ContainerState, exchange: Exchange, settle: float) -> None:
    """Put the successor in the place of a container that is down, which is still there afterwards."""
    policy = "" if engine.info.podman else comes_again(container.raw)
    engine.rename(exchange.old_id, predecessor_name(exchange.name, exchange.new_id, exchange.before, policy))
    if policy:
        # Otherwise an engine that restarts now starts it next to the successor, over the same files.
        _set_policy(engine, exchange.old_id, {"Name": "no", "MaximumRetryCount": 0})
    # Only now, since the environment of legacy links is made at the start and holds the source's name.
    engine.rename(exchange.new_id, exchange.name)
    if exchange.before is not Before.STOPPED:
        start(engine, exchange.new_id)
        if settle:
            _watch(engine, exchange.new_id, settle)
    _pause_again(engine, exchange)


def _pause_again(engine: Engine, exchange: Exchange) -> None:
    if exchange.before is Before.PAUSED and _status(engine, exchange.new_id) == "running":
        engine.post(f"/containers/{exchange.new_id}/pause")


def _refuse_other_endpoints(engine: Engine, container: ContainerState) -> None:
    """Raise ApplyError if somebody changed the container's networks since it was read: the change would be lost."""
    now = read_container(engine.container(container.id), engine.info)
    if _settings(now) != _settings(container):
        raise ApplyError("its networks were changed by something else at the same time; run the task again")


def _set_policy(engine: Engine, ident: str, policy: Mapping[str, Json]) -> None:
    engine.post(f"/containers/{ident}/update", {"RestartPolicy": dict(policy)})


def _settings(container: ContainerState) -> dict[str, EndpointSettings]:
    return {name: endpoint.settings for name, endpoint in container.endpoints.items()}


def finish(engine: Engine, exchange: Exchange) -> list[str]:
    """Complete an exchange whose successor works; return what the user should know."""
    _pause_again(engine, exchange)
    return _remove_old(engine, exchange)


def _remove_old(engine: Engine, exchange: Exchange) -> list[str]:
    wrong = _discard(engine, exchange.old_id)
    if not wrong:
        return []
    return [f"{exchange.name} was replaced, but its predecessor {exchange.old_id[:12]} could not be removed: {wrong}"]


def _watch(engine: Engine, ident: str, settle: float) -> None:
    """Return if a container stays up for a while; raise ApplyError if it does not."""
    deadline = time.monotonic() + settle
    while True:
        raw = engine.container(ident)
        state = raw["State"]
        if state["Status"] != "running" or raw.get("RestartCount"):
            log = log_tail(engine, raw)
            raise ApplyError(
                f"its successor ended at once{how_it_ended(state)}"
                + (f" ({mask_of_container(state['Error'], raw)})" if state.get("Error") else "")
                + (f"; its log ends: {log}" if log else "; its log is empty")
            )
        if time.monotonic() >= deadline:
            return
        time.sleep(_PAUSE_SECONDS)


def _status(engine: Engine, ident: str) -> str:
    return str(engine.container(ident)["State"]["Status"])


# -- the way back -----------------------------------------------------------------------------------------------------


def roll_back(engine: Engine, exchange: Exchange) -> Rollback:
    """Undo an exchange, wherever it stopped, unless the old container is gone: then its successor takes its place.

    The successor goes last: for as long as it is there, a later run can tell that something is left to be undone.
    """
    try:
        if exchange.new_id and find_container(engine, exchange.old_id) is None:
            take_over(engine, exchange)
            gone = f"The old container {exchange.name} ({exchange.old_id[:12]}) is gone, so that its successor"
            return Rollback((f"{gone} ({exchange.new_id[:12]}) stays in its place.",), complete=False)
        _clear_the_way(engine, exchange)
        lost = _restore(engine, exchange)
    except LinklabError as exc:
        failed = f"Bringing the old container {exchange.old_id[:12]} back failed as well: {engine_message(exc)}."
        return Rollback((failed, "Nothing of it is lost; run the task again once the cause is gone."), complete=False)
    wrong = _discard(engine, exchange.new_id) if exchange.new_id else ""
    who = f"The old container {exchange.name} ({exchange.old_id[:12]}) is back"
    outcome = f"{who}, {exchange.before.value} as before." if not lost else f"{who}, but stopped: {lost}."
    return Rollback((outcome, *_left(wrong)), complete=not wrong)


def take_over(engine: Engine, exchange: Exchange) -> None:
    """Give a successor the name and the state of a container that is gone."""
    raw = engine.container(exchange.new_id)
    if raw["Name"].lstrip("/") != exchange.name:
        engine.rename(exchange.new_id, exchange.name)
    if exchange.before is not Before.STOPPED and raw["State"]["Status"] not in _UP:
        start(engine, exchange.new_id)
    _pause_again(engine, exchange)


def _clear_the_way(engine: Engine, exchange: Exchange) -> None:
    """Take the successor's processes and its name away."""
    if not exchange.new_id:
        return
    try:
        raw = engine.container(exchange.new_id)
    except NotFound:
        return
    if raw["State"]["Status"] in _UP:
        engine.stop(exchange.new_id, stop_grace(raw))
    if raw["Name"].lstrip("/") == exchange.name:
        engine.rename(exchange.new_id, successor_name(exchange.name, exchange.old_id, exchange.before))


def _restore(engine: Engine, exchange: Exchange) -> str:
    """Give the old container its name and its state; return what keeps it from running for ever, as a clause."""
    raw = engine.container(exchange.old_id)
    policy = policy_to_restore(raw)
    if policy is not None:
        # As long as its name tells which it was.
        _set_policy(engine, exchange.old_id, policy)
    if raw["Name"].lstrip("/") != exchange.name:
        engine.rename(exchange.old_id, exchange.name)
    if exchange.before is Before.STOPPED:
        return ""
    if raw["State"]["Status"] not in _UP:
        kind, _colon, sharer = (raw["HostConfig"].get("NetworkMode") or "").partition(":")
        if kind == "container" and find_container(engine, sharer) is None:
            return f"it shared the network of the container {sharer[:12]}, which is gone"
        start(engine, exchange.old_id)
    if exchange.before is Before.PAUSED and _status(engine, exchange.old_id) == "running":
        engine.post(f"/containers/{exchange.old_id}/pause")
    return ""
