# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Carry out the actions on containers, images and volumes."""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress

from .._engine.images import NotPulled, pull
from .._engine.logs import log_tail
from .._engine.polling import until
from .._engine.readiness import wait_until
from .._errors import (
    ApplyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
    Unreachable,
    engine_message,
    tolerate_if,
)
from .._model.find import find_container, find_network
from .._model.state import stop_grace
from .._plan.container_actions import (
    CreateContainer,
    CreateVolume,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RestartContainer,
    StartContainer,
    UpdateContainer,
    claims_text,
)
from .starting import start

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.state import ContainerState
    from .._plan.container_actions import After
    from .._plan.plan import NewEndpoint
    from .stages import Executors

Json = t.Any

_OTHER_RUN_SECONDS = 10.0


def pull_image(engine: Engine, action: PullImage) -> None:
    try:
        pull(engine, action.image)
    except NotPulled as exc:
        raise ApplyError(_no_image(action, str(exc))) from exc
    if action.label is not None:
        label, value = action.label
        if ((engine.image(action.image).get("Config") or {}).get("Labels") or {}).get(label) == value:
            raise ApplyError(
                f"{claims_text(action.image, label, value)}. The image was pulled and stays", may_have_changed=True
            )


def _no_image(action: PullImage, reason: str) -> str:
    return (
        f"could not {action.describe()}, which the engine does not have: {reason.strip().rstrip('.')}. Check"
        " the name, or bring the image to the engine another way, such as docker load"
    )


def create_volume(engine: Engine, action: CreateVolume) -> None:
    engine.post("/volumes/create", {"Name": action.volume, "Labels": dict(action.labels)})


def remove_volume(engine: Engine, action: RemoveVolume) -> None:
    path = f"/volumes/{action.volume}"
    with suppress(NotFound):
        tolerate_if(lambda: engine.delete(path), lambda: not _exists(engine, path))


def _exists(engine: Engine, path: str) -> bool:
    try:
        engine.get(path)
    except NotFound:
        return False
    return True


def create_container(engine: Engine, action: CreateContainer) -> None:
    """Create, connect while it is stopped, start: the fewest requests, and the cheapest, for several networks."""
    wait_for_others(engine, action.after)
    try:
        ident = engine.create_container(action.container, _with_endpoints(action, engine.info))["Id"]
    except (Conflict, Unreachable) as exc:
        # Another run is making it, or this one has and was not told: what it makes of it is compared afterwards.
        found = _comes_up(engine, action.container, _OTHER_RUN_SECONDS if isinstance(exc, Conflict) else 0)
        if found is None:
            raise
        if found.status == "created":
            _complete(engine, action, found.id)
        return
    try:
        _complete(engine, action, ident)
    except LinklabError as exc:
        left, may_have_changed = _roll_back(engine, ident)
        raise ApplyError(
            f"could not {action.describe()}: {engine_message(exc)}. {left}", may_have_changed=may_have_changed
        ) from exc


def _complete(engine: Engine, action: CreateContainer, ident: str) -> None:
    """Connect and start a container that was created."""
    at_once = at_creation(action.endpoints, _mode(action), engine.info)
    for endpoint in [one for one in action.endpoints if one not in at_once]:
        engine.connect(endpoint.network_ref, ident, endpoint.settings.to_api())
    tolerate_if(lambda: start(engine, ident), lambda: _is_live(engine, ident))


def _roll_back(engine: Engine, ident: str) -> tuple[str, bool]:
    """Remove a container that could not be completed; return what is left of it, and whether anything may be."""
    try:
        with suppress(NotFound):
            engine.remove_container(ident, force=True, volumes=True)
    except LinklabError as exc:
        return f"It could not be removed either ({engine_message(exc)}); the same task run again completes it", True
    return "Nothing of it stays", False


def _is_live(engine: Engine, ref: str) -> bool:
    found = find_container(engine, ref)
    return found is not None and found.live


def _comes_up(engine: Engine, name: str, seconds: float) -> ContainerState | None:
    """Return a container that is there. Another run reserves the name first, and starts it last: give it time."""
    deadline = time.monotonic() + seconds
    while True:
        found = find_container(engine, name)
        if (found is not None and found.live) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def at_creation(endpoints: Sequence[NewEndpoint], mode: str, info: EngineInfo) -> tuple[NewEndpoint, ...]:
    """Return the endpoints that go with the creation of a container of a network mode.

    Before API 1.44 the engine takes the settings of one network only, and before 1.54 a connect ignores MAC addresses.
    """
    several = info.speaks("1.44")
    return tuple(one for one in endpoints if one.network == mode or (one.settings.mac_address and several))


def _mode(action: CreateContainer) -> str:
    return action.endpoints[0].network if action.endpoints else ""


def _with_endpoints(action: CreateContainer, info: EngineInfo) -> dict[str, Json]:
    body = dict(action.config)
    if action.endpoints:
        first = action.endpoints[0]
        body["HostConfig"] = {**(body.get("HostConfig") or {}), "NetworkMode": first.network}
        if first.settings.mac_address and not info.speaks("1.44"):
            # It is that of the first network.
            body["MacAddress"] = first.settings.mac_address
        given = {one.network: one.settings.to_api() for one in at_creation(action.endpoints, first.network, info)}
        body["NetworkingConfig"] = {"EndpointsConfig": given}
    return body


def start_container(engine: Engine, action: StartContainer) -> None:
    """Start by name: the container may have been replaced by an earlier action of the same plan."""
    wait_for_others(engine, action.after)
    name = action.container.name

    def start_it() -> None:
        if action.container.status == "paused":
            engine.post(f"/containers/{name}/unpause")
        else:
            start(engine, name)

    try:
        tolerate_if(start_it, lambda: _is_running(engine, name))
    except EngineError as exc:
        now = find_container(engine, name)
        log = "" if now is None else log_tail(engine, now.raw)
        tail = f", its log ends: {log}" if log else ""
        raise ApplyError(f"could not {action.describe()}: {engine_message(exc)}{tail}. It is as it was") from exc


def restart_container(engine: Engine, action: RestartContainer) -> None:
    """Restart; an earlier action of the same plan may have let it go on."""
    wait_for_others(engine, action.after)
    container = action.container
    grace = stop_grace(container.raw)
    path = f"/containers/{container.id}/restart"

    def is_done() -> bool:
        now = find_container(engine, container.id)
        return now is not None and now.live and now.started_at > container.started_at

    try:
        tolerate_if(lambda: engine.order(path, timeout=engine.connection.timeout + grace, t=str(grace)), is_done)
    except EngineError as exc:
        now = find_container(engine, container.id)
        status = "gone" if now is None else now.status
        raise ApplyError(
            f"could not {action.describe()}: {engine_message(exc)}. It is {status}", may_have_changed=True
        ) from exc


def _is_running(engine: Engine, ref: str) -> bool:
    found = find_container(engine, ref)
    return found is not None and found.status == "running"


def update_container(engine: Engine, action: UpdateContainer) -> None:
    engine.post(f"/containers/{action.container.id}/update", dict(action.config))


def remove_container(engine: Engine, action: RemoveContainer) -> None:
    """Remove; what is gone already will do."""
    container = action.container

    def remove() -> None:
        with suppress(NotFound):
            if action.graceful and container.live:
                grace = stop_grace(container.raw)
                tolerate_if(lambda: engine.stop(container.id, grace), lambda: not _is_live(engine, container.id))
            elif container.live and engine.loses_count:
                _leave_networks(engine, container)
            engine.remove_container(container.id, force=True, volumes=True)

    try:
        tolerate_if(remove, lambda: _is_going(engine, container.id))
    except LinklabError as exc:
        if isinstance(exc, Conflict) and _goes(engine, container.id):
            return
        left, same = _what_is_left(engine, container)
        raise ApplyError(
            f"could not {action.describe()}: {engine_message(exc)}. {left}", may_have_changed=not same
        ) from exc
    for volume in action.anonymous:
        # Those that a successor took over keep their made-up name, but the engine then takes them for named ones.
        with suppress(NotFound, Conflict):
            engine.delete(f"/volumes/{volume}")


def _leave_networks(engine: Engine, container: ContainerState) -> None:
    """Take a container off its networks, which the engine else does for several containers at the same moment."""
    for endpoint in container.endpoints.values():
        # What cannot be disconnected, such as the network of the host, goes with the container all the same.
        with suppress(EngineError):
            engine.disconnect(endpoint.network_id, container.id)


def _what_is_left(engine: Engine, container: ContainerState) -> tuple[str, bool]:
    """Return the state of a container that could not be removed, and whether it is unchanged."""
    now = find_container(engine, container.id)
    if now is None:
        return "It is gone all the same", False
    if now.status != container.status:
        return f"It is still there, {now.status}; the same task run again removes it", False
    if set(now.endpoints) != set(container.endpoints):
        return "It is still there, off its networks already; the same task run again removes it", False
    return f"It is still there, {now.status} as before", True


def _goes(engine: Engine, ref: str) -> bool:
    """Whether a container is gone in a moment: its status does not show at once that another run removes it."""
    return until(lambda: _is_going(engine, ref), _OTHER_RUN_SECONDS)


def _is_going(engine: Engine, ref: str) -> bool:
    """Whether a container is gone, or another run removes it at this moment."""
    found = find_container(engine, ref)
    return found is None or found.status == "removing"


def remove_network(engine: Engine, ref: str) -> None:
    """Remove a network; one that is gone already will do."""
    with suppress(NotFound):
        tolerate_if(lambda: engine.remove_network(ref), lambda: find_network(engine, ref) is None)


def wait_for_others(engine: Engine, after: Iterable[After]) -> None:
    for one in after:
        wait_until(engine, {one.container: one.condition}, one.timeout)


CONTAINER_EXECUTORS: Executors = {
    PullImage: pull_image,
    CreateVolume: create_volume,
    RemoveVolume: remove_volume,
    CreateContainer: create_container,
    StartContainer: start_container,
    RestartContainer: restart_container,
    UpdateContainer: update_container,
    RemoveContainer: remove_container,
    RemoveNetwork: lambda engine, action: remove_network(engine, action.network.id),
}
