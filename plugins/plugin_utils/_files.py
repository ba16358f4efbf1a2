# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The files of reports, on the machine that runs Ansible."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import yaml
from ansible.errors import AnsibleActionFail

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any

_COLLECTION = Path(__file__).resolve().parents[2]


def write_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write files to a folder, each as a whole or not at all, and return their paths; raise AnsibleActionFail."""
    folder = folder.expanduser().resolve()
    paths = [folder / name for name in files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, files.values()):
            # Two runs at once may write to the same folder.
            part = path.with_name(f"{path.name}.{os.getpid()}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    except OSError as exc:
        raise AnsibleActionFail(f"the report cannot be written to {folder}: {exc.strerror}") from exc
    return [str(path) for path in paths]


def read_report(folder: Path, since: float) -> dict[str, Json]:
    """Return the data of a report; nothing if there is none, or an older one. since: seconds since 1970."""
    path = folder.expanduser() / "lab.json"
    try:
        if path.stat().st_mtime < since:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def collection_version() -> str:
    """Return the version of this collection: from its manifest where it is installed, else from its sources."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((_COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))["version"])
