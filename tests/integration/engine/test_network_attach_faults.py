# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""network_attach when the engine refuses, breaks off, or was left in a bad state."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import NETWORK_EXECUTORS, apply
from ansible_collections.linklab.docker.plugins.module_utils._attach.observe import observe_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, EngineError
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import plan_attach

Json = t.Any


def endpoint(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"].get(network)


def restart(lab: Json, container: str) -> None:
    lab.engine.post(f"/containers/{container}/restart", t="0")


def plan_then(lab: Json, spec: AttachSpec, between: t.Callable[[], object]) -> None:
    """Plan, let the world change, and apply the plan that no longer fits."""
    plan = plan_attach(spec, observe_attach(lab.engine, spec))
    between()
    apply(lab.engine, plan, NETWORK_EXECUTORS)


def spec(network: str, container: str, **settings: Json) -> AttachSpec:
    return AttachSpec(network, None, (DesiredEndpoint(container, EndpointSettings(**settings)),))


def test_an_address_that_another_has_is_refused_before_anything_changes(lab, module, proxy):
    network = lab.network("net", subnet="10.91.240.0/24")
    holder = lab.run("holder", networks={network: {"IPAMConfig": {"IPv4Address": "10.91.240.7"}}})
    container = lab.run("box", networks={network: {"Aliases": ["a"]}})
    desired = {"container": container, "ipv4_address": "10.91.240.7"}

    params = {"network": network, "endpoints": [desired], "docker_host": proxy.url}
    refused = module("network_attach", params, fails=True)

    assert f"the address 10.91.240.7 is held by {holder}" in refused["msg"]
    assert "Nothing was changed." in refused["msg"]
    assert proxy.changing == []


def test_an_address_taken_meanwhile_leaves_the_endpoint_that_was_there(lab):
    network = lab.network("net", subnet="10.91.241.0/24")
    settings = {"IPAMConfig": {"IPv4Address": "10.91.241.20"}, "Aliases": ["kept"]}
    container = lab.run("box", networks={network: settings})
    desired = spec(network, container, ipv4_address="10.91.241.7")

    with pytest.raises(ApplyError) as failure:
        plan_then(
            lab, desired, lambda: lab.run("thief", networks={network: {"IPAMConfig": {"IPv4Address": "10.91.241.7"}}})
        )

    assert f"could not reattach {container} on {network}" in str(failure.value)
    assert f"The endpoint that {container} had on {network} is back." in str(failure.value)
    raw = endpoint(lab, container, network)
    assert raw["IPAddress"] == "10.91.241.20"
    assert "kept" in raw["Aliases"]
    restart(lab, container)
    assert endpoint(lab, container, network)["IPAddress"] == "10.91.241.20"


def test_a_failed_first_attach_leaves_no_phantom(lab):
    network = lab.network("net", subnet="10.91.242.0/24")
    container = lab.run("box")
    desired = spec(network, container, ipv4_address="10.91.242.7")

    with pytest.raises(ApplyError, match=r"is not attached to .*, as before"):
        plan_then(
            lab, desired, lambda: lab.run("thief", networks={network: {"IPAMConfig": {"IPv4Address": "10.91.242.7"}}})
        )

    assert endpoint(lab, container, network) is None
    restart(lab, container)


@pytest.fixture
def phantom(lab: Json) -> tuple[str, str]:
    """A running container with a phantom endpoint, and its network, left by another tool's failed connect."""
    network = lab.network("net")
    subnet = lab.engine.network(network)["IPAM"]["Config"][0]["Subnet"]
    address = f"{subnet.rpartition('.')[0]}.{int(subnet.rpartition('.')[2].partition('/')[0]) + 9}"
    lab.run("holder", networks={network: {"IPAMConfig": {"IPv4Address": address}}})
    container = lab.run("box")
    with pytest.raises(EngineError):
        lab.connect(network, container, IPAMConfig={"IPv4Address": address}, Aliases=["a"])
    assert endpoint(lab, container, network)["EndpointID"] == ""
    return container, network


def test_a_phantom_endpoint_is_noticed_and_fixed(lab, module, phantom):
    container, network = phantom

    result = module("network_attach", {"network": network, "containers": [container]})

    assert "half made" in result["actions"][0]["reason"]
    assert not module("network_attach", {"network": network, "containers": [container]})["changed"]
    assert "a" in endpoint(lab, container, network)["Aliases"]
    restart(lab, container)
    assert endpoint(lab, container, network)["IPAddress"]


@pytest.mark.parametrize("way", [{"state": "absent"}, {"purge": True}])
def test_a_phantom_endpoint_can_be_detached(lab, module, phantom, way):
    container, network = phantom
    params = {"network": network, **way, **({"containers": [container]} if "state" in way else {})}

    assert module("network_attach", params)["changed"]

    assert not module("network_attach", params)["changed"]
    assert endpoint(lab, container, network) is None
    restart(lab, container)


@pytest.mark.parametrize("fault", ["error", "cut-before", "cut-after"])
# The note of what there was, the disconnect, the connect.
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_fault_at_any_request_of_a_reattach_loses_nothing(lab, module, proxy, fault, number):
    network = lab.network("net", subnet="10.91.243.0/24")
    settings = {"IPAMConfig": {"IPv4Address": "10.91.243.20"}, "Aliases": ["kept"]}
    container = lab.run("box", networks={network: settings})
    params = {
        "network": network,
        "endpoints": [{"container": container, "aliases": ["kept", "new"]}],
        "docker_host": proxy.url,
    }
    proxy.fail_changing(number, fault)

    # Where the engine acted although its answer was lost, the change is there and the task may succeed.
    result = module("network_attach", params, fails=number == 0 or fault != "cut-after")

    raw = endpoint(lab, container, network)
    assert raw["IPAddress"] == "10.91.243.20"
    assert "kept" in raw["Aliases"]
    if result.get("failed"):
        assert ("is back" if number else "Nothing was changed") in result["msg"]
        assert "new" not in raw["Aliases"]
    restart(lab, container)
    proxy.fault = lambda _request: None
    module("network_attach", params)
    assert "new" in endpoint(lab, container, network)["Aliases"]


def test_a_failure_in_the_middle_says_what_stays(lab, module, proxy):
    network = lab.network("net")
    containers = [lab.run(f"box{number}", networks=[network], start=False) for number in range(3)]
    desired_endpoints = [{"container": container, "aliases": ["a"]} for container in containers]
    # The first container's disconnect and connect, then the second one's disconnect.
    proxy.fail_changing(2)

    result = module(
        "network_attach", {"network": network, "endpoints": desired_endpoints, "docker_host": proxy.url}, fails=True
    )

    assert "Of 3 changes, 1 was made and stays; the rest is as it was." in result["msg"]
    assert [action["subject"] for action in result["actions"]] == [f"{containers[0]} on {network}"]
    assert result["changed"]
    assert not module("network_attach", {"network": network, "endpoints": desired_endpoints[:1]})["changed"]
    module("network_attach", {"network": network, "endpoints": desired_endpoints})
