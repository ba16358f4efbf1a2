# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of every module, with a fault at each of their requests (see tests/support/fault_sweep.py)."""

from __future__ import annotations

import connectivity_scenarios
import container_link_scenarios
import link_migrate_scenarios
import network_attach_scenarios
import pytest
import topology_info_scenarios
import topology_scenarios

MODULES = (
    network_attach_scenarios,
    container_link_scenarios,
    link_migrate_scenarios,
    topology_scenarios,
    connectivity_scenarios,
    topology_info_scenarios,
)


@pytest.mark.parametrize("scenario", [one for module in MODULES for one in module.SCENARIOS], ids=str)
def test_faults(sweep, scenario):
    sweep.check(scenario)
