# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What network_attach reads, from answers that were recorded, and what it tells of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._attach.observe import attach_result, observe_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import AttachState, plan_attach
from recorded import ENGINES, Recorded, playback


@pytest.fixture(params=ENGINES)
def answers(request: pytest.FixtureRequest) -> Recorded:
    return Recorded(request.param)


INFO = {"Plugins": {"Network": ["bridge"]}, "Swarm": {"ControlAvailable": True}}


@pytest.fixture
def observe(answers: Recorded, tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[AttachSpec], AttachState]:
    """Observe what was recorded, on an engine that has one driver."""

    def call(spec: AttachSpec) -> AttachState:
        # A unix socket's path may have 107 bytes at most, and the test's own folder can be longer.
        socket = tmp_path_factory.mktemp("playback") / "sock"
        with playback(socket, answers.raw["version"], {**answers.by_path(), "/info": INFO}) as engine:
            return observe_attach(engine, spec)

    return call


def spec(*names: str, network: str = "net", **fields: t.Any) -> AttachSpec:
    desired_endpoints = tuple(DesiredEndpoint(name, EndpointSettings()) for name in names)
    return AttachSpec(**{"network": network, "create": None, "desired_endpoints": desired_endpoints, **fields})


def test_the_containers_of_the_task_are_read_and_no_others(observe, answers):
    state = observe(spec("full", answers.raw["containers"]["exited"]["Id"]))
    assert {one.name for one in state.containers.values()} == {"full", "exited"}
    assert state.network == answers.network("net")
    assert state.others == ()
    # One of them is on another network besides, so that the internal ones matter for its default route.
    assert state.internal == {"internal"}


def test_no_other_network_is_read_where_none_matters(observe):
    state = observe(spec("exited"))
    assert (state.internal, state.known_networks) == (frozenset(), ())


def test_link_targets_are_read_unless_the_containers_are_to_be_detached(observe):
    desired_endpoints = (DesiredEndpoint("full", EndpointSettings(links=(Link("target", "t"),))),)
    assert "target" in observe(spec(desired_endpoints=desired_endpoints)).containers
    assert "target" not in observe(spec(desired_endpoints=desired_endpoints, present=False)).containers


def test_all_names_are_read_where_one_is_missing(observe, answers):
    state = observe(spec("full", "ful"))
    assert {other.name for other in state.others} == set(answers.raw["containers"])
    assert observe(spec("ful", present=False)).others == ()


def test_purge_finds_phantoms_and_stopped_containers_too(observe, answers):
    state = observe(spec("full", purge=True))
    purged = {action.container.name for action in plan_attach(spec("full", purge=True), state).actions}
    assert purged == {"created", "exited", "phantom"}


def test_a_missing_network_is_reported_with_the_ones_that_are_there(observe):
    state = observe(spec("full", network="nett", create=NetworkSpec("nett")))
    assert state.network is None
    assert {known.name for known in state.known_networks} == {"net", "internal", "bridge"}
    assert "10.94.200.0/24" in {one.subnet for known in state.known_networks for one in known.subnets}


@pytest.mark.parametrize(
    "fields, drivers",
    [
        ({"network": "new", "create": NetworkSpec("new", driver="weave")}, ("bridge",)),
        ({"network": "new", "create": NetworkSpec("new", driver="macvlan")}, ()),
        ({"network": "new", "create": NetworkSpec("new", driver="weave"), "present": False}, ()),
        ({"create": NetworkSpec("net", driver="weave")}, ()),
        ({}, ()),
    ],
)
def test_what_the_engine_has_for_new_networks_is_read_where_one_needs_it(observe, fields, drivers):
    assert observe(spec("full", **fields)).network_support.drivers == drivers


def test_what_is_reported_of_a_network_that_is_missing():
    assert attach_result(spec("full"), AttachState(Recorded("28").info)) == {
        "network": {"name": "net"},
        "endpoints": [],
    }


def test_what_is_reported_of_endpoints(observe, answers):
    asked = spec("created", "target", "full")
    told = attach_result(asked, observe(asked))
    net, full = answers.network("net"), answers.container("full")
    assert told["network"] == {
        "id": net.id,
        "name": "net",
        "driver": "bridge",
        "internal": False,
        "subnets": ["10.94.200.0/24", "fd00:94:200::/64"],
    }
    # In the order of the task, and none for a container that is not attached.
    created, attached = told["endpoints"]
    assert attached == {
        "container": "full",
        "container_id": full.id,
        "status": "running",
        "id": full.endpoints["net"].endpoint_id,
        "ipv4_address": "10.94.200.7",
        "ipv6_address": "fd00:94:200::7",
        "mac_address": "02:42:0a:5e:c8:77",
        "aliases": ["db", "primary"],
        "links": ["bridge:other", "target:cache"],
        "driver_opts": {"k": "v"},
        "gw_priority": 0,
        "default_route": True,
    }
    assert (created["status"], created["id"], created["ipv4_address"]) == ("created", "", "")
    assert (created["aliases"], created["default_route"]) == (["early"], False)
