# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lab_mistakes
short_description: Find the mistakes in the variables of a lab
version_added: 0.2.0
author:
  - The linklab.docker maintainers (@linklab)
description:
  - Looks for mistakes in the variables of the role P(linklab.docker.lab#role), or in the text of a file that sets them,
    without an engine. Mistakes are unknown options, missing options, values of the wrong type, and checks that
    contradict themselves.
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
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_file import mistakes_in_text, mistakes_in_variables

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SPECS = Path(__file__).resolve().parents[2] / "roles/lab/meta/argument_specs.yml"


def lab_mistakes(variables: t.Any, defined: Sequence[str] = ()) -> list[str]:
    """Return the mistakes in the variables of a lab, or in the text of their file."""
    role = yaml.safe_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    if isinstance(variables, str):
        return mistakes_in_text(variables, role, defined)
    return mistakes_in_variables(variables, role)


class FilterModule:
    """The filter, as Ansible looks for it."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {"lab_mistakes": lab_mistakes}
