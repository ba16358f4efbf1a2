#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_summary
short_description: Write a summary of the reports about many labs
version_added: 0.1.0
description:
  - Writes C(summary.html) and C(summary.csv) to a folder on the machine that runs Ansible. They have a line for each
    of many labs, whose reports M(linklab.docker.lab_report) has written to folders within that one.
  - The playbook C(linklab.docker.grade) uses it.
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
      - The files are written in check mode, too.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details:
      - Never returns a change.
options:
  folder:
    description:
      - The folder with the folders of the reports. A relative path starts at the current directory.
    type: path
    required: true
  labs:
    description:
      - The names of the folders within O(folder), in the order of the summary. One that has no report is listed as
        such.
    type: list
    elements: str
    required: true
  since:
    description: Reports that are older than this are not taken into account. In seconds since 1970.
    type: float
    default: 0
seealso:
  - module: linklab.docker.lab_report
"""

EXAMPLES = r"""
- name: Write a summary of the labs of all students
  linklab.docker.lab_summary:
    folder: reports
    labs: "{{ groups.students }}"
  run_once: true
"""

RETURN = r"""
files:
  description: The paths of the files.
  returned: success
  type: list
  elements: str
  sample: [/home/ada/reports/summary.html, /home/ada/reports/summary.csv]
passed:
  description: How many labs passed.
  returned: success
  type: int
  sample: 28
lines:
  description: A line for each lab, ready to be displayed.
  returned: success
  type: list
  elements: str
  sample: ["ada: passed, 3 of 3 checks, 5 of 5 points"]
"""
