# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module on the real engine that must refuse its task."""

from __future__ import annotations

import typing as t

Json = t.Any


def refusal(module: Json, proxy: Json, name: str, params: Json) -> str:
    """Run a module, which must fail without having changed anything, and return its message."""
    result = module(name, {"docker_host": proxy.url, **params}, fails=True)
    assert proxy.changing == []
    assert not result.get("changed")
    assert "\n" not in result["msg"]
    return str(result["msg"])
