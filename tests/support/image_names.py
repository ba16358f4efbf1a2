# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that the engine takes for the name of an image, and texts that it does not; that it does so is tested on it."""

from __future__ import annotations

IMAGE_NAMES = (
    "mysqld",
    "mysql:8.0_x-Y",
    "a/b/c",
    "a__b-c--d.e_f/g",
    "localhost/x",
    "registry:5000/a/b",
    "Registry.Example.org:5000/a",
    f"mysql@sha256:{'0af1' * 16}",
    f"mysql:8@sha256:{'01' * 32}",
    f"sha256:{'01' * 32}",
    "01" * 32,
    f"a:{'x' * 128}",
)
NO_IMAGE_NAMES = (
    "UPPER/Case",
    "shop/App:1",
    "Mysql",
    "a b",
    "a:b c",
    "a//b",
    "a/",
    "/a",
    ":a",
    "-a",
    "a..b",
    "a___b",
    "a@",
    "a@sha256:12",
    f"a@sha256:{'0AF1' * 16}",
    "http://a/b",
    "a:é",
    f"a:{'x' * 129}",
    "a\nb",
)
