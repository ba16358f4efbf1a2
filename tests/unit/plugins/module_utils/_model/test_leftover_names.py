# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a container that only exists while another one is being changed."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.leftover_names import LEFTOVER_NAME, is_leftover

PEER = "0123456789ab"


@pytest.mark.parametrize(
    "name, parts",
    [
        (f"db.linklab-new.{PEER}", {"name": "db", "role": "new", "peer": PEER}),
        (f"db.linklab-old.{PEER}.running", {"role": "old", "before": "running", "policy": None}),
        (f"a.b.linklab-old.{PEER}.paused.always", {"name": "a.b", "policy": "always", "retries": None}),
        (f"db.linklab-old.{PEER}.stopped.on-failure-3", {"policy": "on-failure", "retries": "3"}),
        (f"db.linklab-unlink.{PEER}", {"role": "unlink", "before": None}),
    ],
)
def test_what_a_name_says(name, parts):
    assert is_leftover(name)
    found = LEFTOVER_NAME.fullmatch(name)
    assert found is not None and {key: found[key] for key in parts} == parts


@pytest.mark.parametrize(
    "name",
    ["db", "db.linklab-new", f"db.linklab-new.{PEER[:-1]}", f"db.linklab-old.{PEER}.dead", f".linklab-new.{PEER}"],
)
def test_a_name_of_the_users(name):
    assert not is_leftover(name)
