# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lab_stages
short_description: Split the checks of a lab into its stages
version_added: 0.1.0
author:
  - The linklab.docker maintainers (@linklab)
description:
  - Takes the variable O(linklab.docker.lab#role:main:lab_checks) of the role P(linklab.docker.lab#role), and returns
    what M(linklab.docker.connectivity) takes, without C(name), C(stage), and C(points).
positional: stages
options:
  _input:
    description: The checks of a lab.
    type: list
    elements: dict
    required: true
  stages:
    description:
      - V(stop) returns a list for each stage, in the order in which the stages are first named. V(continue) returns one
        list with all checks.
    type: str
    choices: [continue, stop]
    default: continue
seealso:
  - module: linklab.docker.connectivity
"""

EXAMPLES = r"""
- name: Make the checks of the first stage
  linklab.docker.connectivity:
    checks: "{{ (lab_checks | linklab.docker.lab_stages('stop') | first).checks }}"
"""

RETURN = r"""
_value:
  description: The stages, each with its C(stage) and its C(checks). Empty if there are no checks.
  type: list
  elements: dict
  sample:
    - stage: network
      checks:
        - {source: [client], target: [database], protocol: dns}
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_checks import for_module, groups

if t.TYPE_CHECKING:
    from collections.abc import Callable


def lab_stages(checks: t.Any, stages: str = "continue") -> list[dict[str, t.Any]]:
    """Return the checks of a lab by stage; raise AnsibleFilterError."""
    if stages not in ("continue", "stop"):
        raise AnsibleFilterError(f"lab_stages: {stages!r} is neither continue nor stop")
    if not isinstance(checks, list) or not all(isinstance(one, dict) for one in checks):
        raise AnsibleFilterError("lab_stages: needs lab_checks, a list of dictionaries")
    return [
        {"stage": stage, "checks": [for_module(checks[number]) for number in numbers]}
        for stage, numbers in groups(checks, stop=stages == "stop")
    ]


class FilterModule:
    """The filter, as Ansible looks for it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"lab_stages": lab_stages}
