# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of endpoints: their notations, how they compare, and how they are sent."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import read_settings
from hypothesis import given
from hypothesis import strategies as st

names = st.from_regex(r"[a-z][a-z0-9_.-]{0,6}", fullmatch=True)
links = st.builds(Link, names, names)
macs = st.binary(min_size=6, max_size=6).map(lambda raw: bytes([raw[0] & 0xFE]) + raw[1:])
maps = st.dictionaries(names, names, max_size=2)


def settings_strategy(*, empty: bool = True) -> st.SearchStrategy[EndpointSettings]:
    least = 0 if empty else 1
    return st.builds(
        EndpointSettings,
        aliases=st.none() | st.lists(names, min_size=least, max_size=3, unique=True).map(tuple),
        links=st.none() | st.lists(links, min_size=least, max_size=3, unique=True).map(lambda one: tuple(sorted(one))),
        ipv4_address=st.none() | st.ip_addresses(v=4).map(str),
        ipv6_address=st.none() | st.ip_addresses(v=6).map(str),
        link_local_ips=st.none() | st.just(("169.254.3.4",)),
        mac_address=st.none() | macs.map(lambda raw: raw.hex(":")),
        driver_opts=st.none() | st.dictionaries(names, names, min_size=least, max_size=2),
        gw_priority=st.none() | st.integers(least or -5, 5),
    )


all_settings = settings_strategy()


# -- settings ---------------------------------------------------------------------------------------------------------


def test_nothing_given_is_nothing_to_compare_nor_to_send():
    nothing = EndpointSettings()
    assert nothing.given() == {}
    assert nothing.to_api() == {}
    assert nothing.differences(EndpointSettings(aliases=("a",), gw_priority=3)) == {}


@given(all_settings, all_settings)
def test_settings_that_are_given_win_and_the_others_stay(wanted, base):
    merged = wanted.over(base)
    for name in EndpointSettings.__dataclass_fields__:
        given_value = getattr(wanted, name)
        assert getattr(merged, name) == (getattr(base, name) if given_value is None else given_value)


@given(all_settings, all_settings)
def test_what_is_laid_over_differs_no_more(wanted, base):
    assert wanted.differences(wanted.over(base)) == {}


@given(all_settings, all_settings)
def test_differences_name_what_is_there_and_what_is_wanted(wanted, there):
    for name, pair in wanted.differences(there).items():
        assert pair == (getattr(there, name), getattr(wanted, name))
        assert pair[1] is not None


@given(all_settings)
def test_the_engine_tells_the_settings_that_it_was_sent(sent):
    read = read_settings(sent.to_api())
    # The MAC address is read from the endpoint, not from its settings.
    assert {name: pair for name, pair in sent.differences(read).items() if name != "mac_address"} == {}


@given(settings_strategy(empty=False))
def test_only_settings_that_are_given_are_sent(sent):
    fields: dict[str, t.Any] = {
        "Aliases": sent.aliases,
        "Links": sent.links,
        "DriverOpts": sent.driver_opts,
        "MacAddress": sent.mac_address,
        "GwPriority": sent.gw_priority,
        "IPAMConfig": sent.ipv4_address or sent.ipv6_address or sent.link_local_ips,
    }
    assert set(sent.to_api()) == {name for name, value in fields.items() if value is not None}


def test_settings_are_sent_in_the_words_of_the_api():
    full = EndpointSettings(
        aliases=("db",),
        links=(Link("cache", "c"),),
        ipv4_address="10.94.0.2",
        ipv6_address="fd00::2",
        link_local_ips=("169.254.1.1",),
        mac_address="02:42:ac:11:00:02",
        driver_opts={"k": "v"},
        gw_priority=5,
    )
    assert full.to_api() == {
        "IPAMConfig": {"IPv4Address": "10.94.0.2", "IPv6Address": "fd00::2", "LinkLocalIPs": ["169.254.1.1"]},
        "Links": ["cache:c"],
        "Aliases": ["db"],
        "DriverOpts": {"k": "v"},
        "MacAddress": "02:42:ac:11:00:02",
        "GwPriority": 5,
    }


@pytest.mark.parametrize(
    "empty", [{"aliases": ()}, {"links": ()}, {"driver_opts": {}}, {"gw_priority": 0}, {"link_local_ips": ()}]
)
def test_an_empty_setting_is_the_same_as_one_that_is_not_set(empty):
    assert EndpointSettings(**empty).differences(EndpointSettings()) == {}


def test_aliases_and_links_compare_as_sets_and_addresses_as_they_are():
    there = EndpointSettings(aliases=("a", "b"), links=(Link("x", "y"), Link("v", "w")), ipv4_address="10.94.0.2")
    same = EndpointSettings(aliases=("b", "a"), links=(Link("v", "w"), Link("x", "y")), ipv4_address="10.94.0.2")
    other = EndpointSettings(aliases=("b",), links=(Link("v", "w"),), ipv4_address="10.94.0.3")
    assert same.differences(there) == {}
    assert set(other.differences(there)) == {"aliases", "links", "ipv4_address"}


def test_addresses_compare_as_the_engine_keeps_them_in_any_notation():
    """The engine keeps an address as it was sent, by whomever."""
    kept = read_settings({"IPAMConfig": {"IPv6Address": "fd00:94:212:0:0::00a7", "IPv4Address": "10.94.0.7"}})
    wanted = EndpointSettings(ipv4_address="10.94.0.7", ipv6_address=str(ipaddress.ip_address("fd00:94:212::a7")))
    assert wanted.differences(kept) == {}
