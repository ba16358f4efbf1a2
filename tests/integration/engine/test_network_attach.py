# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""network_attach on the real engine: what it makes, what it keeps, what it notices."""

from __future__ import annotations

import typing as t

import pytest

Json = t.Any


@pytest.fixture
def attach(module: Json) -> Json:
    """Run network_attach and return its result; fails the test if the module fails, unless it should."""
    return lambda **params: module("network_attach", params)


def endpoint(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"].get(network)


def names(actions: Json) -> list[str]:
    return [action["action"] for action in actions]


def requested(raw: Json, container: Json) -> set[str]:
    """The aliases without the short ID that engines before API 1.45 add."""
    return set(raw["Aliases"] or ()) - {container["Id"][:12]}


def test_a_missing_network_is_made_and_running_containers_join_it(lab, attach):
    first, second = lab.run("first"), lab.run("second")
    network = lab.name("net")
    before = [lab.inspect(name)["Id"] for name in (first, second)]

    made = attach(network=network, create={"labels": {"made": "here"}}, containers=[first, second])
    again = attach(network=network, create={"labels": {"made": "here"}}, containers=[second, first])

    assert made["changed"]
    assert names(made["actions"]) == ["create_network", "attach", "attach"]
    assert made["disruption"] == "none"
    assert not again["changed"]
    assert again["actions"] == []
    assert [lab.inspect(name)["Id"] for name in (first, second)] == before
    assert lab.engine.network(network)["Labels"] == {"made": "here"}
    assert lab.exec(first, "ping", "-c1", "-W2", second)[0] == 0


def test_a_container_of_the_default_bridge_keeps_its_id_its_process_and_its_bridge(lab, attach):
    container, network = lab.run("box"), lab.network("net")
    before = lab.inspect(container)

    attach(network=network, containers=[container])

    after = lab.inspect(container)
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert after["NetworkSettings"]["Networks"]["bridge"] == before["NetworkSettings"]["Networks"]["bridge"]


def test_one_more_alias_keeps_address_aliases_links_and_id(lab, attach):
    network = lab.network("net", subnet="10.91.250.0/24")
    other = lab.run("other", networks=[network])
    settings = {"IPAMConfig": {"IPv4Address": "10.91.250.77"}, "Aliases": ["db", "primary"], "Links": [f"{other}:o"]}
    container = lab.run("box", networks={network: settings})
    before = lab.inspect(container)

    changed = attach(network=network, endpoints=[{"container": container, "aliases": ["db", "primary", "extra"]}])
    again = attach(network=network, endpoints=[{"container": container, "aliases": ["extra", "primary", "db"]}])

    after, raw = lab.inspect(container), endpoint(lab, container, network)
    assert names(changed["actions"]) == ["reattach"]
    assert changed["disruption"] == "reconnect"
    assert changed["actions"][0]["reason"] == "aliases: +extra"
    assert not again["changed"]
    assert after["Id"] == before["Id"]
    assert after["State"]["Pid"] == before["State"]["Pid"]
    assert raw["IPAddress"] == raw["IPAMConfig"]["IPv4Address"] == "10.91.250.77"
    assert requested(raw, after) == {"db", "primary", "extra"}
    assert raw["Links"] == [f"{other}:o"]
    assert lab.exec(other, "ping", "-c1", "-W2", "extra")[0] == 0


def test_an_alias_that_the_task_no_longer_names_is_removed(lab, attach):
    network = lab.network("net")
    container = lab.run("box", networks={network: {"Aliases": ["old", "kept"]}})

    changed = attach(network=network, endpoints=[{"container": container, "aliases": ["kept"]}])
    none_left = attach(network=network, endpoints=[{"container": container, "aliases": []}])

    assert changed["actions"][0]["reason"] == "aliases: -old"
    assert none_left["actions"][0]["reason"] == "aliases: -kept"
    assert requested(endpoint(lab, container, network), lab.inspect(container)) == set()


def test_settings_that_are_not_given_are_not_compared(lab, attach):
    network = lab.network("net")
    container = lab.run("box", networks={network: {"Aliases": ["a"], "DriverOpts": {"k": "v"}}})

    assert not attach(network=network, containers=[container])["changed"]
    assert not attach(network=network, endpoints=[{"container": container, "driver_opts": {"k": "v"}}])["changed"]
    changed = attach(network=network, endpoints=[{"container": container, "driver_opts": {"k": "w"}}])

    assert changed["actions"][0]["reason"] == "driver_opts: {'k': 'w'}, not {'k': 'v'}"
    raw = endpoint(lab, container, network)
    assert raw["DriverOpts"] == {"k": "w"}
    assert "a" in raw["Aliases"]


@pytest.mark.parametrize("status", ["created", "exited", "paused"])
def test_a_container_that_does_not_run_is_idempotent(lab, attach, status):
    network = lab.network("net", subnet="10.91.251.0/24")
    container = lab.run("box", start=status != "created")
    if status == "exited":
        lab.engine.stop(container, 0)
    elif status == "paused":
        lab.engine.post(f"/containers/{container}/pause")
    desired = {"container": container, "aliases": ["a"], "ipv4_address": "10.91.251.9"}

    first = attach(network=network, endpoints=[desired])
    second = attach(network=network, endpoints=[desired])
    changed = attach(network=network, endpoints=[{**desired, "aliases": ["b"]}])
    gone = attach(network=network, containers=[container], state="absent")
    still_gone = attach(network=network, containers=[container], state="absent")

    assert names(first["actions"]) == ["attach"]
    assert not second["changed"]
    assert names(changed["actions"]) == ["reattach"]
    assert changed["disruption"] == ("reconnect" if status == "paused" else "none")
    assert names(gone["actions"]) == ["detach"]
    assert not still_gone["changed"]
    assert lab.inspect(container)["State"]["Status"] == status


def test_a_stopped_container_starts_with_what_was_set(lab, attach):
    network = lab.network("net", subnet="10.91.252.0/24")
    container = lab.run("box", start=False)
    attach(network=network, endpoints=[{"container": container, "aliases": ["a"], "ipv4_address": "10.91.252.9"}])

    lab.engine.start(container)

    raw = endpoint(lab, container, network)
    assert raw["IPAddress"] == "10.91.252.9"
    assert "a" in raw["Aliases"]


def test_a_stopped_container_of_a_network_that_was_recreated_can_start_again(lab, attach):
    network = lab.network("net")
    container = lab.run("box", networks={network: {"Aliases": ["a"]}})
    lab.engine.stop(container, 0)
    lab.engine.remove_network(network)
    lab.network("net")

    changed = attach(network=network, containers=[container])

    assert "recreated" in changed["actions"][0]["reason"]
    assert not attach(network=network, containers=[container])["changed"]
    lab.engine.start(container)
    assert "a" in endpoint(lab, container, network)["Aliases"]


def test_ids_and_short_ids_work_like_names(lab, attach):
    network, other, container = lab.network("net"), lab.run("other"), lab.run("box")
    ident, other_id = lab.inspect(container)["Id"], lab.inspect(other)["Id"]
    network_id = lab.engine.network(network)["Id"]

    attach(network=network_id, endpoints=[{"container": ident, "links": [f"{other_id}:o"]}, {"container": other}])
    again = attach(
        network=network_id[:12],
        endpoints=[{"container": container, "links": [f"{other}:o"]}, {"container": other_id[:12]}],
    )

    assert not again["changed"]
    assert lab.exec(container, "ping", "-c1", "-W2", "o")[0] == 0


def test_purge_with_nothing_named_detaches_all(lab, attach):
    network = lab.network("net")
    running, stopped = lab.run("running", networks=[network]), lab.run("stopped", networks=[network], start=False)

    gone = attach(network=network, purge=True)

    assert sorted(action["subject"] for action in gone["actions"]) == [
        f"{running} on {network}",
        f"{stopped} on {network}",
    ]
    assert not attach(network=network, containers=[], endpoints=[], purge=True)["changed"]
    assert endpoint(lab, running, network) is None
    assert endpoint(lab, stopped, network) is None


def test_purge_keeps_those_that_are_named(lab, attach):
    network = lab.network("net")
    kept, gone = lab.run("kept", networks=[network]), lab.run("gone", networks=[network])
    kept_endpoint = endpoint(lab, kept, network)

    result = attach(network=network, containers=[kept], purge=True)

    assert [action["subject"] for action in result["actions"]] == [f"{gone} on {network}"]
    assert endpoint(lab, kept, network) == kept_endpoint


def test_absent_of_what_is_not_there_is_no_change(lab, attach):
    container = lab.run("box")

    assert not attach(network=lab.name("nowhere"), containers=[container], state="absent")["changed"]
    network = lab.network("net")
    assert not attach(network=network, containers=[container, "no-such-container"], state="absent")["changed"]


def test_two_containers_can_swap_their_addresses(lab, attach):
    network = lab.network("net", subnet="10.91.253.0/24")
    address = {"one": "10.91.253.11", "two": "10.91.253.12"}
    one, two = (
        lab.run(name, networks={network: {"IPAMConfig": {"IPv4Address": address[name]}}}) for name in ("one", "two")
    )

    desired_endpoints = [
        {"container": one, "ipv4_address": address["two"]},
        {"container": two, "ipv4_address": address["one"]},
    ]
    attach(network=network, endpoints=desired_endpoints)

    assert endpoint(lab, one, network)["IPAddress"] == address["two"]
    assert endpoint(lab, two, network)["IPAddress"] == address["one"]
    assert not attach(network=network, endpoints=desired_endpoints)["changed"]


def test_a_moving_default_route_is_reported_and_then_true(lab, attach):
    first, sooner = lab.network("m"), lab.network("a")
    container = lab.run("box", networks=[first])
    assert attach(network=first, containers=[container])["endpoints"][0]["default_route"]

    result = attach(network=sooner, containers=[container])

    gateway = lab.engine.network(sooner)["IPAM"]["Config"][0]["Subnet"].rpartition(".")[0]
    _code, route = lab.exec(container, "ip", "route", "show", "default")
    assert f"via {gateway}." in route
    assert result["endpoints"][0]["default_route"]
    assert any(f"{container} moves from {first} to {sooner}" in warning for warning in result["warnings"])


def test_a_network_that_sorts_later_or_is_internal_does_not_move_the_default_route(lab, attach):
    first, later, internal = lab.network("m"), lab.network("z"), lab.network("a", Internal=True)
    container = lab.run("box", networks=[first])

    for network in (later, internal):
        result = attach(network=network, containers=[container])
        assert not result["endpoints"][0]["default_route"]
        assert not result.get("warnings")


def test_a_network_that_differs_from_create_is_used_and_reported(lab, attach):
    network, container = lab.network("net"), lab.run("box")

    result = attach(network=network, create={"internal": True}, containers=[container])

    assert names(result["actions"]) == ["attach"]
    assert any("exists with internal False and not True" in warning for warning in result["warnings"])


def test_a_reconnect_under_the_cap_none_is_refused_with_the_reason(lab, attach, module):
    network = lab.network("net")
    container = lab.run("box", networks=[network])
    desired = {"container": container, "aliases": ["a"]}

    refused = module("network_attach", {"network": network, "endpoints": [desired], "disruption": "none"}, fails=True)

    assert "disruption=none allows" in refused["msg"]
    assert "aliases: +a" in refused["msg"]
    assert "set disruption: reconnect" in refused["msg"]
    assert "a" not in (endpoint(lab, container, network)["Aliases"] or [])
    # What does not disturb anything is allowed under the same cap.
    attach(network=network, containers=[lab.run("new")], disruption="none")


def test_check_mode_tells_the_real_run_and_sends_no_changing_request(lab, module, proxy):
    network, container, other = lab.network("net"), lab.run("box"), lab.run("other")
    lab.connect(network, other, Aliases=["x"])
    params = {
        "network": network,
        "endpoints": [{"container": container, "aliases": ["a"]}, {"container": other, "aliases": ["y"]}],
        "docker_host": proxy.url,
    }

    for wanted in (params, {"network": network, "purge": True, "docker_host": proxy.url}):
        proxy.requests.clear()
        checked = module("network_attach", wanted, check=True, diff=True)
        assert proxy.requests
        assert proxy.changing == []
        real = module("network_attach", wanted, diff=True)
        assert proxy.changing != []
        assert checked["actions"] == real["actions"] != []
        assert checked["diff"] == real["diff"]
        assert checked["disruption"] == real["disruption"]


def test_a_run_with_nothing_to_do_reads_one_request_per_container(lab, module, proxy):
    network = lab.network("net")
    containers = [lab.run(f"box{number}", networks=[network]) for number in range(3)]

    module("network_attach", {"network": network, "containers": containers, "docker_host": proxy.url})

    # The notes are what a killed run would have left of endpoints.
    assert len(proxy.requests) == len(["version", "notes", "network"]) + len(containers)


def test_two_runs_at_once_converge(lab, module):
    from concurrent.futures import ThreadPoolExecutor

    containers = [lab.run(f"box{number}") for number in range(6)]
    params = {"network": lab.name("net"), "create": {}, "containers": containers}

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _number: module("network_attach", params), range(3)))

    assert all(len(result["endpoints"]) == 6 for result in results)
    assert len([net for net in lab.engine.networks() if net["Name"] == params["network"]]) == 1
