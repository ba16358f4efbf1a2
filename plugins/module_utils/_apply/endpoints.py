# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Attach, detach and reattach, so that a failure leaves the endpoint that was there."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import replace

from .._errors import ApplyError, EngineError, LinklabError, Rollback, engine_message, tolerate_if
from .._model.endpoint import EndpointSettings
from .._model.find import find_container, find_network
from .._plan.addresses import free_address
from .._plan.plan import Attach, Detach, EndpointAction, Reattach
from .._recovery.endpoint_notes import discard, leave_note
from .restarting import once_it_runs

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .._engine.client import Engine
    from .._model.state import ContainerState, Endpoint


def carry_out_endpoints(engine: Engine, unit: Sequence[EndpointAction]) -> None:
    """Carry out one unit. All old endpoints go before any new one comes, so that addresses can be passed on.

    Raises:
        ApplyError: nothing of the unit stays, or the message says what could not be put back.
    """
    try:
        note = leave_note(engine, unit)
        unit = _still_to_do(engine, unit)
    except LinklabError as exc:
        retryable = isinstance(exc, ApplyError) and exc.retryable
        raise ApplyError(_failure(exc, unit[0], "Nothing was changed by that."), retryable=retryable) from exc
    for detach in [action for action in unit if isinstance(action, Detach)]:
        _detach(engine, detach)
    changes = [action for action in unit if isinstance(action, (Attach, Reattach))]
    # Endpoints with an address of their own come first, before the engine gives that address to another.
    changes.sort(key=lambda action: not (action.settings.ipv4_address or action.settings.ipv6_address))
    begun: list[Attach | Reattach] = []
    try:
        for action in changes:
            if isinstance(action, Reattach):
                begun.append(action)
                _disconnect(engine, action)
        for action in changes:
            if action not in begun:
                begun.append(action)
            _connect(engine, action, action.settings)
    except LinklabError as exc:
        rollback = roll_back_endpoints(engine, begun)
        if rollback.complete:
            with suppress(LinklabError):
                discard(engine, note)
        retryable = rollback.complete and isinstance(exc, ApplyError) and exc.retryable
        raise ApplyError(
            _failure(exc, action, rollback), may_have_changed=not rollback.complete, retryable=retryable
        ) from exc
    try:
        discard(engine, note)
    except LinklabError as exc:
        text = (
            f"{action.describe()} is done, but the container with its old settings could not be removed:"
            f" {engine_message(exc)}"
        )
        raise ApplyError(f"{text}. The same task run again removes it", may_have_changed=True) from exc


def _still_to_do(engine: Engine, unit: Sequence[EndpointAction]) -> list[EndpointAction]:
    """Leave out what another run did meanwhile; raise ApplyError if something else was changed of it."""
    left: list[EndpointAction] = []
    for action in unit:
        now = _endpoint_now(engine, action) if isinstance(action, Reattach) else None
        if isinstance(action, Reattach) and now is not None and now.endpoint_id != action.old.endpoint_id:
            if not _differs(action.settings, now):
                continue
            if now.settings != replace(action.old.settings, mac_address=now.settings.mac_address):
                raise ApplyError("something else changed its settings at the same time", retryable=True)
        left.append(action)
    return left


def _failure(exc: LinklabError, action: EndpointAction, rollback: Rollback | str) -> str:
    return f"could not {action.describe()}: {engine_message(exc)}. {rollback}"


def _connect(engine: Engine, action: EndpointAction, settings: EndpointSettings) -> None:
    """Connect; an endpoint that is there with these settings already (made by another run meanwhile) will do."""
    try:
        engine.connect(action.network_ref, action.container.id, settings.to_api())
    except LinklabError as exc:
        endpoint = _endpoint_now(engine, action)
        if endpoint is None or _is_half_made(action, endpoint):
            raise
        if _differs(settings, endpoint):
            raise ApplyError(
                f"something else attached it at the same time ({engine_message(exc)})", retryable=True
            ) from exc


def _is_half_made(action: EndpointAction, endpoint: Endpoint) -> bool:
    return action.container.live and not endpoint.endpoint_id


def _differs(settings: EndpointSettings, endpoint: Endpoint) -> bool:
    return bool(settings.differences(replace(endpoint.settings, mac_address=endpoint.mac)))


def _disconnect(engine: Engine, action: EndpointAction) -> None:
    """Disconnect; an endpoint that is gone already will do."""
    once_it_runs(
        engine,
        action.container,
        lambda: tolerate_if(
            lambda: engine.disconnect(action.network_ref, action.container.id),
            lambda: _endpoint_now(engine, action) is None,
        ),
    )


def _detach(engine: Engine, action: Detach) -> None:
    try:
        if action.phantom:
            _clear_phantom(engine, action)
        else:
            _disconnect(engine, action)
    except LinklabError as exc:
        way_out = f" {_way_out(action)}" if action.phantom else ""
        raise ApplyError(_failure(exc, action, f"The endpoint is as it was.{way_out}")) from exc


def _clear_phantom(engine: Engine, action: EndpointAction) -> None:
    """Remove an endpoint that only the container knows of: the engine lets go of it after a connect that works.

    Where no address is left for whoever asks for none, one outside of the C(ip_range) may be free.
    """
    try:
        engine.connect(action.network_ref, action.container.id, EndpointSettings().to_api())
    except EngineError:
        network = find_network(engine, action.network_ref)
        address = free_address(network) if network is not None else None
        if address is None:
            raise
        settings = EndpointSettings(ipv4_address=address)
        engine.connect(action.network_ref, action.container.id, settings.to_api())
    engine.disconnect(action.network_ref, action.container.id)


def _way_out(action: EndpointAction) -> str:
    """Say what a half-made endpoint means and how to get rid of it."""
    name, network = action.container.name, action.network
    return (
        f"{name} runs on, but cannot be started again: it lists {network}, to which the engine did not attach it. To"
        f" clean up, run the task again once {network} has a free address; or stop it, which lets it be detached:"
        f" docker stop {name}; docker network disconnect {network} {name}; docker start {name}"
    )


def roll_back_endpoints(engine: Engine, begun: Sequence[Attach | Reattach]) -> Rollback:
    """Roll back a unit that failed; return the state of each of its endpoints."""
    told: list[str] = []
    complete = True
    kept: list[EndpointAction] = []
    for action in begun:
        try:
            _remove_what_came(engine, action)
        except LinklabError as exc:
            told.append(f"The new endpoint of {action.subject} could not be removed ({engine_message(exc)}).")
            complete = False
            kept.append(action)
    for action in begun:
        try:
            told.append(_restore(engine, action))
        except LinklabError as exc:
            told.append(
                f"Putting the endpoint of {action.subject} back failed as well ({engine_message(exc)});"
                f" {_lost(action)}."
            )
            complete = False
            kept.append(action)
    told += [f"{_way_out(action)}." for action in begun if action in kept and _stays_half_made(engine, action)]
    return Rollback(tuple(told), complete)


def _remove_what_came(engine: Engine, action: Attach | Reattach) -> None:
    endpoint = _endpoint_now(engine, action)
    if endpoint is None or (isinstance(action, Reattach) and endpoint.endpoint_id == action.old.endpoint_id != ""):
        return
    if _is_half_made(action, endpoint):
        # Where there is an old one, its connect does the same.
        if isinstance(action, Attach):
            _clear_phantom(engine, action)
    elif not _differs(action.settings, endpoint):
        engine.disconnect(action.network_ref, action.container.id)


def _restore(engine: Engine, action: Attach | Reattach) -> str:
    name, network = action.container.name, action.network
    now = _endpoint_now(engine, action)
    if now is not None and _is_half_made(action, now):
        if isinstance(action, Attach):
            return f"{name} is not attached to {network}."
        now = None
    # What came of this action is gone by now: it is something else's, and stays.
    if now is not None and (isinstance(action, Attach) or _differs(action.old.settings, now)):
        return f"{name} is attached to {network} by something else."
    if isinstance(action, Attach):
        return f"{name} is not attached to {network}, as before."
    if now is None:
        engine.connect(action.network_ref, action.container.id, action.old.settings.to_api())
    return f"The endpoint that {name} had on {network} is back."


def _lost(action: Attach | Reattach) -> str:
    return f"it had {action.old.settings.to_api()}" if isinstance(action, Reattach) else "it had none before"


def _stays_half_made(engine: Engine, action: EndpointAction) -> bool:
    with suppress(LinklabError):
        endpoint = _endpoint_now(engine, action)
        return endpoint is not None and _is_half_made(action, endpoint)
    return False


def _endpoint_now(engine: Engine, action: EndpointAction) -> Endpoint | None:
    container: ContainerState | None = find_container(engine, action.container.id)
    return container.endpoints.get(action.network) if container is not None else None
