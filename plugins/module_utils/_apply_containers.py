# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Carry out the actions on containers, images and volumes."""

from __future__ import annotations

import json
import time
import typing as t
from contextlib import suppress

from ansible_collections.linklab.docker.plugins.module_utils._container_actions import (
    CreateContainer,
    CreateVolume,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    UpdateContainer,
)
from ansible_collections.linklab.docker.plugins.module_utils._container_compare import full_name
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    ApplyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
)
from ansible_collections.linklab.docker.plugins.module_utils._state import find_container
from ansible_collections.linklab.docker.plugins.module_utils._waiting import log_tail, wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.linklab.docker.plugins.module_utils._apply import Executors
    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._container_actions import After

Json = t.Any

_OTHER_RUN_SECONDS = 10.0


def pull_image(engine: Engine, action: PullImage) -> None:
    """Pull; the engine may be silent for as long as any other request may take."""
    name = full_name(action.image)
    try:
        headers = _credentials(engine, name)
        response = engine.request("POST", "/images/create", params={"fromImage": name}, headers=headers, stream=True)
        with response:
            for line in response.iter_lines():
                error = json.loads(line).get("error") if line else None
                if error:
                    raise ApplyError(_no_image(action, str(error)))
    except EngineError as exc:
        raise ApplyError(_no_image(action, exc.explanation)) from exc
    except OSError as exc:  # as requests says that nothing came for a while
        raise ApplyError(_no_image(action, f"no progress for {engine.connection.timeout} s")) from exc


def _credentials(engine: Engine, name: str) -> dict[str, str]:
    """Return what C(docker login) left on the host that this runs on, if anything, for an image's registry."""
    from docker.auth import get_config_header, resolve_repository_name
    from docker.errors import DockerException

    try:
        header = get_config_header(engine.sdk, resolve_repository_name(name)[0])
    except (DockerException, ValueError):
        # A name without a registry that can be told, or a file that nobody can read: the engine says what it wants.
        return {}
    return {"X-Registry-Auth": header.decode()} if header else {}


def _no_image(action: PullImage, said: str) -> str:
    return (
        f"could not {action.describe()}, which the engine does not have: {said.strip().rstrip('.')}. Check the name, or"
        " bring the image to the engine another way, such as docker load"
    )


def create_volume(engine: Engine, action: CreateVolume) -> None:
    engine.post("/volumes/create", {"Name": action.volume, "Labels": dict(action.labels)})


def remove_volume(engine: Engine, action: RemoveVolume) -> None:
    with suppress(NotFound):
        engine.delete(f"/volumes/{action.volume}")


def create_container(engine: Engine, action: CreateContainer) -> None:
    """Create, connect while it is stopped, start: the fewest requests, and the cheapest, for several networks."""
    wait_for_others(engine, action.after)
    try:
        ident = engine.create_container(action.container, _with_first_endpoint(action))["Id"]
    except Conflict as exc:
        # Another run is making it: what it makes of it is compared afterwards.
        if not _comes_up(engine, action.container):
            raise ApplyError(f"could not {action.describe()}: {exc.explanation.rstrip('.')}") from exc
        return
    except EngineError as exc:
        raise ApplyError(f"could not {action.describe()}: {exc.explanation.rstrip('.')}") from exc
    try:
        for endpoint in action.endpoints[1:]:
            engine.connect(endpoint.network_ref, ident, endpoint.settings.to_api())
        engine.start(ident)
    except LinklabError as exc:
        said = exc.explanation if isinstance(exc, EngineError) else str(exc)
        with suppress(NotFound):
            engine.remove_container(ident, force=True, volumes=True)
        raise ApplyError(f"could not {action.describe()}: {said.rstrip('.')}. Nothing of it stays") from exc


def _comes_up(engine: Engine, name: str) -> bool:
    """Whether a container is there. Another run reserves the name first, and starts it last: give it time for both."""
    deadline = time.monotonic() + _OTHER_RUN_SECONDS
    while True:
        found = find_container(engine, name)
        if (found is not None and found.live) or time.monotonic() > deadline:
            return found is not None
        time.sleep(0.05)


def _with_first_endpoint(action: CreateContainer) -> dict[str, Json]:
    body = dict(action.config)
    if action.endpoints:
        first = action.endpoints[0]
        body["HostConfig"] = {**(body.get("HostConfig") or {}), "NetworkMode": first.network}
        # Before API 1.44 the engine takes the settings of one network only.
        body["NetworkingConfig"] = {"EndpointsConfig": {first.network: first.settings.to_api()}}
    return body


def start_container(engine: Engine, action: StartContainer) -> None:
    """Start by name: the container may have been replaced by an earlier action of the same plan."""
    wait_for_others(engine, action.after)
    name = action.container.name
    try:
        if action.container.status == "paused":
            engine.post(f"/containers/{name}/unpause")
        else:
            engine.start(name)
    except EngineError as exc:
        now = find_container(engine, name)
        if now is not None and now.status == "running":
            return
        log = "" if now is None else log_tail(engine, now.raw)
        tail = f", its log ends: {log}" if log else ""
        raise ApplyError(f"could not {action.describe()}: {exc.explanation.rstrip('.')}{tail}") from exc


def update_container(engine: Engine, action: UpdateContainer) -> None:
    try:
        engine.post(f"/containers/{action.container.id}/update", dict(action.config))
    except EngineError as exc:
        raise ApplyError(f"could not {action.describe()}: {exc.explanation.rstrip('.')}") from exc


def remove_container(engine: Engine, action: RemoveContainer) -> None:
    """Remove; what is gone already will do."""
    container = action.container
    try:
        with suppress(NotFound):
            if action.graceful and container.live:
                engine.stop(container.id)
            engine.remove_container(container.id, force=True, volumes=True)
    except Conflict:
        # Another run removes it at this moment.
        if (now := find_container(engine, container.id)) is not None and now.status != "removing":
            raise
    for volume in action.anonymous:
        # Those that a successor took over keep their made-up name, but the engine then takes them for named ones.
        with suppress(NotFound, Conflict):
            engine.delete(f"/volumes/{volume}")


def remove_network(engine: Engine, action: RemoveNetwork) -> None:
    with suppress(NotFound):
        engine.remove_network(action.network.id)


def wait_for_others(engine: Engine, after: Iterable[After]) -> None:
    for one in after:
        wait_until(engine, {one.container: one.condition}, one.timeout)


CONTAINER_EXECUTORS: Executors = {
    PullImage: pull_image,
    CreateVolume: create_volume,
    RemoveVolume: remove_volume,
    CreateContainer: create_container,
    StartContainer: start_container,
    UpdateContainer: update_container,
    RemoveContainer: remove_container,
    RemoveNetwork: remove_network,
}
