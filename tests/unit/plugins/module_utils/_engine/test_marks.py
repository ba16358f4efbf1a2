# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of marks: what counts, and all that does not."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.marks import (
    given_value,
    helper_owner,
    is_about,
    note_name,
    read_note,
    read_noted,
    without_inherited,
)
from hypothesis import given
from hypothesis import strategies as st

Json = t.Any

BOX, NET = "b" * 64, "a" * 64
END = {"container": BOX, "name": "box", "network": "net", "settings": {"Aliases": ["a"]}}
NETWORKS = {"net": {NET}}
LABEL = "linklab.docker.x"


# -- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "sha256:"])
@pytest.mark.parametrize(
    "own, images, value",
    [
        ("mine", {}, "mine"),
        ("mine", {"1": "its"}, "mine"),
        ("mine", {"2": "mine"}, "mine"),
        ("its", {"1": "its"}, None),
        ("", {"1": ""}, None),
        (None, {"1": "its"}, None),
    ],
)
def test_a_label_counts_where_its_image_does_not_bring_it(prefix, own, images, value):
    labels = {"other": "x"} if own is None else {LABEL: own, "other": "x"}
    described = {"Image": f"{prefix}1", "Config": {"Labels": labels, "Image": "name"}}
    listed = {"ImageID": f"{prefix}1", "Image": "name", "Labels": labels}
    for raw in (described, listed):
        assert given_value(raw, LABEL, images) == value
        stripped = without_inherited(raw, LABEL, images)
        assert given_value(stripped, LABEL, {}) == value
        assert (stripped.get("Config") or stripped)["Labels"]["other"] == "x"


@pytest.mark.parametrize("raw", [{"Labels": None}, {"Config": {"Labels": None}}, {"Config": None, "Labels": None}, {}])
def test_what_has_no_labels_has_no_mark(raw):
    assert given_value(raw, LABEL, {}) is None
    assert without_inherited(raw, LABEL, {}) is raw


# -- notes ------------------------------------------------------------------------------------------------------------


def note(**change: Json) -> Json:
    raw = {
        "Name": f"/{note_name([f'{BOX} {NET}'])}",
        "State": {"Status": "created"},
        "Config": {"Entrypoint": ["none"]},
        "HostConfig": {"NetworkMode": "none"},
    }
    return {**raw, **change}


def read(raw: Json, *ends: Json) -> tuple[Json, ...]:
    return read_note(raw, json.dumps(ends or (END,)), NETWORKS)


def test_a_note_that_a_run_left_is_read():
    (end,) = read(note())
    assert (end.container, end.network, end.settings) == (BOX, "net", {"Aliases": ["a"]})
    # One that another's was in the way of.
    assert read(note(Name=f"{note()['Name']}-0123abcd")) == (end,)
    # Where the network is gone, the name cannot be checked: nothing can be put back then, and the note goes.
    assert read_note(note(), json.dumps([END]), {}) == (end,)


def test_a_note_of_several_endpoints_is_called_after_the_least():
    other = {**END, "container": "c" * 64, "name": "other"}
    assert len(read(note(), other, END)) == 2
    assert read(note(), other) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "/stranger"},
        {"Name": "/linklab-endpoints-"},
        {"Name": "/linklab-endpoints-0123456789ab"},
        {"Name": f"/x{note_name([f'{BOX} {NET}'])}"},
        {"State": {"Status": "running"}},
        {"State": {"Status": "exited"}},
        {"State": {}},
        {"Config": {"Entrypoint": ["sh"]}},
        {"Config": {"Entrypoint": None}},
        {"Config": None},
    ],
    ids=str,
)
def test_a_container_that_does_not_look_like_one_is_no_note(change):
    assert read(note(**change)) == ()


@pytest.mark.parametrize(
    "end",
    [
        {**END, "container": "box"},
        {**END, "container": BOX[:12]},
        {**END, "container": BOX.upper()},
        {**END, "container": 1},
        {**END, "name": ""},
        {**END, "name": ["box"]},
        {**END, "network": None},
        {**END, "settings": []},
        {**END, "more": 1},
        {"container": BOX},
        "x",
        None,
    ],
    ids=str,
)
def test_a_label_that_nobody_writes_is_no_note(end):
    assert read_noted(end) is None
    assert read(note(), END, end) == ()


@given(st.one_of(st.none(), st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_whatever_a_label_says_it_is_no_reason_to_break_off(text):
    assert read_note(note(), text, NETWORKS) == ()


@pytest.mark.parametrize(
    "there, about",
    [
        (None, True),
        ({"Id": BOX, "Name": "/box"}, True),
        ({"Id": BOX, "Name": "/box.linklab-old.0123456789ab.running"}, True),
        ({"Id": BOX, "Name": "/bank"}, False),
        ({"Id": "c" * 64, "Name": "/box"}, False),
    ],
    ids=str,
)
def test_a_note_is_about_the_container_that_it_names(there, about):
    end = read_noted(END)
    assert end is not None
    assert is_about(end, there) is about


# -- helpers ----------------------------------------------------------------------------------------------------------

HELPER = {
    "Name": "/linklab-helper-0123456789ab",
    "Config": {"Entrypoint": ["sh", "-c", "exec sleep 60"]},
    "HostConfig": {"AutoRemove": True},
}


def test_a_helper_has_an_owner():
    assert helper_owner(HELPER, BOX) == BOX


@pytest.mark.parametrize("owner", [None, "", "box", BOX[:12], f"{BOX}\n"])
def test_a_helper_without_an_owner_is_none(owner):
    assert helper_owner(HELPER, owner) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "/stranger"},
        {"Name": "/linklab-helper-x"},
        {"HostConfig": {}},
        {"HostConfig": None},
        {"Config": {"Entrypoint": None}},
        {"Config": {"Entrypoint": ["mysqld"]}},
    ],
    ids=str,
)
def test_a_container_that_does_not_look_like_one_is_no_helper(change):
    assert helper_owner({**HELPER, **change}, BOX) == ""
