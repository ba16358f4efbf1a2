# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter lab_stages: what is checked together, and what the module gets."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.filter.lab_mistakes import lab_mistakes
from ansible_collections.linklab.docker.plugins.filter.lab_stages import FilterModule

stages = FilterModule().filters()["lab_stages"]
ONE = {"source": ["a"], "target": ["b"]}
CHECKS = [
    {"name": "First", "stage": "one", "points": 1, **ONE},
    {**ONE, "protocol": "dns"},
    {"stage": "one", **ONE, "protocol": "tcp"},
]


def test_all_at_once():
    assert stages(CHECKS) == [{"stage": "", "checks": [ONE, {**ONE, "protocol": "dns"}, {**ONE, "protocol": "tcp"}]}]


def test_one_after_the_other_in_the_order_in_which_they_are_named():
    assert stages(CHECKS, "stop") == [
        {"stage": "one", "checks": [ONE, {**ONE, "protocol": "tcp"}]},
        {"stage": "", "checks": [{**ONE, "protocol": "dns"}]},
    ]


@pytest.mark.parametrize("how", ["continue", "stop"])
def test_none(how):
    assert stages([], how) == []


@pytest.mark.parametrize("checks,how", [("all", "stop"), (["a"], "stop"), (CHECKS, "halt")])
def test_what_is_none_is_one_message(checks, how):
    with pytest.raises(AnsibleFilterError, match="lab_stages: "):
        stages(checks, how)


def test_mistakes_in_what_the_module_does_not_get():
    lab = {"lab_name": "x", "lab_containers": {}}
    assert lab_mistakes({**lab, "lab_checks": CHECKS}) == []
    wrong = [{**ONE, "point": 1}, {**ONE, "points": -1}, {**ONE, "points": "many"}, {**ONE, "stage": ["one"]}]
    assert lab_mistakes({**lab, "lab_checks": wrong}) == [
        "lab_checks[0].point: there is no such option (did you mean points or port or login?)",
        "lab_checks[2].points: must be a number, not 'many'",
        "lab_checks[3].stage: must be a single value, not a list",
        "lab_checks[1].points: must not be negative",
    ]
