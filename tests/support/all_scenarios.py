# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of all modules for tests that let something go wrong with them."""

from __future__ import annotations

import connectivity_scenarios
import container_link_scenarios
import link_migrate_scenarios
import network_attach_scenarios
import topology_info_scenarios
import topology_scenarios

# The first scenario of each module sends most kinds of its requests.
MODULES = (
    network_attach_scenarios,
    container_link_scenarios,
    link_migrate_scenarios,
    topology_scenarios,
    connectivity_scenarios,
    topology_info_scenarios,
)
SCENARIOS = [one for module in MODULES for one in module.SCENARIOS]
