# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of marks: what counts, and all that does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.marks import (
    given_value,
    helper_owner,
    without_inherited,
)

Json = t.Any

BOX = "b" * 64
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
