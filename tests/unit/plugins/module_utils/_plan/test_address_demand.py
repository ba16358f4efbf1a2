# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether everybody on a network can have an address: what is refused, what is warned of, and that it is right."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Member,
    Network,
    Subnet,
    Summary,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.address_demand import Room
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Attach, Disruption, Reattach
from hypothesis import given
from hypothesis import strategies as st

NET = ipaddress.ip_network("10.94.0.0/28")
ID = "a" * 64


def network(members: t.Mapping[str, str], ip_range: str = "10.94.0.0/30", **fields: t.Any) -> Network:
    """Return a network that has two addresses to give away, and containers on it by name and address."""
    there = {name: Member(name, f"end of {name}", address) for name, address in members.items()}
    return Network(ID, "net", subnets=(Subnet(str(NET), ip_range=ip_range),), members=there, **fields)


def box(name: str, status: str = "running", address: str | None = None, on: bool = False) -> ContainerState:
    end = Endpoint("net", ID, "end" if status == "running" else "", EndpointSettings(ipv4_address=address))
    return ContainerState(name, name, status, endpoints={"net": end} if on else {})


def attach(container: ContainerState, address: str | None = None) -> Attach:
    return Attach("why", Disruption.NONE, container, "net", ID, EndpointSettings(ipv4_address=address))


def other(name: str, address: str = "", status: str = "exited", network_id: str = ID) -> Summary:
    return Summary(name, name, status, {"net": network_id}, addresses={"net": (address,) if address else ()})


def room(net: Network, *named: ContainerState, others: t.Iterable[Summary] = (), **fields: t.Any) -> Room:
    given_fields = {"leaving": frozenset(), "starts": frozenset(), **fields}
    return Room.of(net, None, named=named, others=others, **given_fields)


def problems(found: Room, *changes: Attach | Reattach) -> str:
    return "; ".join(found.problems(changes))


FULL = {"one": "10.94.0.2", "two": "10.94.0.3"}


def test_one_more_than_there_are_addresses_is_refused():
    new = box("new")
    assert problems(room(network(FULL), new), attach(new)) == (
        "network net (10.94.0.0/28, ip_range 10.94.0.0/30) has 0 addresses to give away, and 1 more container"
        " needs one;"
        " one that gets none cannot start. Detach some containers, or use a network with more addresses"
    )


def test_whoever_leaves_makes_room():
    new = box("new")
    assert problems(room(network(FULL), new, leaving=frozenset({"one"})), attach(new)) == ""


def test_a_static_address_next_to_the_range_takes_none_of_it():
    new = box("new")
    assert problems(room(network(FULL), new), attach(new, "10.94.0.9")) == ""


def test_a_reconnect_takes_no_more_than_it_gives_back():
    one = box("one", on=True)
    change = Reattach("why", Disruption.RECONNECT, one, "net", ID, EndpointSettings(), one.endpoints["net"])
    assert problems(room(network(FULL), one), change) == ""
    assert problems(room(network(FULL), one, others=[other("asleep")]), change) == ""


def test_one_that_does_not_run_needs_an_address_as_well_once_another_comes():
    new = box("new")
    found = room(network({"one": "10.94.0.2"}), new, others=[other("asleep")])
    assert "(asleep among them, not running)" in problems(found, attach(new))
    assert problems(found) == ""


def test_who_does_not_run_and_is_named_needs_one_in_any_case():
    asleep = box("asleep", "exited", on=True)
    assert "has 0 addresses" in problems(room(network(FULL), asleep))
    assert problems(room(network({"one": "10.94.0.2"}), asleep)) == ""


def test_leftovers_and_endpoints_of_a_network_of_that_name_that_is_gone_do_not_count():
    new = box("new")
    others = [other("gone", network_id="b" * 64), other(f"x.linklab-old.{'c' * 12}.running")]
    assert problems(room(network({"one": "10.94.0.2"}), new, others=others), attach(new)) == ""


def test_what_another_run_makes_of_the_same_container_at_once_is_not_in_its_way():
    new = box("new", "created")
    twin = Summary("twin", "new", "created", {"net": ID}, addresses={"net": ("10.94.0.9",)})
    assert problems(room(network({}), new, others=[twin]), attach(new, "10.94.0.9")) == ""


def test_what_another_driver_gives_away_is_not_counted():
    new = box("new")
    assert problems(room(network(FULL, ipam_driver="dhcp"), new), attach(new)) == ""


def test_an_address_belongs_to_whoever_asks_for_it_running_or_not():
    new = box("new")
    found = room(network({"one": "10.94.0.2"}), new, others=[other("asleep", "10.94.0.9")])
    assert problems(found, attach(new, "10.94.0.9")) == "new: the address 10.94.0.9 is that of asleep, which is exited"
    assert problems(found, attach(new, "10.94.0.2")) == "new: the address 10.94.0.2 is held by one"


def test_two_that_ask_for_one_address_already_are_left_to_it():
    asleep = box("asleep", "exited", "10.94.0.9", on=True)
    end = asleep.endpoints["net"]
    change = Reattach("why", Disruption.NONE, asleep, "net", ID, end.settings, end)
    assert problems(room(network({}), asleep, others=[other("too", "10.94.0.9")]), change) == ""


def test_who_cannot_start_is_refused_where_it_is_started_and_else_warned_of():
    asleep = box("asleep", "exited", "10.94.0.2", on=True)
    text = "asleep (exited) cannot start: one has its address 10.94.0.2; give one of them another address, or detach it"
    there = network({"one": "10.94.0.2"})
    assert problems(room(there, asleep, starts={"asleep"})) == text
    assert problems(room(there, asleep)) == ""
    assert list(room(there, asleep).warnings([])) == [text]


def test_an_address_that_may_be_given_away_is_warned_of_only_where_the_engine_could():
    new = box("new")
    inside, outside = other("inside", "10.94.0.2"), other("outside", "10.94.0.9")
    (warning,) = room(network({}), new, others=[inside, outside]).warnings([attach(new)])
    assert "new may get an address" in warning
    assert "(10.94.0.2 of inside)" in warning
    assert list(room(network({}), new, others=[inside]).warnings([attach(new, "10.94.0.9")])) == []
    assert list(room(network({}), box("new", "exited"), others=[inside]).warnings([attach(box("new", "exited"))])) == []


@given(
    st.sets(st.integers(2, 14), max_size=6),
    st.lists(st.none() | st.integers(2, 14), max_size=6, unique_by=lambda one: one or object()),
    st.sampled_from(["", "10.94.0.0/29", "10.94.0.8/29", "10.94.0.4/30"]),
)
def test_exactly_those_plans_are_refused_for_which_the_addresses_do_not_suffice(there, wanted, ip_range):
    """The engine, address by address: static ones first, as the plans have it."""
    gateway = NET[1]
    net = network({f"m{number}": str(NET[number]) for number in there}, ip_range)
    net = Network(**{**vars(net), "subnets": (Subnet(str(NET), str(gateway), ip_range),)})
    new = [box(f"new{index}") for index in range(len(wanted))]
    changes = [attach(one, None if at is None else str(NET[at])) for one, at in zip(new, wanted)]

    taken = {gateway, NET[0], NET[-1], *(NET[number] for number in there)}
    fails = False
    for at in sorted(wanted, key=lambda at: at is None):
        free = [address for address in ipaddress.ip_network(ip_range or NET) if address not in taken]
        address = NET[at] if at is not None else next(iter(free), None)
        fails = fails or address is None or address in taken
        taken.add(address)

    assert bool(problems(room(net, *new), *changes)) == fails
