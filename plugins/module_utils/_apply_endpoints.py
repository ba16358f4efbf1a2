# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Attach, detach and reattach, so that a failure leaves the endpoint that was there."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.linklab.docker.plugins.module_utils._endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, EngineError, LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._plan import Attach, Detach, EndpointAction, Reattach
from ansible_collections.linklab.docker.plugins.module_utils._state import find_container

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container, Endpoint


def carry_out_endpoints(engine: Engine, unit: Sequence[EndpointAction]) -> None:
    """Carry out one unit. All old endpoints go before any new one comes, so that addresses can be passed on.

    Raises:
        ApplyError: nothing of the unit stays, or the message says what could not be put back.
    """
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
        raise ApplyError(_failure(exc, action, _put_back(engine, begun))) from exc


def _failure(exc: LinklabError, action: EndpointAction, back: Sequence[str]) -> str:
    said = exc.explanation if isinstance(exc, EngineError) else str(exc)
    return f"could not {action.describe()}: {said.rstrip('.')}. {' '.join(back)}"


def _connect(engine: Engine, action: EndpointAction, settings: EndpointSettings) -> None:
    """Connect; an endpoint that is there with these settings already (made by another run meanwhile) will do."""
    try:
        engine.connect(action.network_ref, action.container.id, settings.to_api())
    except LinklabError:
        endpoint = _endpoint_now(engine, action)
        if endpoint is None or (action.container.live and not endpoint.endpoint_id):
            raise
        if settings.differences(replace(endpoint.settings, mac_address=endpoint.mac)):
            raise


def _disconnect(engine: Engine, action: EndpointAction) -> None:
    """Disconnect; an endpoint that is gone already will do."""
    try:
        engine.disconnect(action.network_ref, action.container.id)
    except LinklabError:
        if _endpoint_now(engine, action) is not None:
            raise


def _detach(engine: Engine, action: Detach) -> None:
    try:
        if action.phantom:
            _clear_phantom(engine, action)
        else:
            _disconnect(engine, action)
    except LinklabError as exc:
        raise ApplyError(_failure(exc, action, ["The endpoint is as it was."])) from exc


def _clear_phantom(engine: Engine, action: EndpointAction) -> None:
    """Remove an endpoint that only the container knows of: the engine lets go of it after a connect that works."""
    engine.connect(action.network_ref, action.container.id, EndpointSettings().to_api())
    engine.disconnect(action.network_ref, action.container.id)


def _put_back(engine: Engine, begun: Sequence[Attach | Reattach]) -> list[str]:
    """Undo a unit that failed; return what became of each of its endpoints, as sentences."""
    said = []
    for action in begun:
        try:
            _remove_what_came(engine, action)
        except LinklabError as exc:
            said.append(f"The new endpoint of {action.subject} could not be removed ({exc}).")
    for action in begun:
        try:
            said.append(_restore(engine, action))
        except LinklabError as exc:
            said.append(f"Putting the endpoint of {action.subject} back failed as well ({exc}); {_lost(action)}.")
    return said


def _remove_what_came(engine: Engine, action: Attach | Reattach) -> None:
    endpoint = _endpoint_now(engine, action)
    if endpoint is None or (isinstance(action, Reattach) and endpoint.endpoint_id == action.old.endpoint_id != ""):
        return
    if action.container.live and not endpoint.endpoint_id:
        _clear_phantom(engine, action)
    else:
        engine.disconnect(action.network_ref, action.container.id)


def _restore(engine: Engine, action: Attach | Reattach) -> str:
    if isinstance(action, Attach):
        return f"{action.container.name} is not attached to {action.network}, as before."
    if _endpoint_now(engine, action) is None:
        engine.connect(action.network_ref, action.container.id, action.old.settings.to_api())
    return f"The endpoint that {action.container.name} had on {action.network} is back."


def _lost(action: Attach | Reattach) -> str:
    return f"it had {action.old.settings.to_api()}" if isinstance(action, Reattach) else "it had none before"


def _endpoint_now(engine: Engine, action: EndpointAction) -> Endpoint | None:
    container: Container | None = find_container(engine, action.container.id)
    return container.endpoints.get(action.network) if container is not None else None
