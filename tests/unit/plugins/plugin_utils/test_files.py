# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of reports on the machine that runs Ansible, and the options of the modules that write them."""

from __future__ import annotations

import os

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.linklab.docker.plugins.action import lab_report as report_action
from ansible_collections.linklab.docker.plugins.action import lab_summary as summary_action
from ansible_collections.linklab.docker.plugins.modules import lab_report, lab_summary
from ansible_collections.linklab.docker.plugins.plugin_utils._files import collection_version, read_report, write_files


def test_files_are_written_as_a_whole(tmp_path):
    folder = tmp_path / "a/b"
    for text in ("old", "new \u05e9"):
        assert write_files(folder, {"x.txt": text}) == [str(folder / "x.txt")]
        assert [one.name for one in folder.iterdir()] == ["x.txt"]
    assert (folder / "x.txt").read_text(encoding="utf-8") == "new \u05e9"


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match=r"cannot be written to .*: Not a directory"):
        write_files(tmp_path / "file/folder", {"x": ""})


@pytest.mark.parametrize("text", [None, "no JSON", "[1]"])
def test_a_report_that_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "lab.json").write_text(text)
    assert read_report(tmp_path, 0) == {}


def test_an_old_report_is_none(tmp_path):
    path = tmp_path / "lab.json"
    path.write_text('{"lab": "x"}')
    assert read_report(tmp_path, 0) == {"lab": "x"}
    os.utime(path, (1000, 1000))
    assert read_report(tmp_path, 1001) == {}


def test_the_version():
    assert collection_version().count(".") == 2


@pytest.mark.parametrize("module,action", [(lab_report, report_action), (lab_summary, summary_action)])
def test_the_options_are_those_in_the_documentation(module, action):
    told = {
        name: {key: value for key, value in option.items() if key != "description"}
        for name, option in yaml.safe_load(module.DOCUMENTATION)["options"].items()
    }
    assert told == action._OPTIONS
