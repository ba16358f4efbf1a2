# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which network carries a container's default route, and when its move is reported."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.default_route import default_route
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Attach, Detach, Disruption, Reattach
from ansible_collections.linklab.docker.plugins.module_utils._plan.route_warnings import route_after, route_warnings
from attach_model import NEW, OLD
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENGINES, Recorded

names = st.sampled_from(["alpha", "bridge", "main", "zoo"])


def endpoint(network: str, priority: int | None = None, gateway: str = "192.0.2.1") -> Endpoint:
    return Endpoint(network, settings=EndpointSettings(gw_priority=priority), gateway=gateway)


def box(*ends: Endpoint, status: str = "running", name: str = "box") -> ContainerState:
    return ContainerState("1" * 64, name, status, endpoints={end.network: end for end in ends})


def attach(container: ContainerState, network: str, priority: int | None = None) -> Attach:
    settings = EndpointSettings(gw_priority=priority)
    return Attach("why", Disruption.NONE, container, network, network, settings)


def reattach(container: ContainerState, network: str, priority: int | None = None) -> Reattach:
    settings = EndpointSettings(gw_priority=priority)
    return Reattach("why", Disruption.RECONNECT, container, network, network, settings, container.endpoints[network])


@pytest.mark.parametrize(
    "ends, internal, route",
    [
        ([], (), ""),
        ([("main", None)], (), "main"),
        ([("main", None), ("alpha", None)], (), "alpha"),
        ([("main", None), ("alpha", None)], ("alpha",), "main"),
        ([("main", 1), ("alpha", 0)], (), "main"),
        ([("main", None), ("alpha", -1)], (), "main"),
        ([("main", None), ("alpha", 9)], ("alpha",), "main"),
        ([("bridge", None), ("Zoo", None)], (), "Zoo"),
        ([("alpha", None)], ("alpha",), "alpha"),
    ],
)
def test_the_route_goes_to_no_internal_network_then_by_priority_then_by_name(ends, internal, route):
    assert default_route([endpoint(*end) for end in ends], internal) == route


def test_a_network_without_a_gateway_carries_no_route():
    assert default_route([endpoint("alpha", gateway="")], ()) == ""
    assert default_route([endpoint("alpha", 5, gateway=""), endpoint("main")], ()) == "main"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_route_of_recorded_containers(engine):
    answers = Recorded(engine)
    full, none = answers.container("full"), answers.container("none")
    assert default_route(full.endpoints.values(), {"internal"}) == "net"
    assert default_route(none.endpoints.values(), ()) == ""


@given(st.lists(names, unique=True, min_size=1), names, st.integers(-1, 1))
def test_a_route_is_where_it_was_or_on_the_network_that_changes(there, network, priority):
    one = box(*map(endpoint, there))
    before = default_route(one.endpoints.values(), ())
    assert route_after(one, attach(one, network, priority), ()) in {before, network, *there}
    if network not in there:
        assert route_after(one, attach(one, network, priority), ()) in {before, network}


@given(st.lists(names, unique=True, min_size=1), names)
def test_a_network_that_is_left_carries_no_route(there, network):
    one = box(*map(endpoint, there))
    after = route_after(one, Detach("why", Disruption.NONE, one, network, network), ())
    assert after != network
    assert (after == "") == (set(there) == {network})


@given(st.lists(names, unique=True, min_size=1), names, st.integers(-1, 1), st.sampled_from([(), ("alpha",)]))
def test_a_moving_route_is_reported_exactly_when_it_moves(there, network, priority, internal):
    one = box(*map(endpoint, there))
    action = (reattach if network in there else attach)(one, network, priority)
    before = default_route(one.endpoints.values(), internal)
    after = route_after(one, action, internal)
    warnings = route_warnings([action], internal, NEW)
    assert len(warnings) == (before != after)
    assert all(f"box moves from {before} to {after}." in warning for warning in warnings)


def test_published_ports_move_with_the_route_where_there_are_any():
    raw = {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}}
    one = replace(box(endpoint("main")), raw=raw)
    (warning,) = route_warnings([attach(one, "alpha")], (), OLD)
    assert warning.startswith("the default route and the published ports of box move from main to alpha. ")


def test_containers_that_move_alike_are_reported_in_one_warning():
    moving = [attach(box(endpoint("main"), name=name), "alpha") for name in ("one", "two")]
    other = attach(box(endpoint("zoo"), name="three"), "alpha")
    first, second = route_warnings([*moving, other], (), OLD)
    assert first.startswith("the default route of one, two moves from main to alpha. ")
    assert first.endswith("from API 1.48 (Engine 28) on, gw_priority decides it.")
    assert "three moves from zoo to alpha" in second


def test_the_way_to_keep_the_route_is_one_that_the_engine_has():
    actions = [attach(box(endpoint("main")), "alpha")]
    assert "give the endpoint on alpha a gw_priority below the one on main" in route_warnings(actions, (), NEW)[0]
    assert "use a network whose name sorts after 'main', or an internal one" in route_warnings(actions, (), OLD)[0]


@pytest.mark.parametrize("status", ["created", "exited"])
def test_nothing_moves_for_a_container_that_does_not_run(status):
    assert route_warnings([attach(box(endpoint("main"), status=status), "alpha")], (), OLD) == ()


def test_a_first_route_is_no_move_and_what_leaves_is_asked_for():
    first: t.Any = attach(box(), "alpha")
    one = box(endpoint("alpha"), endpoint("main"))
    leaving = Detach("why", Disruption.NONE, one, "alpha", "alpha")
    assert route_warnings([first, leaving], (), OLD) == ()
