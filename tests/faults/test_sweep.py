# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of every module, with a fault at each of their requests (see tests/support/fault_sweep.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from all_scenarios import SCENARIOS
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._errors import LinklabError
from socket_proxy import Fault


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_faults(sweep, scenario):
    sweep.check(scenario)


def test_what_follows_a_fault_waits_for_it_even_if_the_task_gave_up(lab, proxy):
    # It ignores the signal to stop, so the engine answers after the client's timeout.
    box, struck = lab.run("box"), []
    happened = proxy.spoil(
        Fault("cut", after=True, strike=lambda: struck.append(lab.inspect(box)["State"]["Status"])), 0
    )
    client = Engine(replace(lab.engine.connection, docker_host=proxy.url, timeout=1))
    with pytest.raises(LinklabError, match="did not answer"):
        client.order(f"/containers/{box}/stop", t="4")
    client.close()

    assert not struck
    assert happened()
    assert struck == ["exited"]
