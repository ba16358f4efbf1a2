# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: many pairs in one task, how long they take, and what is shown of them."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from pathlib import Path

import yaml

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]


def test_many_closed_ports_take_no_longer_than_all_may(lab, module):
    net = lab.network("net")
    clients = [lab.run(name, networks=[net]) for name in ("one", "two")]
    server = lab.run("server", networks=[net])
    matrix = {"source": clients, "target": [server], "port": list(range(1000, 1100))}
    begin = time.monotonic()
    options = {"checks": [matrix], "protocol": "tcp", "timeout": 20, "total_timeout": 2}
    result = module("connectivity", options, fails=True)
    # Of 200 checks, 8 at once, each of which would be tried again for 20 seconds.
    assert time.monotonic() - begin < 60
    assert len(result["msg"]) < 2000, result["msg"]
    assert result["msg"].startswith("200 of 200 checks are not as expected:")
    assert "The same for" in result["msg"]
    late = [one for one in result["results"] if "not tried: the total_timeout of 2 seconds was over" in one["msg"]]
    assert 0 < len(late) < 200
    assert all(not one["passed"] and one["attempts"] == [] for one in late)


def test_the_task_that_fixes_it_is_in_the_message(lab, module):
    client, server = (lab.run(name, networks=[lab.network(f"{name}-net")]) for name in ("client", "server"))
    for options in ({"source": client, "target": server}, {"checks": [pair(client, server)]}):
        result = module("connectivity", {**options, "protocol": "tcp", "timeout": 0}, fails=True)
        assert f"- name: Attach {client} to" in result["msg"]


def pair(source: str, target: str) -> Json:
    return {"source": [source], "target": [target]}


def test_the_lab_shows_what_is_wrong_once(lab, engine, tmp_path):
    image = lab.inspect(lab.run("image", start=False))["Config"]["Image"]
    names = {name: {"image": image, "command": ["sleep", "1000"]} for name in (lab.name("a"), lab.name("b"))}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/linklab.docker.docker": {"docker_host": engine.connection.docker_host}},
        "roles": [{"role": "linklab.docker.lab"}],
        "vars": {
            "lab_name": lab.name("shown"),
            "lab_containers": names,
            "lab_checks": [{**pair(*names), "protocol": "tcp"}],
            "lab_wait": "started",
            "lab_check_timeout": 0,
        },
    }
    book = tmp_path / "lab.yml"
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    shown = subprocess.run(["ansible-playbook", book], cwd=ROOT, capture_output=True, text=True, check=False)
    text = shown.stdout + shown.stderr
    assert shown.returncode == 2, text
    assert text.count("are both on the default bridge only") == 1, text
    assert "- name: Attach" in text
    (last,) = [line for line in text.splitlines() if line.startswith("fatal: ")]
    assert json.loads(last.partition("=> ")[2])["msg"] == "1 of 1 checks are not as expected. See above."
