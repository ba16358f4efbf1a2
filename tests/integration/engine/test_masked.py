# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in mistyped options, in the engine's address, in logs and in healthchecks are shown by no task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from watch import engine_log

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s3cret-Horse-battery"
TEMPLATE = "{{ password }}"
VARIABLES = {"MYSQL_ROOT_PASSWORD": TEMPLATE}
URL = f"tcp://me:{TEMPLATE}@127.0.0.1:1"


PAIR = {"source": "a", "target": "b"}
BOX = {"image": "i", "command": "sleep 1"}


def link(**create: Json) -> Json:
    return {"container": "c", "links": [], "create": {**BOX, **create}}


def topology(**box: Json) -> Json:
    return {"name": "lab", "containers": {"db": {**BOX, **box}}}


# Modules, options that hold a secret where none is looked for, and what the message says.
MISTAKES: list[tuple[str, Json, str]] = [
    ("connectivity", {**PAIR, "login": {"passwort": TEMPLATE}}, "login.passwort"),
    ("connectivity", {**PAIR, "login": [{"password": TEMPLATE}]}, "login"),
    ("connectivity", {**PAIR, "login": f"root/{TEMPLATE}"}, "dictionary requested"),
    ("connectivity", {"checks": [{**PAIR, "logn": {"password": TEMPLATE}}]}, "logn"),
    ("container_link", link(secret_enviroment=VARIABLES), "secret_enviroment"),
    ("container_link", link(environment={"secret_environment": VARIABLES}), "environment"),
    ("container_link", {**link(), "create": [{**BOX, "secret_environment": VARIABLES}]}, "create"),
    ("network_attach", {"network": "n", "containres": {"db": VARIABLES}}, "containres"),
    ("network_attach", {"network": "bridge", "containers": [{"db": VARIABLES}]}, "containers[0]: must be a single"),
    ("topology", {"name": "lab", "containres": {"db": {"secret_environment": VARIABLES}}}, "containres"),
    ("topology", {"name": "lab", "containers": [{"db": {"secret_environment": VARIABLES}}]}, "containers"),
    ("topology", topology(secret_enviroment=VARIABLES), "did you mean secret_environment"),
    ("topology", topology(secret_environment=[TEMPLATE]), "secret_environment"),
    (
        "topology",
        topology(secret_environment={"A": [TEMPLATE]}),
        "secret_environment.A: must be a single value, not a list",
    ),
    ("topology", topology(environment={"A": [TEMPLATE]}), "environment.A: must be a single value, not a list"),
    ("topology", topology(command=[{"password": TEMPLATE}]), "command: must be a single value, not a dictionary"),
    ("topology", topology(extra_hosts={"a": [TEMPLATE]}), "extra_hosts: must be a single value, not a list"),
    ("topology", topology(networks=[[TEMPLATE]]), "networks: must be a single value, not a list"),
    ("topology", topology(depends_on=[[TEMPLATE]]), "depends_on: must be a single value, not a list"),
    (
        "topology",
        topology(depends_on={"a": {"condition": [TEMPLATE]}}),
        "a.condition: must be a single value, not a list",
    ),
    ("connectivity", {**PAIR, "login": {"password": [TEMPLATE]}}, "login.password: must be a single value, not a list"),
    (
        "connectivity",
        {**PAIR, "login": {"user": {"a": TEMPLATE}}},
        "login.user: must be a single value, not a dictionary",
    ),
    ("connectivity", {"checks": [{**PAIR, "login": {"database": [TEMPLATE]}}]}, "checks[0].login.database: must be"),
    (
        "container_link",
        link(secret_environment={"A": {"b": TEMPLATE}}),
        "create.secret_environment.A: must be a single",
    ),
    ("container_link", link(user=[TEMPLATE]), "create.user: must be a single value, not a list"),
    ("link_migrate", {"network": "n", "containers": [[TEMPLATE]]}, "containers[0]: must be a single value, not a list"),
    ("link_migrate", {"network": "n", "sources": ["a"], "passwort": TEMPLATE}, "passwort"),
    ("topology_info", {"name": "n", "docker_host": URL}, "docker_host 'tcp://me:********@127.0.0.1:1' cannot be used"),
    ("network_attach", {"network": "n", "docker_url": URL}, "has a password"),
]
SYSLOG = """
import sys, syslog
syslog.syslog = lambda *given: print("SYSLOG", *given, file=sys.stderr)
"""


@pytest.mark.parametrize("name, options, said", MISTAKES)
def test_nothing_is_shown_of_what_no_option_takes(start, tmp_path, name, options, said):
    (tmp_path / "sitecustomize.py").write_text(SYSLOG)
    path = os.pathsep.join([str(tmp_path), str(ROOT / ".collections")])
    given = json.loads(json.dumps(options).replace(TEMPLATE, SECRET))
    # What Ansible adds at its highest verbosity, and always before 2.21.
    given |= {"_ansible_inject_invocation": True, "_ansible_diff": True, "_ansible_verbosity": 4}
    shown, errors = start(name, given, {"PYTHONPATH": path}).communicate(timeout=60)
    result = json.loads(shown)
    assert result["failed"]
    assert said in result["msg"]
    assert any(sign in json.dumps(result["invocation"]) for sign in ("********", "NO_LOG_PARAMETER", "$REDACTED$"))
    assert SECRET not in shown + errors


def play(folder: Path, tasks: list[Json], environment: dict[str, str] | None = None) -> tuple[list[str], str]:
    """Run tasks that fail; return the message of each, and everything that is shown or left."""
    found = []
    for task in tasks:
        shown = {"ansible.builtin.debug": {"msg": "MESSAGE {{ failed.msg }}"}}
        # Each task must fail: the next one shows what the failure returned.
        found += [{**task, "register": "failed", "ignore_errors": True, "diff": True}, shown]
    book, variables = folder / "play.yml", folder / "vars.json"
    book.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": found}]))
    variables.write_text(json.dumps({"password": SECRET}))
    folders = {"ANSIBLE_REMOTE_TMP": str(folder / "remote"), "ANSIBLE_LOCAL_TEMP": str(folder / "local")}
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvvv", "-e", f"@{variables}", book],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            **folders,
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            # Before 2.21 the invocation is always there.
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "true",
            # Without skipped tasks, ansible-core shows these arguments once they are templated, whatever a module does.
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            **(environment or {}),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    messages = [line.partition("MESSAGE ")[2] for line in done.stdout.splitlines() if '"msg": "MESSAGE ' in line]
    assert len(messages) == len(tasks), done.stdout
    left = [one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file() and one != variables]
    return messages, "\n".join([done.stdout, done.stderr, *left, engine_log()])


def test_a_mistyped_option_in_a_play(tmp_path):
    given = [MISTAKES[0], MISTAKES[9], MISTAKES[11]]
    messages, shown = play(tmp_path, [{f"linklab.docker.{name}": options} for name, options, _said in given])
    for (_name, _options, said), message in zip(given, messages):
        assert said in message
    assert SECRET not in shown
    assert '"passwort": "********"' in shown


def test_the_address_in_the_environment(tmp_path):
    address = {"DOCKER_HOST": URL.replace(TEMPLATE, SECRET)}
    messages, shown = play(tmp_path, [{"linklab.docker.topology_info": {"name": "n"}}], address)
    assert "has a password" in messages[0]
    assert SECRET not in shown


DIES = f"echo GENERATED ROOT PASSWORD: {SECRET}; echo tried $PASS_CODE at $DB_URL; exit 3"
HELD = {"PASS_CODE": "b!tter", "DB_URL": f"mysql://app:{SECRET}@db/shop", "DB_PASSWORD": "b!tter"}


# So that the task waits, and sees the container end.
WAITS = {"healthcheck": {"test": ["CMD", "true"], "interval": "30s"}}


@pytest.fixture
def dead(lab: Json) -> str:
    """A container whose log has secrets that no task was given."""
    name = lab.run("dead", "sh", "-c", DIES, Env=[f"{name}={value}" for name, value in HELD.items()])
    lab.wait(lambda: lab.inspect(name)["State"]["Status"] == "exited")
    return str(name)


def test_the_log_of_a_container_that_ends(lab, module, dead):
    source = lab.run("source")
    checked = module("connectivity", {"source": source, "target": dead, "protocol": "dns", "timeout": 0}, fails=True)
    box = {"image": "linklab-test/busybox", "command": ["sh", "-c", DIES], "environment": HELD, **WAITS}
    params = {"name": lab.name("lab"), "containers": {lab.name("box"): box}, "wait": "healthy"}
    made = module("topology", params, fails=True)
    for result in (checked, made):
        assert "GENERATED ROOT PASSWORD: ********" in result["msg"]
        assert "tried ******** at mysql://app:********@db/shop" in result["msg"]
        assert SECRET not in json.dumps(result)


def test_the_healthcheck_of_a_container(lab, module):
    check = {"Test": ["CMD-SHELL", "echo tried $DB_PASSWORD; exit 1"], "Interval": 10**9, "Retries": 1}
    name = lab.run("sick", Healthcheck=check, Env=["DB_PASSWORD=b!tter"])
    lab.wait(lambda: lab.inspect(name)["State"]["Health"]["Status"] == "unhealthy", what="unhealthy")
    params = {"source": lab.run("source"), "target": name, "protocol": "dns", "timeout": 0}
    assert "The last healthcheck: tried ********" in module("connectivity", params, fails=True)["msg"]


def test_a_secret_that_is_quoted_is_known_all_the_same(lab, module):
    secret = "p'4\"s\\s"
    program = {"image": "linklab-test/busybox", "command": ["sh", "-c", 'set -x; : "$CODE"; exit 1']}
    given = {**program, "secret_environment": {"CODE": secret}, **WAITS}
    params = {"name": lab.name("lab"), "containers": {lab.name("box"): given}, "wait": "healthy"}
    result = module("topology", params, fails=True)
    assert "its log ends" in result["msg"]
    assert "4" not in result["msg"].partition("its log ends")[2]
