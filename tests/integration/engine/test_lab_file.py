# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab file with mistakes: one message with all of them and their lines, before anything is made, without a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s3cret-Horse-battery"


def play(lab: Json, book: Path | str, *arguments: str) -> str:
    """Play a book that must fail, with nothing made by it; return all that it shows."""
    program = Path(sys.executable).with_name("ansible-playbook")
    connection = {"lab_connection": {"docker_host": lab.engine.connection.docker_host}}
    done = subprocess.run(
        [program, "-vvvv", book, "-e", json.dumps(connection), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_INJECT_INVOCATION": "true"},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert not [one for one in lab.engine.containers() if lab.name("db") in str(one["Names"])]
    return done.stdout + done.stderr


def test_a_file_with_mistakes(lab, tmp_path):
    path = tmp_path / "lab.yml"
    path.write_text(f"""\
lab_containers:
  {lab.name("db")}:
    image: linklab-test/busybox
    secret_enviroment: {{PASSWORD: {SECRET}}}
lab_checks:
  - source: [a]
    target: [b]
    protocl: tcp
""")
    shown = play(lab, "playbooks/lab.yml", "-e", f"lab_file={path}")
    for part in (
        f"{path} has mistakes. Nothing was changed.\n- lab_name is missing\n",
        f"\n- line 4: lab_containers.{lab.name('db')}.secret_enviroment: there is no such option (did you mean secret",
        "\n- line 8: lab_checks[0].protocl: there is no such option (did you mean protocol?)",
    ):
        assert part in shown, shown
    assert SECRET not in shown


def test_a_file_that_is_not_yaml(lab, tmp_path):
    path = tmp_path / "lab.yml"
    path.write_text(f"lab_name: x\npassword: {SECRET}\n  more: {SECRET}\n")
    shown = play(lab, "playbooks/lab.yml", "-e", f"lab_file={path}")
    assert f"{path} has mistakes" in shown
    assert "line 3, column 7: it is not YAML: mapping values are not allowed here" in shown
    assert "Unknown error" not in shown
    assert SECRET not in shown


def test_the_role_finds_mistakes_in_checks_before_it_makes_anything(lab, tmp_path):
    name = lab.name("db")
    variables = {
        "lab_name": lab.name("lab"),
        "lab_containers": {name: {"image": "linklab-test/busybox", "command": "sleep 100"}},
        "lab_checks": [
            {"source": [name], "target": [name], "protocol": "dns"},
            {"source": ["{{ lab_name }}"], "target": [name], "login": {"passwort": SECRET}},
            {"source": [name], "target": [name], "cause": "no_answer"},
        ],
    }
    play_ = {"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": ["linklab.docker.lab"]}
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play_]))
    shown = play(lab, book)
    assert "\n- lab_checks[1].login.passwort: there is no such option (did you mean password" in shown
    assert "- lab_checks[2]: " in shown
    assert "a cause needs expect: unreachable" in shown
    assert SECRET not in shown
