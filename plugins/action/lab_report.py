# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a report about a lab: the module lab_report."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version
from ansible_collections.linklab.docker.plugins.plugin_utils._files import collection_version, write_files
from ansible_collections.linklab.docker.plugins.plugin_utils._report import build
from ansible_collections.linklab.docker.plugins.plugin_utils._report_files import report_files

_OPTIONS: dict[str, dict[str, t.Any]] = {
    "folder": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "networks": {"type": "dict", "default": {}},
    "containers": {"type": "dict", "default": {}},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "stages": {"type": "str", "choices": ["continue", "stop"], "default": "continue"},
    "timeout": {"type": "float", "default": 30.0},
    "topology": {"type": "dict", "default": {}},
    "proofs": {"type": "list", "elements": "dict", "default": []},
    "graph": {"type": "dict", "default": {}},
    "mistakes": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "dict"},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Does all of its work on the machine that runs Ansible."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        report = build(
            {
                **options,
                "host": (task_vars or {}).get("inventory_hostname", ""),
                "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "preview": bool(self._task.check_mode),
                "versions": {"linklab.docker": collection_version(), "ansible-core": core_version},
            }
        )
        files = write_files(Path(options["folder"]), report_files(report))
        return {**result, "changed": False, "files": files, "result": report["result"]}
