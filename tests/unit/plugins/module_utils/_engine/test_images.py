# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of images, and how pulls fail."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.images import NotPulled, full_name, pull
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from pulling import Puller


@pytest.mark.parametrize(
    "name,expected",
    [
        ("mysql", "mysql:latest"),
        ("docker.io/library/mysql:8", "mysql:8"),
        ("registry:5000/a/b", "registry:5000/a/b:latest"),
        ("a@sha256:0", "a@sha256:0"),
        ("sha256:0", "sha256:0"),
    ],
)
def test_full_names(name: str, expected: str) -> None:
    assert full_name(name) == expected


def test_the_tag_goes_with_the_name():
    engine = Puller()
    pull(engine, "example.org:5000/a/tools")
    assert engine.pulls == [("POST", "/images/create", {"fromImage": "example.org:5000/a/tools:latest"})]


@pytest.mark.parametrize(
    "engine, why",
    [
        (Puller(EngineError(500, "connection refused", "POST")), "connection refused"),
        (Puller(OSError("timed out")), "no progress for 7 s"),
        (Puller('{"status":"Pulling"}', "", '{"error":"manifest unknown"}'), "manifest unknown"),
    ],
)
def test_a_pull_that_fails(engine, why):
    with pytest.raises(NotPulled, match=why):
        pull(engine, "tools")
