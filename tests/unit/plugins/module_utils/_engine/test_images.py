# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of images, and how pulls fail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._engine.images import (
    NotPulled,
    full_name,
    image_name,
    pull,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, SpecError
from image_names import IMAGE_NAMES, NO_IMAGE_NAMES
from pulling import Puller

ROOT = Path(__file__).resolve().parents[5]


@pytest.mark.parametrize("name", [*IMAGE_NAMES, " mysql ", "[::1]:5000/a"])
def test_a_name_that_an_image_can_have(name):
    assert image_name(name) == name.strip()


@pytest.mark.parametrize("name", ["", *NO_IMAGE_NAMES])
def test_a_name_that_no_image_can_have(name):
    with pytest.raises(SpecError, match="is not the name of an image; write name:tag, with the name in lower case"):
        image_name(name)


def test_the_role_asks_the_engine_for_names_alone():
    role = yaml.safe_load((ROOT / "roles/mysql_image/vars/main.yml").read_text(encoding="utf-8"))
    pattern = re.compile(role["mysql_image__name_pattern"])
    assert [name for name in IMAGE_NAMES if not pattern.match(name)] == []
    assert [name for name in ("UPPER/Case", "Mysql", "a b", "a:b c", "", "/a") if pattern.match(name)] == []


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
