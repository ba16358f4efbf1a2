# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password is in no argument vector, environment, engine event, description, log or result, at any verbosity."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.logs import read_log
from watch import HELPER_LABEL, Watch, engine_log

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s3cret-Horse-battery"


@pytest.fixture
def watch(engine: Json) -> Iterator[Watch]:
    one = Watch(engine)
    yield one
    one.stop()


def play(folder: Path, source: str, target: str, image: str) -> str:
    """Run a play as a user does, with the password in a variable, and return everything that it shows."""
    login = {"user": "root", "password": "{{ password }}"}
    options = {"source": source, "target": target, "login": login, "timeout": 0, "probe_image": image}
    task = {"linklab.docker.connectivity": options, "ignore_errors": True}
    tasks = [task, {**task, "check_mode": True, "diff": True}]
    plays = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    book, variables = folder / "play.yml", folder / "vars.yml"
    book.write_text(json.dumps(plays))
    variables.write_text(json.dumps({"password": SECRET}))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvvv", "-e", f"@{variables}", book],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_LOG_PATH": str(folder / "ansible.log"), "ANSIBLE_LOCALHOST_WARNING": "false"},
    )
    assert done.stdout.count('"cause": "access_denied"') >= 2, done.stdout + done.stderr
    return done.stdout + done.stderr + (folder / "ansible.log").read_text()


@pytest.fixture(params=["source", "helper"])
def client(request: pytest.FixtureRequest, lab: Json, mysql_image: str, mysql_server: str) -> tuple[str, str]:
    """A client with the mysql program, or without one, so that a helper is needed; and which of the two it is."""
    net = next(iter(lab.inspect(mysql_server)["NetworkSettings"]["Networks"]))
    image = {"image": mysql_image} if request.param == "source" else {}
    return lab.run("client", "sleep", "1000", networks=[net], **image), request.param


def test_nobody_sees_the_password(client, lab, mysql_server, mysql_image, watch, tmp_path):  # noqa: PLR0917 - fixtures
    client, where = client
    shown = play(tmp_path, client, mysql_server, mysql_image)
    watch.end()

    assert f'"where": "{where}"' in shown
    # What was looked at is what it should be: the client program was seen, and the engine's events of it.
    assert any("--defaults-file=/dev/stdin" in one for one in watch.seen)
    assert any("linklab-probe" in one for one in watch.seen)
    started = [json.loads(line) for line in watch.events if client in line or HELPER_LABEL in line]
    assert any("exec_create" in one["Action"] or "create" in one["Action"] for one in started)

    execs = {one["Actor"]["Attributes"].get("execID") for one in started} - {None}
    described = [json.dumps(lab.engine.get(f"/exec/{ident}/json")) for ident in execs]
    described += [json.dumps(lab.inspect(name)) for name in (client, mysql_server)]
    described += [read_log(lab.engine, name, 1000).decode(errors="replace") for name in (client, mysql_server)]
    assert execs
    for text in (shown, *watch.seen, *watch.events, *watch.descriptions, *described, engine_log()):
        assert SECRET not in text
    ident = lab.inspect(client)["Id"]
    assert any(ident in text for text in watch.descriptions) == (where == "helper")
