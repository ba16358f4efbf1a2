# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks that run out of addresses, and addresses of containers that do not run, on the real engine."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import NETWORK_EXECUTORS, apply
from ansible_collections.linklab.docker.plugins.module_utils._attach.observe import observe_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, EngineError, Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import plan_attach

Json = t.Any


def endpoint(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"].get(network)


def free_subnet(lab: Json) -> ipaddress.IPv4Network:
    """Return a /26 that no network has."""
    network = lab.network("gone")
    found = lab.engine.network(network)["IPAM"]["Config"][0]["Subnet"]
    lab.engine.remove_network(network)
    return ipaddress.IPv4Network(found)


def restart(lab: Json, container: str) -> None:
    lab.engine.post(f"/containers/{container}/restart", t="0")


def stop(lab: Json, container: str) -> str:
    lab.engine.post(f"/containers/{container}/stop", t="0")
    return container


@pytest.fixture
def small(lab: Json) -> str:
    """A network that gives two addresses away, out of a larger subnet."""
    subnet = free_subnet(lab)
    config = {"Subnet": str(subnet), "IPRange": f"{subnet.network_address}/30"}
    return str(lab.network("small", IPAM={"Config": [config]}))


@pytest.fixture
def full(lab: Json, small: str) -> str:
    """The same, with two containers on it."""
    for number in range(2):
        lab.run(f"there{number}", networks=[small])
    return small


def half_made(lab: Json, network: str, container: str) -> None:
    """Let the engine fail to attach a container, which leaves it with an endpoint that it does not have."""
    with pytest.raises(EngineError, match="no available IPv4 addresses"):
        lab.connect(network, container)
    assert endpoint(lab, container, network)["EndpointID"] == ""


def plan_then(lab: Json, spec: AttachSpec, between: t.Callable[[], object]) -> str:
    """Plan, let the world change, and apply the plan that no longer fits; return what the failure says."""
    plan = plan_attach(spec, observe_attach(lab.engine, spec))
    between()
    with pytest.raises(ApplyError) as failure:
        apply(lab.engine, plan, NETWORK_EXECUTORS)
    return str(failure.value)


def spec(network: str, container: str, **settings: Json) -> AttachSpec:
    return AttachSpec(network, None, (DesiredEndpoint(container, EndpointSettings(**settings)),))


# -- more containers than addresses -----------------------------------------------------------------------------------


def test_a_new_network_with_too_few_addresses_is_not_even_made(lab, module, proxy):
    subnet = free_subnet(lab)
    names = [lab.run(f"box{number}") for number in range(3)]
    config = {"subnet": str(subnet), "ip_range": f"{subnet.network_address}/30"}
    params = {"network": lab.name("net"), "create": {"ipam": {"config": [config]}}, "containers": names}

    refused = module("network_attach", {**params, "docker_host": proxy.url}, fails=True)

    assert (
        f"ip_range {config['ip_range']}) has 2 addresses to give away, and 3 more containers need one" in refused["msg"]
    )
    assert proxy.changing == []


@pytest.mark.parametrize(
    "subnet,further",
    [
        ("/30", {}),
        ("/26", {"IPRange": (0, "/30")}),
        ("/26", {"IPRange": (4, "/30"), "AuxiliaryAddresses": {"router": (5, "")}}),
        ("/26", {"IPRange": (60, "/30")}),
        ("/26", {"ipv6": "fd00:94:77::/126"}),
    ],
)
def test_exactly_what_the_engine_gives_away_is_counted(lab, subnet, further):
    """One after the other is attached: the plan is refused where the engine fails, and only there."""
    base = free_subnet(lab)

    def text(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: text(one) for key, one in value.items()}
        return f"{base[value[0]]}{value[1]}"

    ipv6 = further.get("ipv6")
    config = {"Subnet": f"{base[0]}{subnet}", **{key: text(value) for key, value in further.items() if key != "ipv6"}}
    configs = [config, *([{"Subnet": ipv6}] if ipv6 else [])]
    network = lab.network("net", EnableIPv6=bool(ipv6), IPAM={"Config": configs})
    refused = failed = False
    for number in range(8):
        container = lab.run(f"box{number}")
        asked = spec(network, container)
        try:
            plan_attach(asked, observe_attach(lab.engine, asked))
        except Refusal:
            refused = True
        try:
            lab.connect(network, container)
        except EngineError:
            failed = True
        assert refused == failed, f"at container {number + 1}"
        if failed:
            break
    assert failed


def test_containers_that_do_not_run_count_as_well(lab, module, small):
    lab.run("runs", networks=[small])
    created = lab.run("created", networks=[small], start=False)

    refused = module("network_attach", {"network": small, "containers": [lab.run("box")]}, fails=True)

    assert f"({created} among them, not running)" in refused["msg"]


def test_a_stopped_container_that_finds_no_address_is_not_called_attached(lab, module, full):
    container = lab.run("box")
    half_made(lab, full, container)
    with pytest.raises(EngineError):
        restart(lab, container)

    refused = module("network_attach", {"network": full, "containers": [container]}, fails=True)
    assert "0 addresses to give away, and 1 more container needs one" in refused["msg"]

    module("network_attach", {"network": full, "containers": [lab.name("there0")], "state": "absent"})
    assert not module("network_attach", {"network": full, "containers": [container]})["changed"]
    restart(lab, container)
    assert endpoint(lab, container, full)["IPAddress"]


def test_what_a_failed_attach_leaves_is_cleaned_up_with_an_address_next_to_the_range(lab, small):
    lab.run("there", networks=[small])
    container, other = lab.run("box"), lab.run("other")

    said = plan_then(lab, spec(small, container, aliases=("a",)), lambda: lab.connect(small, other))

    assert f"{container} is not attached to {small}, as before" in said
    assert "something else" not in said
    assert endpoint(lab, container, small) is None
    restart(lab, container)


def test_where_it_cannot_be_cleaned_up_the_way_out_is_reported_and_works(lab, module):
    subnet = free_subnet(lab)
    network = lab.network("net", IPAM={"Config": [{"Subnet": f"{subnet.network_address}/30"}]})
    container, other = lab.run("box"), lab.run("other")

    said = plan_then(lab, spec(network, container), lambda: lab.connect(network, other))

    assert "something else" not in said
    assert f"{container} runs on, but cannot be started again" in said
    assert f"docker stop {container}; docker network disconnect {network} {container}" in said
    stop(lab, container)
    lab.engine.disconnect(network, container)
    lab.engine.start(container)
    assert endpoint(lab, container, network) is None


@pytest.mark.parametrize("kind", ["container_link", "topology", "link_migrate"])
def test_every_module_that_attaches_counts_before(lab, module, proxy, full, kind):
    target, source = lab.run("target"), lab.name("source")
    if kind == "link_migrate":
        lab.run("source", links=[f"{target}:db"])
        params: Json = {"network": full, "containers": [source]}
    elif kind == "topology":
        desired = {"image": "linklab-test/busybox", "command": "sleep 1000", "networks": [full]}
        params = {
            "name": lab.name("t"),
            "networks": {full: {"external": True}},
            "containers": {lab.name("new"): desired},
        }
    else:
        params = {"container": lab.run("source"), "links": [target], "network": full}

    refused = module(kind, {**params, "docker_host": proxy.url}, fails=True)

    assert "has 0 addresses to give away" in refused["msg"]
    assert proxy.changing == []


# -- addresses of containers that do not run --------------------------------------------------------------------------


@pytest.fixture
def asleep(lab: Json) -> tuple[str, str, str]:
    """A network, a stopped container, and the static address of that."""
    subnet = free_subnet(lab)
    network, address = lab.network("net", subnet=str(subnet)), str(subnet[7])
    container = lab.run("asleep", networks={network: {"IPAMConfig": {"IPv4Address": address}}})
    return network, stop(lab, container), address


@pytest.mark.parametrize("kind", ["network_attach", "topology"])
def test_the_address_of_a_stopped_container_is_not_given_away(lab, module, proxy, asleep, kind):
    network, holder, address = asleep
    desired = {"image": "linklab-test/busybox", "networks": {network: {"ipv4_address": address}}}
    params: Json = {
        "name": lab.name("t"),
        "networks": {network: {"external": True}},
        "containers": {lab.name("n"): desired},
    }
    if kind == "network_attach":
        params = {"network": network, "endpoints": [{"container": lab.run("box"), "ipv4_address": address}]}

    refused = module(kind, {**params, "docker_host": proxy.url}, fails=True)

    assert f"the address {address} is that of {holder}, which is exited" in refused["msg"]
    assert proxy.changing == []
    lab.engine.start(holder)


def test_an_address_that_a_stopped_container_gives_up_is_free(lab, module, asleep):
    network, holder, address = asleep
    other = {"container": holder, "ipv4_address": str(ipaddress.ip_address(address) + 1)}
    desired_endpoints = [{"container": lab.run("box"), "ipv4_address": address}, other]

    module("network_attach", {"network": network, "endpoints": desired_endpoints})
    lab.engine.start(holder)

    assert endpoint(lab, holder, network)["IPAddress"] == other["ipv4_address"]


def test_an_address_that_the_engine_may_give_away_is_warned_of(lab, module, asleep):
    network, holder, address = asleep
    params = {"network": network, "containers": [lab.run("box")]}

    for check in (True, False):
        result = module("network_attach", params, check=check)
        assert any(f"{address} of {holder}" in text for text in result["warnings"]), result["warnings"]
    assert module("network_attach", params)["warnings"] == []


@pytest.mark.parametrize("kind", ["container_link", "link_migrate"])
def test_the_other_modules_warn_as_well(lab, module, asleep, kind):
    network, holder, address = asleep
    target, links = lab.run("target"), [f"{lab.name('target')}:db"]
    source = lab.run("source", links=links if kind == "link_migrate" else ())
    params = {"containers": [source], "network": network}
    if kind == "container_link":
        params = {"container": source, "links": [target], "network": network}

    result = module(kind, params, check=True)

    assert any(f"{address} of {holder}" in text for text in result["warnings"]), result["warnings"]


def test_who_cannot_start_since_another_has_its_address_is_named(lab, module, asleep):
    network, holder, address = asleep
    thief = lab.run("thief", networks={network: {"IPAMConfig": {"IPv4Address": address}}})

    result = module("network_attach", {"network": network, "containers": [holder]})

    assert any(
        f"{holder} (exited) cannot start: {thief} has its address {address}" in one for one in result["warnings"]
    )
    assert not result["changed"]
