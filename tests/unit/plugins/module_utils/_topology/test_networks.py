# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks that are replaced under their members: single plans, and what holds for all of them on a model."""

from __future__ import annotations

import copy
import typing as t
from contextlib import suppress
from unittest import mock

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply import networks as apply_networks
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, EngineError, Refusal
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from ansible_collections.linklab.docker.plugins.module_utils._recovery import endpoint_notes
from hypothesis import assume, given
from hypothesis import strategies as st
from topology_model import CONTAINERS, FOREIGN, carry_out, check, converge, do_by_hand, new_engine, plan, tasks

if t.TYPE_CHECKING:
    from engine_model import EngineModel

Json = t.Any
ANY = "an address of the network's choice"


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_networks, "GRACE_SECONDS", 0)


def lab(subnet: str = "10.94.0.0/24", containers: Json = None, **options: Json) -> dict[str, Json]:
    network = {"ipam": {"config": [{"subnet": subnet}]}, **options}
    ends = {"web": {"aliases": ["www"]}, "db": None} if containers is None else containers
    return {
        "name": "lab",
        "networks": {"net": network},
        "containers": {name: {"image": "plain", "networks": {"net": end}} for name, end in ends.items()},
    }


def mtu(value: int) -> Json:
    return {"driver_opts": {"com.docker.network.driver.mtu": value}}


def made(task: Json) -> EngineModel:
    engine = new_engine()
    converge(engine, task)
    return engine


def ends_of(engine: EngineModel, network: str) -> dict[str, Json]:
    """Return the endpoints on a network by the container's name, without what a new endpoint has another of."""
    found = {}
    for raw in engine.raw.values():
        end = copy.deepcopy(raw["NetworkSettings"]["Networks"].get(network))
        if end is not None:
            for key in ("EndpointID", "NetworkID", "Gateway"):
                end.pop(key, None)
            found[raw["Name"][1:]] = end
    return found


def test_another_subnet_is_a_reconnect_of_everybody() -> None:
    engine = made(lab())
    engine.create_container("guest", {"Image": "plain"})
    engine.start("guest")
    engine.connect("net", "guest", {"Aliases": ["theirs"]})
    engine.stop("db")
    found = plan(engine, lab("10.94.9.0/24"))
    assert found.text().splitlines() == [
        "~ replace network net: subnet 10.94.0.0/24 becomes 10.94.9.0/24 [reconnect]",
        f"~ reattach web on net: its network is replaced; aliases www, {ANY} [reconnect]",
        f"~ reattach db on net: its network is replaced; {ANY} [none]",
        f"~ reattach guest on net: its network is replaced; aliases theirs, {ANY} [reconnect]",
        "~ start container db: it is exited [none]",
    ]
    assert any("not of the topology as well: guest" in warning for warning in found.warnings)
    with pytest.raises(Refusal, match="disruption=none"):
        found.allow(Disruption.NONE)


def test_on_the_same_subnet_everybody_keeps_the_address() -> None:
    engine = made(lab(containers={"web": None, "db": {"ipv4_address": "10.94.0.77"}}))
    before = {name: end["IPAddress"] for name, end in ends_of(engine, "net").items()}
    converge(engine, lab(containers={"web": None, "db": {"ipv4_address": "10.94.0.77"}}, **mtu(1400)))
    assert {name: end["IPAddress"] for name, end in ends_of(engine, "net").items()} == before
    assert engine.network("net")["Options"] == {"com.docker.network.driver.mtu": "1400"}


def test_labels_alone_are_a_warning() -> None:
    engine = made(lab())
    found = plan(engine, lab(labels={"team": "blue"}))
    assert not found.actions
    assert "team=blue" in found.warnings[0]


def test_what_the_task_does_not_name_stays() -> None:
    engine = made(lab(internal=True, labels={"team": "blue"}, **mtu(1400)))
    converge(engine, lab("10.94.9.0/24"))
    there = engine.network("net")
    assert there["Internal"]
    assert there["Options"] == {"com.docker.network.driver.mtu": "1400"}
    assert there["Labels"]["team"] == "blue"


def test_what_the_task_says_nothing_about_comes_back_and_what_goes_is_not_attached_again() -> None:
    first = lab()
    first["containers"] |= {"byhand": {"image": "plain"}, "going": {"image": "plain", "networks": ["net"]}}
    engine = made(first)
    engine.connect("net", "byhand", {"Aliases": ["mine"]})
    second = lab("10.94.9.0/24")
    second["containers"]["byhand"] = {"image": "plain"}

    found = converge(engine, {**second, "purge": True})

    assert "mine" in ends_of(engine, "net")["byhand"]["Aliases"]
    assert [one.describe() for one in found.actions if "going" in one.subject] == ["remove container going"]
    assert not any("byhand" in warning for warning in found.warnings)


def test_an_address_outside_of_the_new_subnet_is_refused_before_anything() -> None:
    engine = made(lab(containers={"web": {"ipv4_address": "10.94.0.77"}}))
    changes = engine.changes
    with pytest.raises(Refusal, match=r"web: the address 10\.94\.0\.77 is outside"):
        plan(engine, lab("10.94.9.0/24", containers={"web": {}}))
    assert engine.changes == changes
    converge(engine, lab("10.94.9.0/24", containers={"web": {"ipv4_address": "10.94.9.77"}}))
    assert ends_of(engine, "net")["web"]["IPAddress"] == "10.94.9.77"


def test_all_reasons_against_it_are_one_message() -> None:
    engine = made(lab())
    engine.create_container("task", {"Image": "plain", "Labels": {"com.docker.swarm.service.id": "x"}})
    engine.start("task")
    engine.connect("net", "task", {"IPAMConfig": {"IPv4Address": "10.94.0.9"}})
    with pytest.raises(Refusal) as caught:
        plan(engine, lab("10.95.0.0/25"))
    assert "overlaps that of network elsewhere" in str(caught.value)
    assert "task on it is a task of a Swarm's service" in str(caught.value)
    assert "the address 10.94.0.9 is outside" in str(caught.value)


def test_a_subnet_that_has_too_few_addresses_is_refused() -> None:
    engine = made(lab(containers=dict.fromkeys(["aa", "bb", "cc"])))
    with pytest.raises(Refusal, match="one that gets none cannot start"):
        plan(engine, lab("10.94.9.0/30", containers=dict.fromkeys(["aa", "bb", "cc"])))


def test_a_name_that_sorts_before_any_temporary_one_needs_a_gap() -> None:
    first = lab()
    first["networks"] = {"0": first["networks"]["net"]}
    first["containers"] = {"web": {"image": "plain", "networks": ["0"]}}
    engine = made(first)
    second = copy.deepcopy(first)
    second["networks"]["0"]["ipam"]["config"][0]["subnet"] = "10.94.9.0/24"
    with pytest.raises(Refusal, match="name_gap: allowed"):
        plan(engine, second)
    converge(engine, {**second, "name_gap": "allowed"})
    assert plan(engine, {**second, "name_gap": "allowed"}).text() == ""


# -- what goes wrong --------------------------------------------------------------------------------------------------


class Died(BaseException):
    """The run is killed."""


def dies_at(engine: EngineModel, number: int) -> t.ContextManager[object]:
    """Let the run die at the request with this number that changes something."""
    left = iter(range(number))

    def wrapped(original: t.Callable[..., Json]) -> t.Callable[..., Json]:
        def call(*arguments: Json, **options: Json) -> Json:
            if next(left, None) is None:
                raise Died
            return original(*arguments, **options)

        return call

    names = ("create_network", "remove_network", "connect", "disconnect", "create_container", "remove_container")
    return mock.patch.multiple(engine, **{name: wrapped(getattr(engine, name)) for name in names})


def with_guest() -> EngineModel:
    engine = made(lab(containers={"web": {"aliases": ["www"]}, "db": {"ipv4_address": "10.94.0.77"}}))
    engine.create_container("guest", {"Image": "plain"})
    engine.start("guest")
    engine.connect("net", "guest", {"Aliases": ["theirs"], "IPAMConfig": {"IPv4Address": "10.94.0.99"}})
    return engine


TARGETS = (
    lab(containers={"web": {"aliases": ["www"]}, "db": {"ipv4_address": "10.94.0.77"}}, **mtu(1400)),
    {**lab("10.94.0.0/23", {"web": {"aliases": ["www"]}, "db": {"ipv4_address": "10.94.0.77"}}), "name_gap": "allowed"},
    lab("10.94.0.0/23", {"web": {"aliases": ["www"]}, "db": {"ipv4_address": "10.94.0.77"}}),
)


@pytest.mark.parametrize("task", TARGETS, ids=["mtu", "direct", "subnet"])
def test_killed_anywhere_the_next_run_completes_it(task: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PATIENCE", "_PATIENCE_EACH"):
        monkeypatch.setattr(endpoint_notes, name, 0)
    for number in range(100):
        engine = with_guest()
        ids = set(engine.raw)
        with dies_at(engine, number), suppress(Died):
            converge(engine, task)
            assert number > 5
            return
        converge(engine, task)
        assert plan(engine, task).text() == "", number
        assert set(engine.raw) == ids, number
        assert {net["Name"] for net in engine.nets.values()} == {"bridge", "host", "none", FOREIGN, "net"}, number
        ends = ends_of(engine, "net")
        assert ends["guest"]["Aliases"] == ["theirs", engine.container("guest")["Id"][:12]], number
        assert ends["guest"]["IPAddress"] == "10.94.0.99", number
        assert ends["db"]["IPAddress"] == "10.94.0.77", number
        assert "www" in ends["web"]["Aliases"], number


@pytest.mark.parametrize("gap", ["forbidden", "allowed"])
def test_a_network_that_cannot_be_made_is_put_back(gap: str) -> None:
    engine = with_guest()
    before, create = ends_of(engine, "net"), engine.create_network
    task = {**TARGETS[0], "name_gap": gap}

    def refuse(body: Json) -> Json:
        if body.get("Options"):
            raise EngineError(500, "no such luck", "POST /networks/create")
        return create(body)

    with mock.patch.object(engine, "create_network", refuse), pytest.raises(ApplyError, match="everybody is on it"):
        converge(engine, task)
    after = ends_of(engine, "net")
    assert {name: end["IPAddress"] for name, end in after.items()} == {
        name: end["IPAddress"] for name, end in before.items()
    }
    assert {name: end["Aliases"] for name, end in after.items()} == {
        name: end["Aliases"] for name, end in before.items()
    }
    assert {net["Name"] for net in engine.nets.values()} == {"bridge", "host", "none", FOREIGN, "net"}
    assert {raw["Name"] for raw in engine.raw.values()} == {"/web", "/db", "/guest"}


# -- what holds for all -----------------------------------------------------------------------------------------------


@st.composite
def changes(draw: st.DrawFn, task: Json) -> Json:
    """Draw a task with other networks: some with another subnet, some with another MTU."""
    task = copy.deepcopy(task)
    for number, (name, options) in enumerate(task["networks"].items()):
        if draw(st.booleans()):
            options["driver_opts"] = {"com.docker.network.driver.mtu": draw(st.sampled_from(["1400", "1300"]))}
        if draw(st.booleans()):
            old, new = f"10.94.{number}.", f"10.97.{number}."
            options["ipam"]["config"][0]["subnet"] = f"{new}0/24"
            for container in task["containers"].values():
                end = (container.get("networks") or {}).get(name)
                if end and "ipv4_address" in end:
                    end["ipv4_address"] = end["ipv4_address"].replace(old, new)
    return {**task, "name_gap": draw(st.sampled_from(["forbidden", "allowed"]))}


@given(
    st.data(),
    tasks(),
    st.lists(st.tuples(st.sampled_from(["stop", "pause", "connect"]), st.sampled_from(CONTAINERS), st.just("alpha"))),
)
def test_a_replacement_keeps_what_its_members_have(data: st.DataObject, task: Json, deeds: Json) -> None:
    engine = new_engine()
    try:
        converge(engine, task)
    except Refusal:
        assume(False)
    engine.create_container("guest", {"Image": "plain"})
    engine.start("guest")
    engine.connect("alpha", "guest", {"Aliases": ["theirs"]})
    do_by_hand(engine, deeds)
    second = data.draw(changes(task))
    # Who shares the network of a container that was stopped is restarted, whatever becomes of networks.
    assume(all(action.disruption < Disruption.RECREATE for action in plan(engine, task).actions))
    ids = {raw["Name"]: (raw["Id"], raw["State"]["StartedAt"]) for raw in engine.raw.values()}
    live = {raw["Name"] for raw in engine.raw.values() if raw["State"]["Status"] != "exited"}
    found = plan(engine, second)
    assert all(action.disruption < Disruption.RECREATE for action in found.actions)
    before = {name: ends_of(engine, name) for name in second["networks"]}
    subnets = {name: engine.network(name)["IPAM"]["Config"][0]["Subnet"] for name in second["networks"]}
    carry_out(engine, found)
    check(engine, second)
    assert plan(engine, second).text() == ""
    after = {raw["Name"]: (raw["Id"], raw["State"]["StartedAt"]) for raw in engine.raw.values()}
    assert {name: one for name, one in after.items() if name in live} == {
        name: one for name, one in ids.items() if name in live
    }
    assert {name: one[0] for name, one in after.items()} == {name: one[0] for name, one in ids.items()}
    check_ends(engine, before, subnets)
    assert {net["Name"] for net in engine.nets.values()} == {"bridge", "host", "none", FOREIGN, *second["networks"]}


def check_ends(engine: EngineModel, before: Json, subnets: Json) -> None:
    """Assert that everybody has what there was before: on the same subnet, also the address."""
    for name, ends in before.items():
        same = engine.network(name)["IPAM"]["Config"][0]["Subnet"] == subnets[name]
        for container, end in ends_of(engine, name).items():
            assert set(end["Aliases"] or ()) == set(ends[container]["Aliases"] or ())
            assert end.get("DriverOpts") == ends[container].get("DriverOpts")
            if same and ends[container]["IPAddress"]:
                assert end["IPAddress"] == ends[container]["IPAddress"]
