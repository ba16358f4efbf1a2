# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""lab_state=validated, played: no engine, no Python on the host, no rights; one message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-Horse-battery"
LAB = """\
lab_name: pair
lab_wait: helthy
password: "{{ lookup('ansible.builtin.env', 'NO_SUCH_VARIABLE') }}"
lab_networks:
  net:
lab_containers:
  database:
    image: "{{ image | default('mysql') }}"
    secret_environment: {PASSWORD: s3cret-Horse-battery}
    networks: ["{{ 'nett' }}"]
lab_checks:
  - source: [client]
    target: [database]
    login: {password: s3cret-Horse-battery}
"""


def play(book: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.run(
        # No module runs on the host: there is no such interpreter.
        [program, str(book), "-e", "ansible_python_interpreter=/nonexistent", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent", "ANSIBLE_NOCOLOR": "1"},
    )


def test_all_mistakes_of_a_file_are_in_one_message(tmp_path):
    path = tmp_path / "pair.yml"
    path.write_text(LAB)
    done = play("playbooks/lab.yml", "-vvv", "-e", "lab_state=validated", "-e", f"lab_file={path}")
    assert SECRET not in done.stdout + done.stderr
    assert done.returncode == 2, done.stdout
    assert (
        f"""\
{path} has 3 mistakes.
- line 2: lab_wait: 'helthy' is none of the values that it can have: started, healthy (did you mean healthy?)
- line 10: lab_containers.database.networks: no network 'nett' in this topology (did you mean net?); \
name it under networks (with external: true if others made it)
- line 12: lab_checks[0].source: the lab has no container 'client'
"""
        in done.stdout
    )


def test_a_ready_lab_has_none():
    done = play("playbooks/lab.yml", "-e", "lab_state=validated", "-e", "lab_file=three_tier")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "playbooks/labs/three_tier.yml has no mistakes: networks 2, containers 3, checks 3." in done.stdout
    assert "changed=0" in done.stdout
    assert "WARNING" not in done.stderr


def test_the_role_validates_too_and_the_play_goes_on(tmp_path):
    variables = {
        "lab_state": "validated",
        "lab_name": "x",
        "lab_networks": "{{ {'net': {}} }}",
        "lab_containers": {"db": {"image": "mysql", "networks": ["net"]}},
    }
    after = [{"ansible.builtin.debug": {"msg": "and on it goes"}}]
    book = tmp_path / "play.yml"
    role = {"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": ["linklab.docker.lab"]}
    book.write_text(json.dumps([{**role, "post_tasks": after}]))
    done = play(book)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The lab x has no mistakes: networks 1, containers 1, checks 0." in done.stdout
    assert "and on it goes" in done.stdout
