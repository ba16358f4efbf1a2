# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What network_attach is asked for: read in any notation, and refused before an engine is asked anything."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import (
    ENDPOINT_OPTIONS,
    AttachSpec,
    DesiredEndpoint,
    parse_address,
    parse_attach,
    parse_link,
    parse_mac,
    parse_settings,
    refuse_repeats,
)
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from hypothesis import given
from hypothesis import strategies as st


def parse(**params: t.Any) -> AttachSpec:
    """Parse the parameters of a task, with the module's defaults for those that are not given."""
    defaults = {"network": "net", "create": None, "containers": [], "endpoints": [], "state": "present", "purge": False}
    return parse_attach({**defaults, **params})


def options(container: str = "box", **given_options: t.Any) -> dict[str, t.Any]:
    """Return an element of endpoints, with None for what is not given, as Ansible hands it over."""
    return {"container": container, **dict.fromkeys(ENDPOINT_OPTIONS), **given_options}


def settings(**given_options: t.Any) -> EndpointSettings:
    return parse_settings("box", options(**given_options), ("endpoints", "box"))


# -- the task ---------------------------------------------------------------------------------------------------------


def test_containers_are_desired_by_id_for_without_settings_and_endpoints_with_theirs():
    spec = parse(containers=["one"], endpoints=[options("two", aliases=["db"])], create={}, purge=True)
    assert spec == AttachSpec(
        network="net",
        create=NetworkSpec("net"),
        desired_endpoints=(
            DesiredEndpoint("one", EndpointSettings()),
            DesiredEndpoint("two", EndpointSettings(aliases=("db",))),
        ),
        purge=True,
    )


def test_absent_desired_endpoints_for_the_opposite():
    assert not parse(state="absent", containers=["one"]).present


def test_lists_that_are_null_are_empty():
    assert parse(containers=None, endpoints=None).desired_endpoints == ()


def test_names_are_taken_as_the_engine_shows_them():
    spec = parse(network=" net ", containers=["/one "], endpoints=[options(" /two")])
    assert (spec.network, [desired.container for desired in spec.desired_endpoints]) == ("net", ["one", "two"])


@pytest.mark.parametrize(
    "params, message",
    [
        ({"network": " "}, "network: a name or an ID is needed"),
        ({"containers": [""]}, "containers: a name or an ID is needed"),
        ({"endpoints": [options("/")]}, "endpoints: container: a name or an ID is needed"),
        ({"containers": ["a", "b", "a", "b", "c"]}, "container named more than once: a, b"),
        ({"containers": ["a"], "endpoints": [options("a")]}, "container named more than once: a"),
        ({"network": "host"}, "no container can be attached to the network 'host'"),
        ({"network": "none"}, "no container can be attached to the network 'none'"),
        ({"network": "host", "state": "absent"}, "no container can be .* detached from it"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(params, message):
    with pytest.raises(SpecError, match=message):
        parse(**params)


def test_none_can_be_left_since_nothing_can_be_joined_before():
    assert parse(network="none", containers=["box"], state="absent").network == "none"


@pytest.mark.parametrize(
    "option, one, other",
    [
        ("ipv4_address", "10.94.0.2", "10.94.0.2 "),
        ("ipv6_address", "fd00:94::2", "FD00:94:0::2"),
        ("mac_address", "02:42:00:00:00:01", "0242.0000.0001"),
    ],
)
def test_an_address_cannot_be_desired_by_id_for_twice_in_whatever_notation(option, one, other):
    with pytest.raises(SpecError, match=r" is wanted for two containers: a and b"):
        parse(endpoints=[options("a", **{option: one}), options("b", **{option: other})])


def test_link_targets_are_listed_once_and_in_order():
    endpoints = [options("a", links=["x", "y:z"]), options("b", links=["y", "x:w"])]
    assert parse(endpoints=endpoints).link_targets == ("x", "y")
    assert parse(containers=["a"]).link_targets == ()


@given(st.lists(st.sampled_from("abcd")))
def test_repeats_are_refused_exactly_where_there_are_any(names):
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if not repeated:
        refuse_repeats("thing", names)
        return
    with pytest.raises(SpecError) as refusal:
        refuse_repeats("thing", names)
    told = str(refusal.value).removeprefix("thing named more than once: ").split(", ")
    assert sorted(told) == sorted(repeated)


# -- settings of an endpoint ------------------------------------------------------------------------------------------


def test_nothing_given_is_nothing_wanted():
    assert settings() == EndpointSettings()


def test_empty_lists_are_wanted_to_be_empty():
    assert settings(aliases=[], links=[], driver_opts={}) == EndpointSettings(aliases=(), links=(), driver_opts={})


def test_everything_is_read_in_the_notation_of_the_engine():
    assert settings(
        aliases=["db", "primary", "db"],
        links=["cache", "cache:c", "cache"],
        ipv4_address=" 10.94.0.2",
        ipv6_address="FD00:94:0::2",
        mac_address="0242.AC11.0002",
        driver_opts={"k": True, "n": 5},
        gw_priority=-1,
    ) == EndpointSettings(
        aliases=("db", "primary"),
        links=(Link("cache", "cache"), Link("cache", "c")),
        ipv4_address="10.94.0.2",
        ipv6_address="fd00:94::2",
        mac_address="02:42:ac:11:00:02",
        driver_opts={"k": "true", "n": "5"},
        gw_priority=-1,
    )


@pytest.mark.parametrize(
    "given_options, message",
    [
        ({"aliases": [""]}, "alias '' cannot be a host name"),
        ({"aliases": ["a b"]}, "alias 'a b' cannot be a host name"),
        ({"aliases": ["a:b"]}, "alias 'a:b' cannot be a host name"),
        ({"aliases": ["a/b"]}, "alias 'a/b' cannot be a host name"),
        ({"aliases": [f"a.{64 * 'b'}.c"]}, f"alias 'a.{64 * 'b'}.c' is too long for a host name"),
        ({"aliases": [".".join(130 * "b")]}, f"alias '{'.'.join(130 * 'b')}' is too long for a host name"),
        ({"links": ["box:me"]}, "link box:me leads to the container itself; give it an alias instead"),
        ({"links": ["a:x", "b:x"]}, "two links have the alias 'x': to a and to b"),
        ({"links": ["a:b:c"]}, "link 'a:b:c': alias 'b:c' is not a name"),
        ({"ipv4_address": "10.94.0"}, "'10.94.0' is not an IPv4 address"),
        ({"ipv6_address": "10.94.0.2"}, "'10.94.0.2' is not an IPv6 address"),
        ({"ipv4_address": "224.0.0.1"}, "224.0.0.1 cannot be a container's address: it is multicast"),
        ({"ipv4_address": "0.0.0.0"}, "0.0.0.0 cannot be a container's address"),  # noqa: S104 - what is refused
        ({"ipv6_address": "::1"}, "::1 cannot be a container's address"),
        ({"mac_address": "02:42"}, "'02:42' is not a MAC address"),
        ({"mac_address": ""}, "'' is not a MAC address"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_container(given_options, message):
    with pytest.raises(SpecError) as refusal:
        settings(**given_options)
    assert str(refusal.value).startswith(f"endpoints.box.{next(iter(given_options))}: {message}")


words = st.text(max_size=10) | st.sampled_from(["box", "db:x", "10.94.0.2", "fd00::1", "02:42:00:00:00:01"])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "aliases": st.lists(words, max_size=3),
            "links": st.lists(words, max_size=3),
            "ipv4_address": words,
            "ipv6_address": words,
            "mac_address": words,
        },
    )
)
def test_any_settings_are_read_or_refused_with_one_message(given_options):
    try:
        read = settings(**given_options)
    except SpecError as exc:
        assert str(exc).startswith("endpoints.box.")
        assert "\n" not in str(exc)
    else:
        assert set(read.given()) == set(given_options)


names = st.from_regex(r"[a-z][a-z0-9_.-]{0,6}", fullmatch=True)
links = st.builds(Link, names, names)
macs = st.binary(min_size=6, max_size=6).map(lambda raw: bytes([raw[0] & 0xFE]) + raw[1:])


# -- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, link",
    [
        ("database", Link("database", "database")),
        ("database:db", Link("database", "db")),
        (" database:db ", Link("database", "db")),
        ("database:", Link("database", "database")),
        ("9f2ccf3a8cde:my_db.1-x", Link("9f2ccf3a8cde", "my_db.1-x")),
    ],
)
def test_a_link_is_a_target_and_an_alias_that_defaults_to_it(text, link):
    assert parse_link(text) == link


@pytest.mark.parametrize("text", ["", ":", ":db", "a b", "a:b c", "a:b:c", "-a", "/a", "a:/b", "a:\0", "é", "a\n:b"])
def test_a_link_with_something_else_than_names_is_refused(text):
    with pytest.raises(SpecError, match="is not a name; write 'target' or 'target:alias'"):
        parse_link(text)


@given(links)
def test_a_link_is_read_as_it_is_written(link):
    assert parse_link(str(link)) == link


@given(st.text(max_size=12))
def test_any_text_is_a_link_or_refused_with_one_message(text):
    try:
        link = parse_link(text)
    except SpecError as exc:
        assert "\n" not in str(exc)
    else:
        assert parse_link(str(link)) == link


# -- MAC and IP addresses ---------------------------------------------------------------------------------------------


@given(macs)
def test_a_mac_address_is_the_same_in_all_notations(raw):
    expected = raw.hex(":")
    digits = raw.hex()
    dotted = ".".join(digits[start : start + 4] for start in (0, 4, 8))
    for text in (expected, expected.upper(), raw.hex("-"), dotted, digits, f" {digits.upper()}\n"):
        assert parse_mac(text) == expected


@pytest.mark.parametrize("text", ["", "nonsense", "02:42:ac:11:00", "02:42:ac:11:00:02:03", "02:42:ac:11:00:0g", "2:0"])
def test_what_is_no_mac_address_is_refused_with_an_example(text):
    with pytest.raises(SpecError, match="is not a MAC address; write six pairs"):
        parse_mac(text)


def test_a_multicast_mac_address_is_refused():
    with pytest.raises(SpecError, match="multicast MAC address"):
        parse_mac("01:00:5e:00:00:01")


@given(st.ip_addresses().filter(lambda one: not (one.is_multicast or one.is_unspecified or one.is_loopback)))
def test_an_address_is_the_same_in_all_notations(address):
    for text in (str(address), address.exploded, f" {address.exploded.upper()} "):
        assert parse_address(text, address.version) == str(address)


@pytest.mark.parametrize(
    "text, version",
    [("10.0.0.256", 4), ("10.0.0.1/24", 4), ("fd00::1", 4), ("", 4), ("010.0.0.1", 4), ("10.0.0.1", 6), ("fd00::g", 6)],
)
def test_what_is_no_address_of_the_version_is_refused(text, version):
    with pytest.raises(SpecError, match=f"is not an IPv{version} address"):
        parse_address(text, version)


def test_an_address_with_an_interface_is_none_of_a_container():
    with pytest.raises(SpecError, match="is not an IPv6 address"):
        parse_address("fd00::1%eth0", 6)
