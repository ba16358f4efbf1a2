# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lab_mistakes
short_description: Find the mistakes in the variables of a lab
version_added: 0.1.0
author:
  - The linklab.docker maintainers (@linklab)
description:
  - Looks for mistakes in the variables of the role P(linklab.docker.lab#role), or in the text of a file that sets them,
    without an engine. Mistakes are unknown options, missing options, values of the wrong type, and checks that
    contradict themselves; with O(depth=whole) also whatever else is wrong before an engine is asked.
  - In a text, values with templates are not checked, since only Ansible can evaluate them.
positional: []
options:
  _input:
    description:
      - A dictionary of the variables of the role, or the text of a YAML file. For a text, the line numbers are returned
        too.
    type: raw
    required: true
  defined:
    description:
      - Names of variables that do not count as missing in a text, since they are set elsewhere.
    type: list
    elements: str
    default: []
  text:
    description:
      - The text of the file that the variables come from, if the input is a dictionary. The line numbers are then
        returned too, and variables that the role does not have are found.
    type: str
    version_added: 0.1.0
  depth:
    description:
      - V(form) only finds out whether a text is a dictionary of variables, and what it sets twice.
      - V(shape) looks at each option and each check on its own.
      - V(whole) also parses the networks and containers as the module M(linklab.docker.topology) does, and compares
        them with each other. It finds networks that are not declared, addresses that are outside of their subnet or
        wanted twice, subnets that overlap, too few addresses, links and dependencies that lead nowhere or in a circle,
        and checks of containers that the lab does not have. The values must not have templates.
    type: str
    choices: [form, shape, whole]
    default: shape
    version_added: 0.1.0
seealso:
  - plugin: linklab.docker.lab
    plugin_type: role
"""

EXAMPLES = r"""
- name: Stop if the file of a lab has mistakes
  ansible.builtin.assert:
    that: mistakes | length == 0
    fail_msg: "{{ mistakes | join('; ') }}"
  vars:
    mistakes: "{{ lookup('ansible.builtin.file', 'shop.yml') | linklab.docker.lab_mistakes }}"
"""

RETURN = r"""
_value:
  description: The mistakes, each in a sentence with its path and, for a text, its line. Empty if there are none.
  type: list
  elements: str
  sample:
    - 'line 12: lab_checks[0].protocl: there is no such option (did you mean protocol?)'
"""

import typing as t
from pathlib import Path

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_file import find_mistakes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DEPTHS = ("form", "shape", "whole")
_SPECS = Path(__file__).resolve().parents[2] / "roles/lab/meta/argument_specs.yml"


def lab_mistakes(
    variables: t.Any, defined: Sequence[str] = (), text: str | None = None, depth: str = "shape"
) -> list[str]:
    """Return the mistakes in the variables of a lab, or in the text of their file."""
    if depth not in _DEPTHS:
        raise AnsibleFilterError(f"lab_mistakes: depth must be {', '.join(_DEPTHS)}, not {depth!r}")
    role = yaml.safe_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    if isinstance(variables, str):
        variables, text = None, variables
    return find_mistakes(variables, text, role, defined=defined, depth=depth)


class FilterModule:
    """The filter, as Ansible looks for it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"lab_mistakes": lab_mistakes}
