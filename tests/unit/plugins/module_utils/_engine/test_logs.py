# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.logs import how_it_ended

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
