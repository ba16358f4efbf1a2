# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What engines answer, recorded from real ones, and read into data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Member,
    Network,
    Subnet,
    automatic_aliases,
    read_container,
    read_endpoint,
    read_network,
    read_settings,
    read_summary,
)
from attach_model import NEW, OLD
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENGINES, Recorded

BARE = EndpointSettings(aliases=(), links=())
LEAST = {"Id": "1" * 64, "Name": "/box"}


@pytest.fixture(params=ENGINES)
def answers(request: pytest.FixtureRequest) -> Recorded:
    return Recorded(request.param)


# -- containers -------------------------------------------------------------------------------------------------------


def test_a_container_of_the_default_bridge(answers):
    box = answers.container("target")
    assert (box.name, box.status, box.hostname) == ("target", "running", "target-host")
    # Newer engines write the name of the network that they chose.
    assert box.network_mode in ("default", "bridge")
    assert box.image == "linklab-test/busybox:latest"
    assert box.legacy_links == ()
    assert set(box.endpoints) == {"bridge"}
    end = box.endpoints["bridge"]
    assert end.settings == BARE
    assert end.ipv4.startswith("172.")
    assert end.endpoint_id
    assert end.network_id == answers.network("bridge").id


def test_an_endpoint_with_all_settings(answers):
    end = answers.container("full").endpoints["net"]
    # Neither the short ID, nor any name that the engine adds, is among the aliases.
    assert end.settings == EndpointSettings(
        aliases=("db", "primary"),
        links=(Link("bridge", "other"), Link("target", "cache")),
        ipv4_address="10.94.200.7",
        ipv6_address="fd00:94:200::7",
        driver_opts={"k": "v"},
    )
    assert (end.ipv4, end.ipv6, end.gateway) == ("10.94.200.7", "fd00:94:200::7", "10.94.200.128")
    assert end.mac == end.requested_mac == "02:42:0a:5e:c8:77"


def test_a_second_endpoint_has_no_settings_of_the_first(answers):
    end = answers.container("full").endpoints["internal"]
    assert end.settings == BARE
    assert end.ipv4 == "10.94.201.2"
    assert end.mac
    assert end.requested_mac == ""


def test_the_names_that_newer_engines_tell():
    assert Recorded("20.10").container("full").endpoints["net"].dns_names == ()
    names = Recorded("28").container("full").endpoints["net"].dns_names
    assert names[:3] == ("full", "db", "primary")


def test_a_container_that_was_never_started_has_settings_but_no_endpoint(answers):
    box = answers.container("created")
    end = box.endpoints["net"]
    assert (box.status, box.live) == ("created", False)
    assert end.settings == EndpointSettings(aliases=("early",), links=(), ipv4_address="10.94.200.8")
    assert (end.network_id, end.endpoint_id, end.ipv4, end.mac) == ("", "", "", "")


def test_a_stopped_container_keeps_settings_and_network(answers):
    box = answers.container("exited")
    end = box.endpoints["net"]
    assert (box.status, box.live) == ("exited", False)
    assert end.settings == EndpointSettings(aliases=("late",), links=())
    assert end.network_id == answers.network("net").id
    assert (end.endpoint_id, end.ipv4) == ("", "")


def test_a_failed_connect_leaves_an_endpoint_without_an_id(answers):
    box = answers.container("phantom")
    end = box.endpoints["net"]
    assert box.live
    assert end.settings == EndpointSettings(aliases=("ghost",), links=(), ipv4_address="10.94.200.7")
    assert (end.network_id, end.endpoint_id) == ("", "")


def test_legacy_links_are_targets_and_aliases(answers):
    assert answers.container("linked").legacy_links == (Link("target", "db"), Link("target", "target"))


def test_network_modes(answers):
    host, none, shares = (answers.container(name) for name in ("host", "none", "shares"))
    assert (host.network_mode, set(host.endpoints)) == ("host", {"host"})
    assert (none.network_mode, set(none.endpoints)) == ("none", {"none"})
    assert shares.network_mode == f"container:{answers.container('bridge').id}"
    assert shares.endpoints == {}


def test_a_container_keeps_the_whole_answer_but_does_not_compare_it(answers):
    raw = answers.raw["containers"]["full"]
    one = read_container(raw, answers.info)
    assert one.raw is raw
    assert one == read_container({**raw, "Created": "another time"}, answers.info)


@pytest.mark.parametrize(
    "raw",
    [
        LEAST,
        {**LEAST, "State": None, "Config": None, "HostConfig": None, "NetworkSettings": None},
        {**LEAST, "State": {}, "Config": {}, "HostConfig": {"Links": None}, "NetworkSettings": {"Networks": None}},
        {**LEAST, "State": {"Status": ""}, "Config": {"Hostname": None}, "NetworkSettings": {"Networks": {}}},
    ],
)
def test_a_container_of_which_little_is_reported(raw):
    assert read_container(raw, OLD) == ContainerState("1" * 64, "box", "created")


@pytest.mark.parametrize("raw", [None, {}, {"IPAMConfig": None, "Aliases": None, "Links": None, "DriverOpts": None}])
def test_an_endpoint_of_which_little_is_reported(raw):
    container = read_container({**LEAST, "NetworkSettings": {"Networks": {"net": raw}}}, OLD)
    assert container.endpoints == {"net": Endpoint("net", settings=BARE)}


@pytest.mark.parametrize(
    "used, asked, expected",
    [
        (("10.0.0.2", "fd00::2"), "10.0.0.9", ("10.0.0.2", "fd00::2")),
        (("", "fd00::2"), "10.0.0.9", ("fd00::2",)),
        (("", ""), "10.0.0.9", ("10.0.0.9",)),
        (("", ""), None, ()),
    ],
)
def test_the_addresses_of_an_endpoint_are_those_in_use_and_else_those_that_are_asked_for(used, asked, expected):
    ipv4, ipv6 = used
    end = Endpoint("net", settings=EndpointSettings(ipv4_address=asked), ipv4=ipv4, ipv6=ipv6)
    assert end.addresses == expected


@pytest.mark.parametrize(
    "status, live",
    [("running", True), ("paused", True), ("restarting", True), ("created", False), ("exited", False), ("dead", False)],
)
def test_a_container_is_live_while_it_has_processes(status, live):
    assert ContainerState("1" * 64, "box", status).live is live


def test_a_container_is_called_by_its_name_its_id_or_enough_of_it():
    box = ContainerState("1234567890abcdef" * 4, "box", "running")
    assert all(box.is_called(ref) for ref in ("box", box.id, box.short_id, box.id[:20]))
    # The engine would take less of an ID, and so hit another container than the one that was meant.
    assert not any(box.is_called(ref) for ref in ("bo", "", "12345678901", "abcdef123456"))


# -- settings ---------------------------------------------------------------------------------------------------------


def test_an_alias_that_is_reported_twice_is_one():
    assert read_settings({"Aliases": ["b", "a", "b"]}).aliases == ("b", "a")


def test_a_link_without_an_alias_is_named_after_its_target():
    assert read_settings({"Links": ["cache", "cache:c", "cache:"]}).links == (
        Link("cache", "c"),
        Link("cache", "cache"),
    )


def test_further_settings_are_read_where_they_are_set():
    raw = {"IPAMConfig": {"LinkLocalIPs": ["169.254.1.1"]}, "GwPriority": 7, "DriverOpts": {}}
    read = read_settings(raw)
    assert (read.link_local_ips, read.gw_priority, read.driver_opts) == (("169.254.1.1",), 7, None)
    assert read_settings({"GwPriority": 0, "IPAMConfig": {"LinkLocalIPs": []}}) == BARE


def test_an_address_that_is_none_is_left_as_it_is():
    assert read_settings({"IPAMConfig": {"IPv4Address": "odd"}}).ipv4_address == "odd"


def test_before_api_1_45_the_hostname_is_among_the_aliases():
    assert automatic_aliases("1" * 64, "own-host", OLD) == {"1" * 12, "own-host"}
    assert automatic_aliases("1" * 64, "own-host", EngineInfo("1.45")) == {"1" * 12}
    networks = {"net": {"Aliases": ["db", "1" * 12, "own-host"]}}
    raw = {**LEAST, "Config": {"Hostname": "own-host"}, "NetworkSettings": {"Networks": networks}}
    assert read_container(raw, OLD).endpoints["net"].settings.aliases == ("db",)
    assert read_container(raw, NEW).endpoints["net"].settings.aliases == ("db", "own-host")


def test_mac_addresses_are_reported_in_small_letters():
    assert read_endpoint("net", {"MacAddress": "02:42:AC:11:00:0A"}).mac == "02:42:ac:11:00:0a"


# -- MAC addresses that were asked for --------------------------------------------------------------------------------

MAC, OTHER_MAC = "02:42:00:00:00:01", "02:42:00:00:00:02"


def requested(mode: str, network: str, mac: str, asked: str | None = MAC, status: str = "running") -> str:
    raw = {
        **LEAST,
        "State": {"Status": status},
        "Config": {"MacAddress": asked},
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Networks": {network: {"MacAddress": mac, "NetworkID": "a" * 64}}},
    }
    return read_container(raw, OLD).endpoints[network].requested_mac


@pytest.mark.parametrize(
    "mode, network, mac, expected",
    [
        ("net", "net", MAC, MAC),
        ("a" * 64, "net", MAC, MAC),
        ("default", "bridge", MAC, MAC),
        ("net", "net", "", MAC),
        # It has another one since, so that nothing can be lost.
        ("net", "net", OTHER_MAC, ""),
        # It was asked for on another network.
        ("other", "net", MAC, ""),
        ("default", "net", MAC, ""),
    ],
)
def test_a_mac_address_was_asked_for_on_the_network_of_the_network_mode(mode, network, mac, expected):
    assert requested(mode, network, mac) == expected


def test_a_mac_address_that_nobody_asked_for_was_not():
    assert requested("net", "net", MAC, asked=None) == ""


def test_the_mac_address_of_a_container_that_never_ran_is_the_one_that_was_sent():
    assert requested("net", "net", OTHER_MAC, asked=None, status="created") == OTHER_MAC
    assert requested("net", "net", "", asked=None, status="created") == ""


# -- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_tells_names_status_and_networks(answers):
    listed = {one.name: one for one in map(read_summary, answers.raw["list"])}
    assert set(listed) == set(answers.raw["containers"])
    # The target of links is listed under the names that the links give it, too.
    assert (listed["target"].status, listed["target"].id) == ("running", answers.container("target").id)
    assert listed["full"].networks == {
        "net": answers.network("net").id,
        "internal": answers.network("internal").id,
    }
    assert listed["created"].networks == {"net": ""}
    assert listed["shares"].networks == {}
    assert listed["host"].network_mode == "host"
    # Phantoms are in the container's own description only.
    assert set(listed["phantom"].networks) == {"bridge"}


@pytest.mark.parametrize("names", [None, [], ["/source/alias"]])
def test_a_container_without_a_name_of_its_own_is_listed_by_its_short_id(names):
    assert read_summary({"Id": "1" * 64, "Names": names}).name == "1" * 12


@pytest.mark.parametrize("networks", [None, {}, {"Networks": None}])
def test_a_list_that_tells_little(networks):
    listed = read_summary({"Id": "1" * 64, "Names": ["/box"], "NetworkSettings": networks})
    assert (listed.status, listed.networks, listed.network_mode) == ("", {}, "default")
    assert read_summary({"Id": "1" * 64, "NetworkSettings": {"Networks": {"net": None}}}).networks == {"net": ""}


# -- networks ---------------------------------------------------------------------------------------------------------


def test_a_network_with_its_subnets_and_members(answers):
    net, full = answers.network("net"), answers.container("full")
    assert (net.name, net.driver, net.scope, net.enable_ipv6, net.internal) == ("net", "bridge", "local", True, False)
    assert net.subnets == (
        Subnet("10.94.200.0/24", "", "10.94.200.128/25", {"router": "10.94.200.2"}),
        Subnet("fd00:94:200::/64", "fd00:94:200::1"),
    )
    assert net.labels == {"a": "b"}
    assert net.options == {"com.docker.network.bridge.name": "u-rec0"}
    # Those that run, and not the phantom.
    end = full.endpoints["net"]
    assert net.members == {full.id: Member("full", end.endpoint_id, "10.94.200.7", "fd00:94:200::7")}


def test_an_internal_network(answers):
    net = answers.network("internal")
    assert (net.internal, net.enable_ipv6) == (True, False)
    (member,) = net.members.values()
    assert member.ipv6 == ""


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"IPAM": None, "Options": None, "Labels": None, "Containers": None, "Internal": None},
        {"IPAM": {"Config": None}, "Containers": {}},
    ],
)
def test_a_network_of_which_little_is_reported(raw):
    assert read_network({"Id": "a" * 64, "Name": "net", **raw}) == Network("a" * 64, "net", driver="")


def test_a_subnet_of_which_little_is_reported():
    subnets = read_network(
        {"Id": "a" * 64, "Name": "net", "IPAM": {"Config": [{}, {"AuxiliaryAddresses": None}]}}
    ).subnets
    assert subnets == (Subnet(""), Subnet(""))


def test_a_subnet_that_was_made_with_the_address_of_a_host_is_read_as_a_subnet():
    """Engines before 28 take it, and tell it as it was given."""
    config = [{"Subnet": "10.94.211.5/24", "IPRange": "10.94.211.9/25"}]
    (subnet,) = read_network({"Id": "a" * 64, "Name": "net", "IPAM": {"Config": config}}).subnets
    assert (subnet.subnet, subnet.ip_range) == ("10.94.211.0/24", "10.94.211.0/25")


def test_a_member_of_which_little_is_reported():
    net = read_network({"Id": "a" * 64, "Name": "net", "Containers": {"1": {}, "lb-net": {"IPv4Address": None}}})
    assert net.members == {"1": Member("", ""), "lb-net": Member("", "")}


def test_a_network_is_called_by_its_name_its_id_or_enough_of_it():
    net = Network("1234567890abcdef" * 4, "net")
    assert all(net.is_called(ref) for ref in ("net", net.id, net.id[:12]))
    assert not any(net.is_called(ref) for ref in ("ne", "", "12345678901"))


# -- whatever comes ---------------------------------------------------------------------------------------------------

# Nothing that an engine could answer may end in a traceback.
scalars = st.none() | st.text(max_size=4)
endpoints: st.SearchStrategy[t.Any] = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "IPAMConfig": st.none() | st.dictionaries(st.sampled_from(["IPv4Address", "IPv6Address"]), scalars),
        "Aliases": st.none() | st.lists(st.text(max_size=4)),
        "Links": st.none() | st.lists(st.text(max_size=4)),
        "DriverOpts": st.none() | st.dictionaries(st.text(max_size=2), st.text(max_size=2)),
        "MacAddress": scalars,
        "GwPriority": st.none() | st.integers(),
        "NetworkID": scalars,
        "IPAddress": scalars,
        "DNSNames": st.none() | st.lists(st.text(max_size=4)),
    },
)


@given(
    st.none() | st.fixed_dictionaries({}, optional={"Networks": st.none() | st.dictionaries(scalars, endpoints)}),
    st.none() | st.fixed_dictionaries({}, optional={"NetworkMode": scalars, "Links": st.none() | st.lists(st.text())}),
    st.sampled_from([OLD, NEW]),
)
def test_whatever_an_engine_answers_is_read(networks, host, info):
    raw = {**LEAST, "NetworkSettings": networks, "HostConfig": host}
    read = read_container(raw, info)
    assert set(read.endpoints) == set(((networks or {}).get("Networks")) or {})
    assert read_summary({**LEAST, "NetworkSettings": networks}).networks.keys() == read.endpoints.keys()


def test_starts_sort_by_time_although_the_engine_leaves_out_zeros_at_the_end():
    def started(text: str) -> str:
        return read_container({**LEAST, "State": {"Status": "running", "StartedAt": text}}, OLD).started_at

    times = ["2026-11-24T13:53:07Z", "2026-11-24T13:53:07.5Z", "2026-11-24T13:53:07.51Z", "2026-11-24T13:53:08.1Z"]
    assert sorted(times, key=started) == times
    assert read_container(LEAST, OLD).started_at == ""
