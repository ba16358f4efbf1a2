#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_report
short_description: Write a report about a lab, for people and for CI servers
version_added: 0.1.0
description:
  - Writes three files to a folder on the machine that runs Ansible, from what other tasks returned. C(report.html) is a
    page with the topology as a picture, what was proven, and what was changed; it loads nothing and contains no script.
    C(junit.xml) has a test case for each check. C(lab.json) has the same as data.
  - The role P(linklab.docker.lab#role) uses it for its variable O(linklab.docker.lab#role:main:lab_report), and is
    usually what you need.
  - Secrets are removed from all messages. These are the passwords in O(checks) and the values under
    C(secret_environment) in O(containers).
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._attributes
attributes:
  action:
    description: Runs on the machine that runs Ansible, and needs no connection to the host.
    support: full
  check_mode:
    support: full
    details:
      - The files are written in check mode, too. The report then says what would be changed.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details:
      - Never returns a change. The report is about the run, and has its time.
options:
  folder:
    description:
      - The folder, which is created if it does not exist. A relative path starts at the current directory.
    type: path
    required: true
  name:
    description: The name of the lab.
    type: str
    required: true
  networks:
    description: The networks, as in M(linklab.docker.topology). Drawn if O(graph) has no containers.
    type: dict
    default: {}
  containers:
    description: The containers, as in M(linklab.docker.topology). Drawn if O(graph) has no containers.
    type: dict
    default: {}
  checks:
    description:
      - The checks, as in the variable O(linklab.docker.lab#role:main:lab_checks) of the role.
    type: list
    elements: dict
    default: []
  stages:
    description:
      - Whether each stage of O(checks) was checked by a task of its own, V(stop), or all checks by one, V(continue).
    type: str
    choices: [continue, stop]
    default: continue
  timeout:
    description: The option O(linklab.docker.connectivity#module:timeout) of these tasks.
    type: float
    default: 30
  topology:
    description: The result of M(linklab.docker.topology) or M(linklab.docker.link_migrate).
    type: dict
    default: {}
  proofs:
    description:
      - The results of M(linklab.docker.connectivity), one, or with O(stages=stop) one for each stage. A stage without
        a result was skipped.
    type: list
    elements: dict
    default: []
  graph:
    description: The result of M(linklab.docker.topology_info).
    type: dict
    default: {}
  mistakes:
    description: The result of the filter P(linklab.docker.lab_mistakes#filter).
    type: list
    elements: str
    default: []
  names:
    description:
      - The list RV(linklab.docker.link_migrate#module:names) of M(linklab.docker.link_migrate), for a report about a
        migration. Replaces O(checks) and O(proofs).
    type: list
    elements: dict
seealso:
  - module: linklab.docker.lab_summary
  - plugin: linklab.docker.topology_diagram
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check who reaches whom
  linklab.docker.connectivity:
    checks: "{{ checks }}"
  register: proof

- name: Read what there is
  linklab.docker.topology_info:
    name: shop
  register: graph

- name: Write a report about it
  linklab.docker.lab_report:
    folder: reports/shop
    name: shop
    checks: "{{ checks }}"
    proofs: ["{{ proof }}"]
    graph: "{{ graph }}"
"""

RETURN = r"""
files:
  description: The paths of the files.
  returned: success
  type: list
  elements: str
  sample: [/home/ada/reports/shop/report.html, /home/ada/reports/shop/junit.xml, /home/ada/reports/shop/lab.json]
result:
  description:
    - V(passed) or V(failed), by the checks; V(error) if the lab could not be brought up; V(preview) for a run in check
      mode that would change something and has checked nothing.
  returned: success
  type: str
  sample: passed
"""
