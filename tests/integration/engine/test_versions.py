# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What engines of different versions do differently, and how network_attach makes one behaviour of it.

Each test says what is right on every engine; `make test-engines` runs them on several.
"""

from __future__ import annotations

import typing as t

import pytest
from refusal import refusal

Json = t.Any

MAC = "02:94:00:00:00:01"


@pytest.fixture
def attach(module: Json) -> Json:
    return lambda **params: module("network_attach", params)


@pytest.fixture
def refused(module: Json, proxy: Json) -> t.Callable[..., str]:
    """Run network_attach, which must fail without a request that changes anything, and return its message."""
    return lambda **params: refusal(module, proxy, "network_attach", params)


def endpoint(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"][network]


def with_mac(lab: Json, network: str) -> dict[str, Json]:
    """What makes a container with a MAC address of its own: a field of the container before API 1.44."""
    if lab.engine.info.speaks("1.44"):
        return {"networks": {network: {"MacAddress": MAC}}}
    return {"networks": [network], "MacAddress": MAC}


def oldest_spoken(lab: Json) -> str:
    return "1.41" if lab.engine.info.api < (1, 52) else "1.44"


@pytest.mark.parametrize("wanted", [[], ["db"], ["db", "host-of-mine"]])
def test_the_host_name_is_no_alias_that_anyone_must_ask_for(lab, attach, wanted):
    network = lab.network("net")
    container = lab.run("box", networks=[network], Hostname="host-of-mine")
    task = {"network": network, "endpoints": [{"container": container, "aliases": wanted}]}

    attach(**task)
    again = attach(**task)
    pinned = attach(**task, api_version=oldest_spoken(lab))

    assert not again["changed"]
    assert not pinned["changed"]
    asker = lab.run("asker", networks=[network])
    for name in (*wanted, "host-of-mine"):
        assert lab.exec(asker, "ping", "-c1", "-W2", name)[0] == 0


def test_a_stopped_container_keeps_its_settings_when_its_network_is_made_again(lab, attach):
    network = lab.network("net")
    container = lab.run("box", networks={network: {"Aliases": ["db"]}})
    lab.engine.stop(container, 0)
    lab.engine.remove_network(network)

    made = attach(network=network, create={}, containers=[container])
    again = attach(network=network, containers=[container])
    lab.engine.start(container)

    assert [action["action"] for action in made["actions"]] == ["create_network", "reattach"]
    assert made["disruption"] == "none"
    assert not again["changed"]
    assert "db" in endpoint(lab, container, network)["Aliases"]


def test_a_mac_address_of_the_container_is_never_lost(lab, module, attach):
    network = lab.network("net")
    container = lab.run("box", **with_mac(lab, network))
    task = {"network": network, "endpoints": [{"container": container, "aliases": ["db"]}]}
    kept_by_engine = not lab.engine.info.has("1.44") or lab.engine.info.speaks("1.54")
    before = lab.inspect(container)["NetworkSettings"]["Networks"]

    result = module("network_attach", task, fails=not kept_by_engine)

    assert endpoint(lab, container, network)["MacAddress"] == MAC
    if kept_by_engine:
        assert result["changed"]
    else:
        assert MAC in result["msg"]
        assert "29.3" in result["msg"]
        assert lab.inspect(container)["NetworkSettings"]["Networks"] == before
        # The way that the message tells to give it up.
        attach(network=network, containers=[container], state="absent")
        assert attach(**task)["changed"]


def test_mac_address_needs_an_engine_that_honours_it(lab, module, refused):
    network, container = lab.network("net"), lab.run("box")
    task = {"network": network, "endpoints": [{"container": container, "mac_address": MAC}]}
    if lab.engine.info.speaks("1.54"):
        assert module("network_attach", task)["endpoints"][0]["mac_address"] == MAC
        assert endpoint(lab, container, network)["MacAddress"] == MAC
    else:
        assert "mac_address needs API 1.54 (Docker Engine 29.3)" in refused(**task)


def test_gw_priority_keeps_the_default_route_or_is_refused(lab, attach, refused):
    # The names decide without a priority: the one that sorts first takes the route.
    old, new = lab.network("b"), lab.network("a")
    container = lab.run("box", networks=[old])
    task = {"network": new, "endpoints": [{"container": container, "gw_priority": -1}]}
    if not lab.engine.info.speaks("1.48"):
        assert "gw_priority needs API 1.48 (Docker Engine 28.0)" in refused(**task)
        return

    first = attach(**task)
    again = attach(**task)
    reconnected = attach(network=new, endpoints=[{"container": container, "aliases": ["x"]}])

    assert not first.get("warnings")
    assert not again["changed"]
    assert reconnected["endpoints"][0]["gw_priority"] == -1
    assert not reconnected["endpoints"][0]["default_route"]
    gateway = endpoint(lab, container, old)["Gateway"]
    assert f"default via {gateway}" in lab.exec(container, "ip", "route")[1]
    assert "gw_priority needs API 1.48" in refused(**task, api_version="1.44")


@pytest.mark.parametrize("state", ["running", "exited"])
def test_driver_options_are_compared_exactly_and_carried_over(lab, attach, state):
    network = lab.network("net")
    container = lab.run("box")
    if state == "exited":
        lab.engine.stop(container, 0)
    task = {"network": network, "endpoints": [{"container": container, "driver_opts": {"org.example.a": "1"}}]}

    attach(**task)
    again = attach(**task)
    aliased = attach(network=network, endpoints=[{"container": container, "aliases": ["db"]}])
    emptied = attach(network=network, endpoints=[{"container": container, "driver_opts": {}}])

    assert not again["changed"]
    assert aliased["endpoints"][0]["driver_opts"] == {"org.example.a": "1"}
    assert emptied["changed"]
    assert emptied["endpoints"][0]["driver_opts"] == {}
    assert emptied["endpoints"][0]["aliases"] == ["db"]
