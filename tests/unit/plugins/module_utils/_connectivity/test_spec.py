# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of connectivity as checks."""

from __future__ import annotations

import itertools
import re
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import (
    Check,
    Login,
    is_address,
    parse_checks,
    parse_total_timeout,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from hypothesis import given
from hypothesis import strategies as st

Json = t.Any

# What Ansible fills in.
DEFAULTS = {
    "source": None,
    "target": None,
    "host": None,
    "port": 3306,
    "protocol": "mysql",
    "login": None,
    "expect": "reachable",
    "cause": None,
    "timeout": 30.0,
    "interval": 1.0,
    "probe_image": None,
    "pull": "never",
    "checks": None,
}


def parse(**params: Json) -> list[Check]:
    return parse_checks({**DEFAULTS, **params})


def test_one_pair():
    assert parse(source="a", target="b") == [Check("a", "b")]
    login = {"user": "u", "password": "p", "database": None, "ssl_mode": "required"}
    (check,) = parse(source="a", target="b", login=login, protocol="tcp", host="db", port=1)
    assert check.login == Login("u", "p", "", "required")
    assert check.describe() == "a -> db:1 (tcp)"


def test_how_a_check_is_called():
    assert Check("a", "b", "fd00::1").describe() == "a -> [fd00::1]:3306 (mysql)"
    assert Check("a", "b", protocol="dns").describe() == "a -> b (dns)"


def test_an_element_takes_what_it_does_not_give_from_the_task():
    element = {"source": ["a"], "target": ["b"], "port": None, "host": None, "timeout": 0.0, "protocol": None}
    (check,) = parse(checks=[element], port=1, host="db", protocol="tcp")
    assert check == Check("a", "b", "db", 1, "tcp", timeout=0.0)


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_a_matrix_is_every_pair_once(sources, targets, ports):
    expected = list(dict.fromkeys(itertools.product(sources, targets, ports)))
    if len(sources) * len(targets) > 1:
        expected = [one for one in expected if one[0] != one[1]]
    element = {"source": sources, "target": targets, "port": ports}
    if not expected:
        with pytest.raises(SpecError):
            parse(checks=[element])
        return
    assert [(check.source, check.target, check.port) for check in parse(checks=[element])] == expected


def test_a_container_may_be_checked_with_itself():
    assert parse(checks=[{"source": ["a"], "target": ["a"]}]) == [Check("a", "a")]


WRONG_SECONDS = (-1.0, 86401.0, 1e308, float("inf"), float("nan"))


@pytest.mark.parametrize(
    "params, message",
    [
        ({}, "source and target"),
        ({"source": "a"}, "source and target"),
        ({"source": "a", "checks": []}, "exclude"),
        ({"checks": []}, "no pair"),
        (
            {"checks": [{"source": ["a"], "target": ["b"], "port": []}]},
            "^port is an empty list; leave it out for 3306$",
        ),
        (
            {"checks": [{"source": ["a"], "target": ["b"]}, {"source": [], "target": ["b"]}]},
            r"^checks\[1\]: source is an",
        ),
        ({"source": "a", "target": "b", "host": "-x"}, "neither a host name nor an address"),
        ({"source": "a", "target": "b", "host": "a b"}, "neither"),
        ({"source": "a", "target": "b;c"}, "target 'b;c' is neither"),
        ({"source": "a", "target": "b", "host": "web:8080"}, r"did you mean host: web, port: 8080\?"),
        ({"source": "a", "target": "b", "host": "http://web"}, r"did you mean host: web\?"),
        ({"source": "a", "target": "b", "host": "http://web:80/x"}, r"did you mean host: web, port: 80\?"),
        ({"source": "a", "target": "b", "host": "[fd00::1]:80"}, r"did you mean host: fd00::1, port: 80\?"),
        ({"source": "a", "target": "b", "host": "fd00::x"}, r"an address$"),
        ({"source": "a", "target": "b", "port": 0}, "port 0"),
        ({"source": "a", "target": "b", "timeout": -1.0}, "timeout"),
        ({"source": "a", "target": "b", "interval": 0.0}, "interval"),
        *(
            ({"source": "a", "target": "b", "timeout": one}, re.escape(f"timeout {one:g} cannot"))
            for one in WRONG_SECONDS
        ),
        *(
            ({"source": "a", "target": "b", "interval": one}, re.escape(f"interval {one:g} cannot"))
            for one in WRONG_SECONDS
        ),
        (
            {"source": "a", "target": "b", "probe_image": "UPPER/Case"},
            "probe_image: 'UPPER/Case' is not the name",
        ),
        ({"source": "a", "target": "b", "cause": "port_closed"}, "expect: unreachable"),
        ({"source": "a", "target": "b", "login": {"password": "a\0b"}}, "login.password has control"),
        ({"source": "a", "target": "b", "login": {"password": "a\0b\ud800"}}, "login.password has control"),
        ({"source": "a", "target": "b", "login": {"database": "a\x85"}}, "login.database has control"),
        ({"source": "a", "target": "b", "login": {"user": "a" * 129}}, "login.user has more than 128 characters"),
        ({"source": "a", "target": "b", "login": {"password": "ü" * 513}}, "login.password has more than 1024 bytes"),
        ({"source": "a", "target": "b", "login": {"ssl_ca": "/x"}}, "ssl_ca goes with"),
        ({"source": "a", "target": "b", "login": {"ssl_mode": "verify_identity"}}, "ssl_ca goes with"),
    ],
)
def test_bad_options(params, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse(**params)
    assert "a\0b" not in str(caught.value)


def test_the_time_of_all_checks():
    assert parse_total_timeout({}) == 0
    assert parse_total_timeout({"total_timeout": 2.5}) == 2.5
    for wrong in (0.0, -1.0, float("nan"), float("inf"), 1e308):
        with pytest.raises(SpecError, match=r"cannot be used: it is a number of seconds from 0\.05 to 86400"):
            parse_total_timeout({"total_timeout": wrong})


def test_addresses():
    assert is_address("10.0.0.1")
    assert is_address("fd00::1")
    assert not is_address("db")
    assert not is_address("10.0.0")
