# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's answers can be, and one message for whatever else they are."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.answers import read_json, understood, what_is_wrong
from ansible_collections.linklab.docker.plugins.module_utils._errors import Conflict, Unreachable
from hypothesis import given
from hypothesis import strategies as st

Json = t.Any

ID = "9f2ccf3a8cde" + "0" * 52
CONTAINER: Json = {
    "Id": ID,
    "Name": "/box",
    "Image": "sha256:" + ID,
    "State": {"Status": "running", "Pid": 7, "Health": {"Status": "healthy", "Log": []}},
    "Config": {"Env": None, "Labels": {"a": "b"}, "Volumes": {"/data": {}}},
    "HostConfig": {"Links": None, "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "80"}], "81/tcp": None}},
    "NetworkSettings": {"Networks": {"net": {"Aliases": ["b"], "DriverOpts": None}, "none": None}},
    "Mounts": [{"Destination": "/data", "RW": True}],
}
INSPECT = "GET /containers/box/json"
anything: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(["Id", "Name"]), inner)
    ),
    max_leaves=8,
)
REQUESTS = [
    *("GET /version", "GET /info", "GET /volumes", "GET /networks", "GET /networks/x", "POST /networks/create"),
    *("GET /images/a%2Fb/json", "GET /containers/json", INSPECT, "GET /containers/a/b/json", "GET /containers/x/top"),
    *("GET /containers/x/changes", "POST /containers/create", "POST /containers/x/exec", "GET /exec/x/json"),
    "GET /images/json",
]


def test_what_an_engine_says_is_right():
    assert what_is_wrong(CONTAINER, INSPECT) == ""
    assert what_is_wrong(None, "GET /containers/x/changes") == ""
    assert what_is_wrong([], "GET /containers/json") == ""


@pytest.mark.parametrize(
    "path, value, problem",
    [
        ((), [], "it is a list, not an object"),
        ((), None, "it is null or missing"),
        (("Id",), None, "Id is null or missing"),
        (("Id",), 5, "Id is an integer, not a string"),
        (("Id",), "../../images/x", "Id cannot be one"),
        (("Config",), None, "Config is null or missing"),
        (("State", "Status"), ["running"], "State.Status is a list, not a string"),
        (("State", "Pid"), True, "State.Pid is true or false, not an integer"),
        (("State", "Pid"), 2.5, "State.Pid is a number with a fraction, not an integer"),
        (("State", "Pid"), 2**63, "State.Pid is too large"),
        (("Config", "Labels", "a"), {}, "Config.Labels.a is an object, not a string"),
        (
            ("NetworkSettings", "Networks", "net", "Aliases", 0),
            None,
            "NetworkSettings.Networks.net.Aliases.0 is null or missing",
        ),
        (
            ("HostConfig", "PortBindings", "80/tcp", 0, "HostPort"),
            80,
            "HostConfig.PortBindings.80/tcp.0.HostPort is an integer, not a string",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_where_it_is(path, value, problem):
    found = copy.deepcopy(CONTAINER)
    if path:
        place = found
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    else:
        found = value
    assert what_is_wrong(found, INSPECT) == problem


@pytest.mark.parametrize("label", REQUESTS)
def test_each_request_has_a_shape(label):
    assert what_is_wrong("a string", label)


@given(anything, st.sampled_from(REQUESTS))
def test_whatever_it_is_it_is_right_or_reported(found, label):
    assert isinstance(what_is_wrong(found, label), str)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"NaN",
        b'{"a": Infinity}',
        b'"\\ud800"',
        b'["\xed\xa0\x80"]',
        b"[" * 100000,
        b"\xff",
        b"1" * 9999,
        b"\x00",
    ],
)
def test_what_is_no_json_is_no_answer(content):
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever words
        assert read_json(content) == int(content)  # before Python 3.11, a number can be that long


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_is_read(found):
    for escaped in (True, False):
        assert read_json(json.dumps(found, ensure_ascii=escaped).encode()) == found


class Asked:
    def __init__(self) -> None:
        self.asked = ["GET /containers/box/json"]


@pytest.mark.parametrize(
    "error", [KeyError("secret"), ValueError("secret"), RecursionError("secret"), ZeroDivisionError()]
)
def test_what_nobody_expected_is_reported_with_the_last_request_and_nothing_of_what_was_said(error):
    with pytest.raises(Unreachable) as told, understood(Asked()):
        raise error
    assert type(error).__name__ in str(told.value)
    assert "the last request was GET /containers/box/json" in str(told.value)
    assert "secret" not in str(told.value)


def test_what_was_expected_is_reported_as_ever():
    with pytest.raises(Conflict), understood(Asked()):
        raise Conflict(409, "taken", "POST /x")
