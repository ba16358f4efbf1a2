# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module on the real engine that must refuse its task, and read its message."""

from __future__ import annotations

import typing as t

import yaml

Json = t.Any


def without_tasks(message: str) -> str:
    """Return a message without the tasks for a playbook that a diagnosis may add to it."""
    said, blank, tasks = message.partition("\n\n- name: ")
    assert not blank or all(len(task) == 2 for task in yaml.safe_load(f"- name: {tasks}")), message
    return said


def refusal(module: Json, proxy: Json, name: str, params: Json) -> str:
    """Run a module, which must fail without having changed anything, and return its message."""
    result = module(name, {"docker_host": proxy.url, **params}, fails=True)
    assert proxy.changing == []
    assert not result.get("changed")
    assert "\n" not in result["msg"]
    return str(result["msg"])
