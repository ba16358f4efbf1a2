# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a summary of many reports about labs: the module lab_summary."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible_collections.linklab.docker.plugins.plugin_utils._files import read_report, write_files
from ansible_collections.linklab.docker.plugins.plugin_utils._report_files import summary_files, summary_lines

_OPTIONS: dict[str, dict[str, t.Any]] = {
    "folder": {"type": "path", "required": True},
    "labs": {"type": "list", "elements": "str", "required": True},
    "since": {"type": "float", "default": 0.0},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Does all of its work on the machine that runs Ansible."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        folder = Path(options["folder"])
        reports = {name: read_report(folder / name, options["since"]) for name in options["labs"]}
        return {
            **result,
            "changed": False,
            "files": write_files(folder, summary_files(reports)),
            "passed": sum(report.get("result") == "passed" for report in reports.values()),
            "lines": summary_lines(reports),
        }
