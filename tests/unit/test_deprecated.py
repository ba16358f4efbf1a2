# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing is used that ansible-core 2.22 calls deprecated: a play would warn about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPRECATED = {
    "ansible.module_utils.six": r"module_utils(\.| import )six",
    "AnsibleActionSkip": r"AnsibleActionSkip",
    "a result with skipped": r"['\"]skipped['\"]|\bskipped=",
}


@pytest.mark.parametrize("what", DEPRECATED)
def test_no_plugin_uses_what_is_deprecated(what):
    used = [
        str(path) for path in (ROOT / "plugins").rglob("*.py") if re.search(DEPRECATED[what], path.read_text("utf-8"))
    ]
    assert used == []
