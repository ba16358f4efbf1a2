# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order, and how many at a time, containers are removed: what is sent, not what an engine makes of it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.containers import _with_endpoints, remove_container
from ansible_collections.linklab.docker.plugins.module_utils._engine import client
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint
from ansible_collections.linklab.docker.plugins.module_utils._plan.container_actions import (
    CreateContainer,
    RemoveContainer,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption, NewEndpoint


class Recorder(Engine):
    """Writes down what would be sent, and how many requests of a kind were under way at once."""

    def __init__(self, api: str) -> None:
        self.connection = Connection()
        self.info = EngineInfo(api)
        self.sent: list[str] = []
        self.timeouts: list[float | None] = []
        self.most: dict[str, int] = {}
        self._now: dict[str, int] = {}
        self._lock = threading.Lock()

    def request(self, method, path, *, timeout=None, **_more):
        kind = path.rpartition("/")[2] if method == "POST" else method
        with self._lock:
            self.sent.append(f"{method} {path}")
            self.timeouts.append(timeout)
            self._now[kind] = self._now.get(kind, 0) + 1
            self.most[kind] = max(self.most.get(kind, 0), self._now[kind])
        # A removal takes the engine longer than a disconnect.
        time.sleep(0.05 if method == "DELETE" else 0.005)
        with self._lock:
            self._now[kind] -= 1
        return type("Answer", (), {"content": b"", "status_code": 204})()


def removal(name: str = "box", *, status: str = "running", graceful: bool = False, **config) -> RemoveContainer:
    endpoints = {net: Endpoint(net, f"{net}-id", "end") for net in ("front", "back")}
    container = ContainerState(f"{name}-id", name, status, endpoints=endpoints, raw={"Config": config})
    return RemoveContainer("", Disruption.NONE, container, graceful, ())


def remove_many(engine: Recorder, *, graceful: bool) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: remove_container(engine, removal(f"{number}", graceful=graceful)), range(16)))


def test_an_engine_that_may_lose_count_sees_containers_leave_their_networks_before_they_are_removed():
    engine = Recorder("1.41")
    remove_container(engine, removal())
    assert engine.sent == [
        "POST /networks/front-id/disconnect",
        "POST /networks/back-id/disconnect",
        "DELETE /containers/box-id",
    ]


def test_one_that_counts_well_does_with_one_request():
    engine = Recorder(client._COUNTS_ENDPOINTS_WELL)
    remove_container(engine, removal())
    assert engine.sent == ["DELETE /containers/box-id"]


def test_a_container_that_does_not_run_has_no_endpoint_to_leave():
    engine = Recorder("1.41")
    remove_container(engine, removal(status="exited"))
    assert engine.sent == ["DELETE /containers/box-id"]


@pytest.mark.parametrize("api, most", [("1.41", 1), ("1.51", 0)])
def test_they_leave_one_by_one_and_are_removed_at_once(api, most):
    engine = Recorder(api)
    remove_many(engine, graceful=False)
    assert engine.most.get("disconnect", 0) == most
    assert engine.most["DELETE"] > 1


@pytest.mark.parametrize("api, least, most", [("1.41", 1, 2), ("1.51", 3, 8)])
def test_two_are_stopped_at_once_by_an_engine_that_may_lose_count(api, least, most):
    engine = Recorder(api)
    remove_many(engine, graceful=True)
    assert least <= engine.most["stop"] <= most


def test_the_request_to_stop_waits_for_as_long_as_the_container_may_take():
    engine = Recorder("1.51")
    remove_container(engine, removal(graceful=True, StopTimeout=120))
    assert engine.timeouts[0] == engine.connection.timeout + 120


# -- MAC addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "api, whole, at_once",
    [("1.41", "02:42:00:00:00:01", ["front"]), ("1.44", None, ["front", "back"])],
)
def test_mac_addresses_go_with_the_creation_as_the_engine_takes_them(api, whole, at_once):
    ends = tuple(
        NewEndpoint(name, name, EndpointSettings(mac_address=mac))
        for name, mac in (("front", "02:42:00:00:00:01"), ("back", "02:42:00:00:00:02"), ("other", None))
    )
    body = _with_endpoints(CreateContainer("", Disruption.NONE, "box", {}, ends), EngineInfo(api))
    assert body.get("MacAddress") == whole
    assert list(body["NetworkingConfig"]["EndpointsConfig"]) == at_once
