# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for attachments: what single ones look like. What holds for all of them is in test_attach_properties.py."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Member,
    Network,
    Summary,
    is_phantom,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import (
    DETACH_WORKERS,
    FIRST_ATTACH_WORKERS,
    describe_differences,
    plan_attach,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Attach,
    CreateNetwork,
    Detach,
    Disruption,
    Plan,
    Reattach,
)
from attach_model import ADDRESSES, MIDDLE, NETWORK, NETWORK_ID, NEW, OLD, Model, ident, network
from hypothesis import example, given
from hypothesis import strategies as st

ADDRESS, OTHER_ADDRESS = ADDRESSES[:2]


def container(
    number: int = 1, status: str = "running", endpoints: t.Iterable[Endpoint] = (), **fields: t.Any
) -> ContainerState:
    key = ident(number)
    name = fields.pop("name", f"box{number}")
    return ContainerState(key, name, status, key[:12], endpoints={end.network: end for end in endpoints}, **fields)


def endpoint(**settings: t.Any) -> Endpoint:
    ends = {name: settings.pop(name) for name in ("endpoint_id", "ipv4", "mac", "network_id") if name in settings}
    kept = EndpointSettings(**{"aliases": (), "links": (), **settings})
    return Endpoint(NETWORK, **{"network_id": NETWORK_ID, "endpoint_id": "end", **ends}, settings=kept)


def spec(*desired_endpoints: DesiredEndpoint | str, **fields: t.Any) -> AttachSpec:
    given_desired_endpoints = tuple(
        DesiredEndpoint(one, EndpointSettings()) if isinstance(one, str) else one for one in desired_endpoints
    )
    return AttachSpec(**{"network": NETWORK, "create": None, "desired_endpoints": given_desired_endpoints, **fields})


def desired(name: str, **settings: t.Any) -> DesiredEndpoint:
    return DesiredEndpoint(name, EndpointSettings(**settings))


def plan(asked: AttachSpec, *there: ContainerState, info: t.Any = OLD, net: t.Any = ..., **fields: t.Any) -> Plan:
    model = Model(info, there, network() if net is ... else net)
    return plan_attach(asked, replace(model.state(), **fields))


# -- attach -----------------------------------------------------------------------------------------------------------


def test_a_container_that_is_not_attached_is_attached_without_disruption():
    one = container(endpoints=[Endpoint("bridge", endpoint_id="b")])
    (action,) = plan(spec(desired("box1", aliases=("db",))), one).actions
    assert action == Attach(
        "it is not attached", Disruption.NONE, one, NETWORK, NETWORK_ID, EndpointSettings(aliases=("db",))
    )


def test_a_container_that_is_attached_needs_nothing():
    assert plan(spec("box1"), container(endpoints=[endpoint(aliases=("db",))])).actions == ()


def test_a_missing_network_is_made_first_and_then_named_by_its_name():
    create = NetworkSpec(NETWORK)
    made, attached = plan(spec("box1", create=create), container(), net=None).actions
    assert made == CreateNetwork("it does not exist", Disruption.NONE, create)
    assert attached.network_ref == NETWORK


def test_a_missing_network_that_should_not_be_made_is_refused_with_near_names():
    with pytest.raises(Refusal, match=r"network net does not exist \(did you mean nets\?\)\. To have it made, add"):
        plan(spec("box1"), container(), net=None, known_networks=(Network("1", "nets"), Network("2", "unlike")))


@pytest.mark.parametrize("create", [None, NetworkSpec(NETWORK)])
def test_absent_on_a_missing_network_is_no_change(create):
    assert plan(spec("box1", "nobody", present=False, create=create), container(), net=None) == Plan()


def test_absent_of_a_missing_container_is_no_change():
    assert plan(spec("nobody", present=False)).actions == ()


def test_absent_under_two_names_detaches_once():
    one = container(endpoints=[endpoint()])
    assert len(plan(spec("box1", one.id, present=False), one).actions) == 1


def test_all_missing_containers_are_named_in_one_refusal_with_near_names():
    asked = spec("databse", desired("box1", links=(Link("clint", "c"),)))
    others = (Summary(ident(8), "database", "running", {}), Summary(ident(9), "client", "exited", {}))
    with pytest.raises(Refusal) as refusal:
        plan(asked, container(), others=others)
    assert str(refusal.value) == (
        "container databse does not exist (did you mean database?); container clint does not exist (did you mean"
        " client?). Nothing was changed."
    )


def test_one_container_under_two_names_is_refused():
    one = container()
    with pytest.raises(Refusal, match=r"box1 and 1{64} are the same container, box1"):
        plan(spec("box1", one.id), one)


def test_a_link_to_the_container_itself_is_refused_under_any_of_its_names():
    one = container()
    with pytest.raises(Refusal, match="leads to the container itself"):
        plan(spec(desired("box1", links=(Link(one.short_id, "me"),))), one)


# -- reattach ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, disruption",
    [
        ("running", Disruption.RECONNECT),
        ("paused", Disruption.RECONNECT),
        ("restarting", Disruption.RECONNECT),
        ("created", Disruption.NONE),
        ("exited", Disruption.NONE),
    ],
)
def test_another_setting_takes_a_new_endpoint_which_disturbs_processes_only(status, disruption):
    one = container(status=status, endpoints=[endpoint(aliases=("old", "kept"))])
    (action,) = plan(spec(desired("box1", aliases=("kept", "new"))), one).actions
    assert isinstance(action, Reattach)
    assert action.reason == "aliases: +new -old"
    assert action.disruption is disruption
    assert action.old.settings.aliases == ("old", "kept")


def test_aliases_in_another_order_are_the_same():
    one = container(endpoints=[endpoint(aliases=("b", "a"))])
    assert plan(spec(desired("box1", aliases=("a", "b"))), one).actions == ()


def test_an_alias_that_a_container_has_anyway_is_none():
    one = container(endpoints=[endpoint()])
    assert plan(spec(desired("box1", aliases=(one.short_id,))), one).actions == ()


def test_the_hostname_is_an_alias_from_the_api_on_that_lists_aliases_exactly():
    one = replace(container(endpoints=[endpoint()]), hostname="own-host")
    asked = spec(desired("box1", aliases=("own-host",)))
    assert plan(asked, one, info=OLD).actions == ()
    assert [action.reason for action in plan(asked, one, info=MIDDLE).actions] == ["aliases: +own-host"]


def test_a_link_by_id_is_the_same_as_by_name():
    two = container(2)
    for target_ref in ("box2", two.id, two.short_id):
        for there in ("box2", two.short_id):
            one = container(endpoints=[endpoint(links=(Link(there, "db"),))])
            assert plan(spec("box2", desired("box1", links=(Link(target_ref, "db"),))), one, two).actions[1:] == ()


def test_a_link_is_sent_by_name_since_the_full_id_does_not_resolve():
    two = container(2)
    actions = plan(spec(desired("box1", links=(Link(two.id, "db"),))), container(), two).actions
    assert actions[0].settings.links == (Link("box2", "db"),)


def test_a_link_target_that_is_not_there_to_be_resolved_is_reported():
    asked = spec(desired("box1", links=(Link("box2", "db"),)))
    (warning,) = plan(asked, container(), container(2)).warnings
    assert warning == "the link target box2 is not on network net: the link resolves once it is attached there"
    assert plan(asked, container(), container(2, endpoints=[endpoint()])).warnings == ()
    assert plan(spec("box2", *asked.desired_endpoints), container(), container(2)).warnings == ()


def test_a_link_target_that_the_same_task_purges_is_reported():
    asked = spec(desired("box1", links=(Link("box2", "db"),)), purge=True)
    (warning,) = plan(asked, container(), container(2, endpoints=[endpoint()])).warnings
    assert "box2 is not on network net" in warning


def test_a_phantom_endpoint_is_made_whole_with_its_names_but_without_its_addresses():
    ghost = endpoint(aliases=("db",), ipv4_address=ADDRESS, endpoint_id="", network_id="")
    one = container(endpoints=[ghost])
    (action,) = plan(spec("box1"), one).actions
    assert isinstance(action, Attach)
    assert "failed connect" in action.reason
    assert action.settings.aliases == ("db",)
    assert action.settings.ipv4_address is None


def test_a_phantom_is_what_the_engine_does_not_have():
    net = network(members={ident(1): Member("box1", "end")})
    whole, ghost, unlike = endpoint(), endpoint(endpoint_id=""), endpoint(endpoint_id="past")
    assert not is_phantom(container(), whole, net)
    assert is_phantom(container(), ghost, net)
    assert is_phantom(container(), unlike, net)
    # A stopped container has no endpoints, and the list of a swarm's network is not complete.
    assert not is_phantom(container(status="exited"), ghost, net)
    assert not is_phantom(container(2), unlike, net)


def test_a_phantom_is_detached_as_one():
    one = container(endpoints=[endpoint(endpoint_id="", network_id="")])
    (action,) = plan(spec("box1", present=False), one).actions
    assert isinstance(action, Detach)
    assert action.phantom


def test_a_stopped_container_on_a_network_that_was_recreated_is_attached_again():
    one = container(status="exited", endpoints=[endpoint(aliases=("db",), network_id="dd" * 32)])
    (action,) = plan(spec("box1"), one).actions
    assert isinstance(action, Reattach)
    assert "recreated" in action.reason
    assert action.disruption is Disruption.NONE
    assert action.settings.aliases == ("db",)


def test_a_mac_address_is_carried_over_by_engines_that_take_it():
    one = container(endpoints=[endpoint(mac="02:94:00:00:00:01")])
    asked = spec(desired("box1", aliases=("db",)))
    assert plan(asked, one, info=NEW).actions[0].settings.mac_address == "02:94:00:00:00:01"
    assert plan(asked, one, info=OLD).actions[0].settings.mac_address is None


def test_a_mac_address_of_a_stopped_container_is_sent_again_because_the_engine_does_not_tell_it():
    asked = spec(desired("box1", mac_address="02:94:00:00:00:01"))
    unknown = container(status="exited", endpoints=[endpoint(endpoint_id="")])
    (action,) = plan(asked, unknown, info=NEW).actions
    assert action.reason == "mac_address: '02:94:00:00:00:01'"
    known = container(status="exited", endpoints=[endpoint(endpoint_id="", mac="02:94:00:00:00:01")])
    assert plan(asked, known, info=NEW).actions == ()


def test_a_mac_address_that_a_new_endpoint_would_lose_stops_the_plan():
    end = replace(endpoint(mac="02:94:00:00:00:01"), requested_mac="02:94:00:00:00:01")
    with pytest.raises(Refusal, match=r"would lose it \(aliases: \+db\)"):
        plan(spec(desired("box1", aliases=("db",))), container(endpoints=[end]), info=MIDDLE)


def test_differences_are_reported_in_words():
    differences = {
        "aliases": (("old",), ("new",)),
        "ipv4_address": (ADDRESS, OTHER_ADDRESS),
        "ipv6_address": (None, "fd00::1"),
        "gw_priority": (None, 5),
    }
    assert describe_differences(differences) == (
        f"aliases: +new -old; ipv4_address: '{OTHER_ADDRESS}', not '{ADDRESS}'; ipv6_address: 'fd00::1'; gw_priority: 5"
    )


def test_a_network_to_be_made_is_purged_of_stopped_containers_that_were_on_one_of_its_name():
    stale = container(status="exited", endpoints=[endpoint(endpoint_id="", network_id="dd" * 32)])
    asked = spec(create=NetworkSpec(NETWORK), purge=True)
    made, detached = plan(asked, stale, net=None).actions
    assert (made.text(), detached.subject, detached.network_ref) == (
        "+ create network net: it does not exist [none]",
        "box1 on net",
        NETWORK,
    )
    assert plan(replace(asked, present=False), stale, net=None).actions == ()
    assert [
        action.name
        for action in plan(replace(asked, desired_endpoints=spec("box1").desired_endpoints), stale, net=None).actions
    ] == [
        "create_network",
        "reattach",
    ]


# -- addresses and order ----------------------------------------------------------------------------------------------


def held(number: int, address: str, static: bool = False) -> ContainerState:
    settings = {"ipv4_address": address} if static else {}
    return container(number, endpoints=[endpoint(ipv4=address, endpoint_id=f"end{number}", **settings)])


def units(done: Plan) -> list[list[str]]:
    return [[action.subject.split()[0] for action in unit] for stage in done.stages for unit in stage.units]


def test_an_address_that_another_container_holds_is_refused():
    with pytest.raises(Refusal, match=rf"box1: the address {ADDRESS} is held by box2"):
        plan(spec(desired("box1", ipv4_address=ADDRESS)), container(), held(2, ADDRESS))


def test_an_address_of_a_container_that_keeps_it_in_the_same_task_is_refused():
    asked = spec(desired("box1", ipv4_address=ADDRESS), desired("box2", aliases=("new",)))
    with pytest.raises(Refusal, match=rf"box1: the address {ADDRESS} is held by box2"):
        plan(asked, container(), held(2, ADDRESS, static=True))


def test_the_address_of_a_container_that_is_purged_is_free():
    detached, attached = plan(
        spec(desired("box1", ipv4_address=ADDRESS), purge=True), container(), held(2, ADDRESS)
    ).actions
    assert (detached.subject, attached.subject) == ("box2 on net", "box1 on net")


def test_two_containers_that_swap_addresses_are_one_unit():
    asked = spec(desired("box1", ipv4_address=OTHER_ADDRESS), desired("box2", ipv4_address=ADDRESS), desired("box3"))
    there = held(1, ADDRESS, static=True), held(2, OTHER_ADDRESS, static=True), container(3)
    assert sorted(units(plan(asked, *there))) == [["box1", "box2"], ["box3"]]


def test_three_containers_that_pass_addresses_on_in_a_ring_are_one_unit():
    addresses = ADDRESSES[:3]
    there = [held(number, addresses[number - 1], static=True) for number in (1, 2, 3)]
    asked = spec(*(desired(f"box{number}", ipv4_address=addresses[number % 3]) for number in (3, 1, 2)))
    assert units(plan(asked, *there)) == [["box3", "box1", "box2"]]


def test_an_address_that_the_engine_gave_away_can_be_had_from_a_container_that_is_attached_again_anyway():
    asked = spec(desired("box1", ipv4_address=ADDRESS), desired("box2", aliases=("new",)))
    assert units(plan(asked, container(), held(2, ADDRESS))) == [["box1", "box2"]]


def test_wanted_addresses_are_had_before_the_engine_gives_them_to_others():
    asked = spec("box1", "box2", desired("box3", ipv4_address=ADDRESS), desired("box4", ipv4_address=OTHER_ADDRESS))
    bridge, other = Endpoint("bridge"), Endpoint("other")
    there = [container(number, endpoints=[(bridge, other)[number % 2]]) for number in (1, 2, 3, 4)]
    order = [subject for unit in units(plan(asked, *there)) for subject in unit]
    assert set(order[:2]) == {"box3", "box4"}


def test_first_attaches_and_detaches_run_at_once_and_later_attaches_one_by_one():
    asked = spec("box1", "box2", purge=True)
    one, two = container(1, endpoints=[Endpoint("bridge")]), container(2, endpoints=[Endpoint("other")])
    stages = plan(asked, one, two, container(3, endpoints=[endpoint()])).stages
    assert [(stage.units[0][0].subject, stage.workers) for stage in stages] == [
        ("box3 on net", DETACH_WORKERS),
        ("box1 on net", FIRST_ATTACH_WORKERS),
        ("box2 on net", 1),
    ]


# -- what is reported to the user --------------------------------------------------------------------------------------


def test_a_network_that_differs_from_create_is_used_and_reported():
    asked = spec("box1", create=NetworkSpec(NETWORK, internal=True))
    (warning,) = plan(asked, container()).warnings
    assert "exists with internal False and not True; it is used as it is" in warning
    assert plan(replace(asked, present=False), container()).warnings == ()


@pytest.mark.parametrize("internal", [False, True])
def test_a_default_route_that_moves_is_reported_unless_the_network_is_internal(internal):
    one = container(endpoints=[Endpoint("zoo", endpoint_id="z", gateway="192.0.2.1")])
    for done in (
        plan(spec("box1"), one, net=network(internal=internal)),
        plan(spec("box1", create=NetworkSpec(NETWORK, internal=internal)), one, net=None),
    ):
        assert len(done.warnings) == (0 if internal else 1)


@example(status="dead")
@given(status=st.sampled_from(["removing", "dead"]))
def test_a_container_that_is_being_removed_is_refused(status):
    with pytest.raises(Refusal, match=f"box1 is being removed \\(status {status}\\)"):
        plan(spec("box1"), container(status=status))


# -- what is added to what is there ------------------------------------------------------------------------------------


def adds(name: str, *modes: str, **settings: t.Any) -> DesiredEndpoint:
    return DesiredEndpoint(name, EndpointSettings(**settings), frozenset(modes))


def test_an_alias_is_added_to_those_that_are_there():
    one = container(endpoints=[endpoint(aliases=("db", "old"))])
    (action,) = plan(spec(adds("box1", "aliases", aliases=("new", "db"))), one).actions
    assert action.reason == "aliases: +new"
    assert action.settings.aliases == ("db", "old", "new")


def test_what_is_there_already_is_not_added():
    one = container(endpoints=[endpoint(aliases=("db", "old"), links=(Link("box2", "b"), Link("gone", "g")))])
    asked = adds("box1", "aliases", "links", aliases=("old",), links=(Link("box2", "b"),))
    assert plan(spec(asked, "box2"), one, container(2, endpoints=[endpoint()])).actions == ()


def test_an_added_link_takes_the_place_of_one_with_its_alias():
    one = container(endpoints=[endpoint(links=(Link("gone", "b"), Link("gone", "g")))])
    action = plan(spec(adds("box1", "links", links=(Link("box2", "b"),)), "box2"), one, container(2)).actions[-1]
    assert action.settings.links == (Link("box2", "b"), Link("gone", "g"))


def test_nothing_is_added_where_nothing_is_given():
    one = container(endpoints=[endpoint(aliases=("db",))])
    assert plan(spec(adds("box1", "aliases", "links")), one).actions == ()


# -- names that two have -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alias,other,what",
    [
        ("box2", {}, "the name of that container"),
        ("BOX2", {}, "the name of that container"),
        (ident(2)[:12], {}, "the name of that container"),
        ("db", {"aliases": ("db",)}, "an alias of that container"),
    ],
)
def test_an_alias_that_is_a_name_of_another_member_is_warned_of_before_it_is_made(alias, other, what):
    member = container(2, endpoints=[endpoint(**other)])
    (warning,) = plan(spec(desired("box1", aliases=(alias,))), container(), members={member.id: member}).warnings
    assert warning == (
        f"box1 gets the alias {alias} on net, where box2 is found under it already ({what}): the name leads to"
        " either of the two"
    )


def test_a_name_that_an_alias_is_already_is_warned_of_in_every_run_as_far_as_it_was_read():
    one, member = (
        container(endpoints=[endpoint(aliases=("box2", "db"))]),
        container(2, endpoints=[endpoint(aliases=("db",))]),
    )
    net = Network(NETWORK_ID, NETWORK, members={one.id: Member("box1", "end"), member.id: Member("box2", "end")})
    told = (
        "box1 has the alias {} on net, where box2 is found under it already ({}): the name leads to either of the two"
    )
    name, alias = told.format("box2", "the name of that container"), told.format("db", "an alias of that container")
    asked = desired("box1", aliases=("box2", "db"))
    assert plan(spec(asked), one, network=net).warnings == (name,)
    assert plan(spec(asked), one, network=net, members={member.id: member}).warnings == (name, alias)
    assert plan(spec(asked, "box2"), one, member, network=net).warnings == (name, alias)
    assert plan(spec(desired("box1")), one, member, network=net).warnings == ()


def test_an_alias_that_the_task_gives_to_both_is_shared_on_purpose():
    asked = spec(desired("box1", aliases=("web", "box2")), desired("box2", aliases=("web",)))
    (warning,) = plan(asked, container(), container(2)).warnings
    assert "gets the alias box2" in warning


def test_an_alias_of_one_that_leaves_is_free():
    member = container(2, endpoints=[endpoint(aliases=("db",))])
    asked = spec(desired("box1", aliases=("db",)), purge=True)
    assert plan(asked, container(), member, members={member.id: member}).warnings == ()


# -- links to those that cannot be found -------------------------------------------------------------------------------


def test_a_link_to_a_member_that_is_not_named_is_no_news_where_others_are_purged():
    """As topologies are planned: with a purge of their own containers only."""
    asked = spec(desired("box1", links=(Link("box2", "b"),)), purge=True)
    found = plan(asked, container(), container(2, endpoints=[endpoint()]), others=())
    assert found.warnings == ()


@pytest.mark.parametrize("mode,text", [("host", "uses the host's network"), ("container:abc", "shares the network of")])
def test_a_link_to_one_without_a_network_of_its_own_is_refused(mode, text):
    asked = spec(desired("box1", links=(Link("box2", "b"),)))
    with pytest.raises(Refusal, match=rf"link box2:b of box1 can never resolve: box2 {text}"):
        plan(asked, container(), container(2, network_mode=mode))
    both = spec(desired("box1", links=(Link("box2", "b"),)), desired("box2"))
    with pytest.raises(Refusal) as refused:
        plan(both, container(), container(2, network_mode=mode))
    assert str(refused.value).count(text) == 1
