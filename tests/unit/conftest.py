# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the unit tests.

Environment variables, all optional:

    HYPOTHESIS_PROFILE  C(explore) draws other examples in each run, and many; the default draws always the same
"""

from __future__ import annotations

import os

from hypothesis import settings

# A busy machine makes single examples slow: that is no failure.
settings.register_profile("same", deadline=None, derandomize=True, database=None, max_examples=30)
settings.register_profile("explore", deadline=None, database=None, max_examples=500, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
