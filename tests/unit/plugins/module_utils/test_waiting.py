# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._waiting import how_it_ended, judge

KILLED = {"ExitCode": 137, "OOMKilled": True}


@pytest.mark.parametrize(
    "state, words",
    [
        ({"ExitCode": 7}, " with exit code 7"),
        (KILLED, " with exit code 137, killed for lack of memory"),
        # Started again, and so without an exit code of its own.
        ({"Running": True, "ExitCode": 0, "OOMKilled": True}, ", killed for lack of memory"),
        ({"Running": True, "Restarting": True, **KILLED}, " with exit code 137, killed for lack of memory"),
    ],
)
def test_how_a_container_ended(state, words):
    assert how_it_ended(state) == words


@pytest.mark.parametrize(
    "state, final, words",
    [
        ({"Status": "exited", "ExitCode": 7}, True, "it ended with exit code 7"),
        (
            {"Status": "restarting", **KILLED},
            False,
            "it is started again and again, and ended with exit code 137, killed",
        ),
        ({"Status": "created"}, False, "its status is created"),
    ],
)
def test_a_container_that_does_not_run_is_not_ready(state, final, words):
    look = judge({"State": state}, "started")
    assert not look.ready
    assert look.final == final
    assert look.text.startswith(words)
