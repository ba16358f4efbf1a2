# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a thing is: a label counts where it was given to the thing itself."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import (
    TOPOLOGY_LABEL,
    container_owner,
    judged,
    owner,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState

IMAGE = "ab" * 32
MINE = {TOPOLOGY_LABEL: "lesson"}


@pytest.mark.parametrize("labels, name", [(MINE, "lesson"), ({"other": "lesson"}, None), ({}, None), (None, None)])
def test_owner_by_its_labels(labels, name):
    assert owner(labels) == name


@pytest.mark.parametrize(
    "images, name",
    [
        ({}, "lesson"),
        ({IMAGE: "lesson"}, None),
        ({IMAGE: "another"}, "lesson"),
        ({"cd" * 32: "lesson"}, "lesson"),
    ],
)
def test_what_only_the_image_claims_does_not_count(images, name):
    raw = {"Image": f"sha256:{IMAGE}", "Config": {"Labels": {**MINE, "other": "kept"}}}
    found = judged(ContainerState("1" * 64, "db", "running", raw=raw), images)
    assert container_owner(found) == name
    assert found.raw["Config"]["Labels"]["other"] == "kept"


def test_a_container_without_a_description_belongs_to_nobody():
    assert container_owner(ContainerState("1" * 64, "db", "running")) is None
