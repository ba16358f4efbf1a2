# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.linklab.docker.plugins.action import topology
from ansible_collections.linklab.docker.plugins.action.topology import ActionModule, progress_text
from ansible_collections.linklab.docker.plugins.module_utils._apply.progress import PROGRESS_FILE


@pytest.mark.parametrize(
    "line, text",
    [
        ("       37       100\n", "37 of 100 changes made"),
        ("      100       100\n", "all 100 changes made, waiting for the containers"),
        ("0 0", "nothing to change, waiting for the containers"),
        ("1 1", "1 change made, waiting for the containers"),
        ("", ""),
        ("cat: /tmp/x: No such file", ""),
        ("1", ""),
    ],
)
def test_the_words(line: str, text: str) -> None:
    assert progress_text(line) == text


class Harness:
    """An action whose module runs until the reader has read often enough."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **task: t.Any) -> None:
        self.shown: list[str] = []
        self.read: list[str] = []
        self.answers: list[str] = []
        self.failure: Exception | None = None
        self.enough = threading.Event()
        monkeypatch.setattr(
            topology, "display", types.SimpleNamespace(display=self.shown.append, vvv=lambda *_, **__: None)
        )
        monkeypatch.setattr(NormalAction, "run", self._run_module)
        self.action = ActionModule.__new__(ActionModule)
        self.action._task = types.SimpleNamespace(**{"check_mode": False, "async_val": 0, "environment": None, **task})
        self.action._templar = types.SimpleNamespace(template=lambda value: value)
        shell = types.SimpleNamespace(tmpdir="/tmp/task", join_path=lambda *parts: "/".join(parts))
        self.action._connection = types.SimpleNamespace(_shell=shell)
        self.action._low_level_execute_command = self._read

    def _run_module(self, *_args: t.Any) -> dict[str, t.Any]:
        if self.answers:
            assert self.enough.wait(10)
        return {"changed": True}

    def _read(self, command: str, *, sudoable: bool) -> dict[str, str]:
        assert not sudoable
        self.read.append(command)
        answer = self.answers.pop(0) if self.answers else ""
        if not self.answers:
            self.enough.set()
        if self.failure is not None:
            raise self.failure
        return {"stdout": answer}

    def run(self, **variables: t.Any) -> dict[str, t.Any]:
        return self.action.run(None, {"inventory_hostname": "lab1", **variables})


def test_it_shows_how_far_the_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(monkeypatch)
    harness.answers = ["", "1 9", "2 9", ""]
    assert harness.run(lab_progress=0.01) == {"changed": True}
    assert [line.rpartition(",")[0] for line in harness.shown] == [
        "lab1: 1 of 9 changes made",
        "lab1: 2 of 9 changes made",
    ]
    assert harness.read[0] == "cat /tmp/task/progress"
    assert harness.action._task.environment == [{PROGRESS_FILE: "/tmp/task/progress"}]


@pytest.mark.parametrize(
    "variables, task",
    [
        ({}, {}),
        ({"lab_progress": 0}, {}),
        ({"lab_progress": None}, {}),
        ({"lab_progress": 0.01}, {"check_mode": True}),
        ({"lab_progress": 0.01}, {"async_val": 60}),
    ],
)
def test_it_is_quiet_otherwise(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, t.Any], task: dict[str, t.Any]
) -> None:
    harness = Harness(monkeypatch, **task)
    assert harness.run(**variables) == {"changed": True}
    assert (harness.shown, harness.read, harness.action._task.environment) == ([], [], None)


def test_a_connection_that_cannot_read_does_not_fail_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(monkeypatch)
    harness.answers, harness.failure = ["1 9"], AnsibleConnectionFailure("busy")
    assert harness.run(lab_progress=0.01) == {"changed": True}
    assert harness.shown == []


def test_what_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleActionFail, match="lab_progress: 'often' is not a number of seconds"):
        Harness(monkeypatch).run(lab_progress="often")


@pytest.mark.parametrize("number", [float("inf"), float("nan"), "1e308", 10**400])
def test_a_number_that_nobody_can_wait_for_is_refused(monkeypatch: pytest.MonkeyPatch, number: t.Any) -> None:
    with pytest.raises(AnsibleActionFail, match="lab_progress"):
        Harness(monkeypatch).run(lab_progress=number)
