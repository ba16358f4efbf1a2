# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of every module, with a fault at each of their requests (see tests/support/fault_sweep.py)."""

from __future__ import annotations

import pytest
from all_scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_faults(sweep, scenario):
    sweep.check(scenario)
