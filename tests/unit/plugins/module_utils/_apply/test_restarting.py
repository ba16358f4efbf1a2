# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that the engine refuses between two starts of a container are tried again, and others are not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply import restarting
from ansible_collections.linklab.docker.plugins.module_utils._apply.restarting import once_it_runs
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, EngineError
from ansible_collections.linklab.docker.plugins.module_utils._model.state import read_container
from attach_model import OLD

REFUSED = EngineError(500, "container is not connected to network net", "POST /networks/net/disconnect")


class Crashing:
    """An engine with one container, whose looks are given as status and number of its start; the last one stays."""

    info = OLD

    def __init__(self, *looks: tuple[str, int]) -> None:
        self.looks = list(looks)

    def container(self, _ref: str) -> dict[str, t.Any]:
        status, number = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return box(status, number)


def box(status: str, number: int) -> dict[str, t.Any]:
    """Return a container as the engine describes it: the count of restarts goes up when it ends, and not at a start."""
    state = {"Status": status, "ExitCode": 3, "StartedAt": f"2026-01-01T00:00:{number:02}Z"}
    return {"Id": "1" * 64, "Name": "/box", "State": state, "RestartCount": 7}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarting, "_LOOK_AGAIN", 0)


def change(*outcomes: EngineError | None) -> t.Callable[[], None]:
    """Return a change that fails as often as errors are given."""
    left = list(outcomes)

    def call() -> None:
        error = left.pop(0)
        if error is not None:
            raise error

    return call


def attempt(engine: Crashing, *outcomes: EngineError | None, seen: int = 1) -> None:
    before = read_container(box("restarting", seen), OLD)
    once_it_runs(t.cast("t.Any", engine), before, change(*outcomes))


def test_it_is_tried_again_until_the_container_runs():
    attempt(Crashing(("restarting", 1), ("restarting", 1)), REFUSED, REFUSED, None)


def test_a_start_between_the_refusal_and_the_look_counts_as_a_pause():
    attempt(Crashing(("running", 2)), REFUSED, None)


def test_a_refusal_while_it_runs_is_final():
    with pytest.raises(EngineError):
        attempt(Crashing(("running", 1)), REFUSED)
    with pytest.raises(EngineError):
        attempt(Crashing(("running", 2)), REFUSED, REFUSED)


def test_one_that_does_not_start_is_reported_with_its_exit_code_and_count(monkeypatch):
    monkeypatch.setattr(restarting, "PATIENCE", 0)
    with pytest.raises(ApplyError, match=r"box restarts again and again \(exit code 3, 7 restarts so far\)"):
        attempt(Crashing(("restarting", 7)), REFUSED, REFUSED)
