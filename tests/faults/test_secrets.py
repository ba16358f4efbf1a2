# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that any task prints or stores has a secret that it was given, at -vvvv, whether it succeeds or fails.

The engine shows the environment of a container to everybody who may use it: that is the only place. What a real login
shows is in test_connectivity_secret.py, among the engine's tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.logs import read_log
from fault_labs import AT_ONCE
from linklab_engine_conftest import BUSYBOX, ROOT
from watch import Watch, engine_log

Json = t.Any


SECRETS = {
    "topology": "t0p-Secret-horse",
    "changed": "ch4nged-Secret-horse",
    "link": "l1nk-Secret-horse",
    "login": "l0gin-Secret-horse",
    "mistyped": "m1styped-Secret-horse",
}
BOX = {"image": BUSYBOX, "command": ["sleep", "1000"], "stop_signal": "SIGKILL"}


def tasks(lab: Json, database: str) -> list[tuple[str, Json, bool]]:
    """Return modules, their options, and whether they succeed."""
    box, client = lab.name("box"), lab.name("client")

    def topology(secret: str, option: str = "secret_environment", **more: Json) -> Json:
        given = {**BOX, option: {"PASSWORD": f"{{{{ {secret} }}}}"}, **more.pop("box", {})}
        return {"name": lab.name("lab"), "containers": {box: given}, **more}

    def link(**more: Json) -> Json:
        create = {**BOX, "secret_environment": {"PASSWORD": "{{ link }}"}, **more}
        return {"container": client, "links": [f"{database}:db"], "create": create}

    def login(**more: Json) -> Json:
        given = {"user": "root", "password": "{{ login }}"}
        return {"source": client, "target": database, "login": given, "timeout": 0, **more}

    return [
        ("topology", topology("mistyped", "secret_enviroment"), False),
        ("topology", topology("topology", box={"command": ["/no-such-program"]}), False),
        ("topology", topology("topology", box={"image": "no-such/image", "pull": "never"}), False),
        ("topology", topology("topology"), True),
        ("topology", topology("topology"), True),
        ("topology", topology("changed"), False),
        ("topology", topology("changed", disruption="recreate"), True),
        ("container_link", link(command=["/no-such-program"]), False),
        ("container_link", link(), True),
        ("container_link", link(), True),
        ("connectivity", login(), False),
        ("connectivity", {"checks": [login()]}, False),
        ("connectivity", login(host="no-such-name"), False),
        ("topology", topology("changed", state="absent"), True),
    ]


def play(folder: Path, wanted: list[tuple[str, Json, bool]]) -> str:
    """Run the tasks as a user does, in check mode and for real, and return everything that is shown or left."""
    found = []
    for name, options, fine in wanted:
        # Those that are to fail show their messages, too.
        task = {f"linklab.docker.{name}": options, "diff": True, "ignore_errors": not fine}
        # Whether it fails is of no interest in check mode: what it shows is read either way.
        found += [{**task, "check_mode": True, "ignore_errors": True}, task]
    book, variables, remote = folder / "play.yml", folder / "vars.yml", folder / "remote"
    book.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": found}]))
    variables.write_text(json.dumps(SECRETS))
    environment = {
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_REMOTE_TMP": str(remote),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-vvvv", "-e", f"@{variables}", book],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ignored = sum(not fine for _name, _options, fine in wanted)
    assert done.stdout.count("fatal: [localhost]") >= ignored, done.stdout
    left = [
        one.read_text(errors="replace") for one in (*remote.rglob("*"), *(folder / "local").rglob("*")) if one.is_file()
    ]
    return "\n".join([done.stdout, done.stderr, (folder / "ansible.log").read_text(), *left])


@pytest.fixture
def watch(engine: Json) -> t.Iterator[Watch]:
    one = Watch(engine)
    yield one
    one.stop()


def test_no_secret_is_shown_anywhere(lab, watch, tmp_path):
    database = lab.run("database", **AT_ONCE)

    shown = play(tmp_path, tasks(lab, database))
    watch.end()

    descriptions = []
    for name in (lab.name("client"), database):
        raw = lab.inspect(name)
        if name != database:
            # So the secret was at work.
            environment = raw["Config"].pop("Env")
            assert f"PASSWORD={SECRETS['link']}" in environment
        descriptions += [json.dumps(raw), read_log(lab.engine, name, 1000).decode(errors="replace")]
    events = [line for line in watch.events if lab.prefix in line]
    assert any("recreate_container" in line for line in shown.splitlines())
    assert events
    places = {
        "what was printed": [shown],
        "arguments": watch.arguments,
        "events": watch.events,
        "descriptions": [*descriptions, *watch.descriptions],
        "the engine's log": [engine_log()],
    }
    found = [
        (place, secret)
        for place, texts in places.items()
        for secret in SECRETS.values()
        if any(secret in x for x in texts)
    ]
    assert found == []
