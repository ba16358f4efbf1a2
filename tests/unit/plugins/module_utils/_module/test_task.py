# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share: the connection that a task describes, and what is reported about its actions."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.linklab.docker.plugins.doc_fragments import _docker
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint
from ansible_collections.linklab.docker.plugins.module_utils._module.common import (
    CONNECTION_OPTIONS,
    LinklabModule,
    connection_of,
)
from ansible_collections.linklab.docker.plugins.module_utils._module.task import DISRUPTION_OPTION, report
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Attach, Disruption, Reattach

SECRET = 'it\'s a "horse" \\o/'
VARIABLES = ("DOCKER_HOST", "DOCKER_TLS_HOSTNAME", "DOCKER_API_VERSION", "DOCKER_TIMEOUT", "DOCKER_TLS")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)


def connection(**params: t.Any) -> Connection:
    """Return the connection of a task with these parameters, checked as Ansible checks them."""
    checked = ArgumentSpecValidator(CONNECTION_OPTIONS).validate(params)
    assert checked.error_messages == []
    return connection_of(checked.validated_parameters)


def test_nothing_given_is_the_engine_of_the_machine():
    assert connection() == Connection("unix:///var/run/docker.sock", "auto", timeout=60)


def test_the_parameters_of_the_task():
    given = {
        "docker_host": "tcp://192.0.2.1:2376",
        "api_version": "1.44",
        "timeout": 5,
        "tls": True,
        "validate_certs": True,
        "tls_hostname": "engine.example",
        "ca_path": "/ca.pem",
        "client_cert": "/cert.pem",
        "client_key": "/key.pem",
    }
    assert connection(**given) == Connection(**given)


@pytest.mark.parametrize(
    "alias, value, field",
    [
        ("docker_url", "tcp://192.0.2.1:2375", "docker_host"),
        ("docker_api_version", "1.44", "api_version"),
        ("ca_cert", "/x", "ca_path"),
        ("tls_ca_cert", "/x", "ca_path"),
        ("cacert_path", "/x", "ca_path"),
        ("tls_client_cert", "/x", "client_cert"),
        ("cert_path", "/x", "client_cert"),
        ("tls_client_key", "/x", "client_key"),
        ("key_path", "/x", "client_key"),
        ("tls_verify", True, "validate_certs"),
    ],
)
def test_the_aliases_that_docker_modules_share(alias, value, field):
    assert getattr(connection(**{alias: value}), field) == value


@pytest.mark.parametrize(
    "variable, text, field, value",
    [
        ("DOCKER_HOST", "tcp://192.0.2.1:2375", "docker_host", "tcp://192.0.2.1:2375"),
        ("DOCKER_TLS_HOSTNAME", "engine.example", "tls_hostname", "engine.example"),
        ("DOCKER_API_VERSION", "1.44", "api_version", "1.44"),
        ("DOCKER_TIMEOUT", "5", "timeout", 5),
        ("DOCKER_TLS", "1", "tls", True),
        ("DOCKER_TLS_VERIFY", "yes", "validate_certs", True),
    ],
)
def test_the_environment_counts_where_the_task_gives_nothing(monkeypatch, variable, text, field, value):
    monkeypatch.setenv(variable, text)
    assert getattr(connection(), field) == value
    given = {"docker_host": "unix:///x", "tls_hostname": "y", "api_version": "1.50", "timeout": 9}
    given |= {"tls": False, "validate_certs": False}
    assert getattr(connection(**given), field) == given[field]


def test_the_folder_of_certificates_counts_where_the_task_gives_none(monkeypatch):
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certs")
    found = connection(client_cert="/own.pem")
    assert (found.ca_path, found.client_cert, found.client_key) == ("/certs/ca.pem", "/own.pem", "/certs/key.pem")


def test_the_options_are_the_documented_ones():
    documented = yaml.safe_load(_docker.ModuleDocFragment.DOCUMENTATION)["options"]
    assert set(documented) == set(CONNECTION_OPTIONS)
    for name, option in CONNECTION_OPTIONS.items():
        assert documented[name]["type"] == option["type"]
        assert documented[name].get("default") == option.get("default")
        assert documented[name].get("aliases", []) == option.get("aliases", [])
        variables = [one for value in option.get("fallback", ()) if isinstance(value, list) for one in value]
        assert all(variable in str(documented[name]["description"]) for variable in variables)


def test_the_disruptions_are_the_ones_of_plans():
    assert DISRUPTION_OPTION["disruption"]["choices"] == ["none", "reconnect", "recreate"]
    assert DISRUPTION_OPTION["disruption"]["default"] == "reconnect"


def run_module(options: dict[str, t.Any], spec: dict[str, t.Any], end: t.Callable[[LinklabModule], object]) -> str:
    """Let a module end; return what it prints, without what ansible-core 2.22 tells its controller to hide."""
    shown = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        module = LinklabModule(spec)
        with pytest.raises(SystemExit):
            end(module)
    return re.sub(r'"_ansible_new_secrets": \[.*?"\]', "", shown.getvalue())


@pytest.mark.parametrize("way", ["exit", "fail", "warn"])
def test_a_secret_is_hidden_in_whatever_form(way):
    def end(module: LinklabModule) -> None:
        text = f"{json.dumps(SECRET)} and {shlex.quote(SECRET)}"
        if way == "warn":
            module.warn(f"{text} and {SECRET}")
        if way == "fail":
            module.fail_json(text, lines=[{"text": text}])
        module.exit_json(lines=[{"text": text if way == "exit" else "harmless"}], secret_of="harmless")

    shown = run_module({"secret": SECRET}, {"secret": {"type": "str", "no_log": True}}, end)
    assert "horse" not in shown
    assert "********" in shown
    assert "secret_of" in shown or way == "fail"


def test_a_password_in_the_address_is_refused_and_not_shown():
    def end(module: LinklabModule) -> None:
        with pytest.raises(SpecError, match=r"tcp://me:\*{8}@host:2375' cannot be used: it has a password"):
            connection_of(module.params)
        module.exit_json(host=module.params["docker_host"])

    assert "hunter2" not in run_module({"docker_host": "tcp://me:hunter2@host:2375"}, {}, end)


def test_nothing_done_disrupts_nothing():
    assert report(()) == {"actions": [], "disruption": "none"}


def test_the_highest_disruption_of_all_actions_is_reported():
    box = ContainerState("1" * 64, "box", "running")
    where = (box, "net", "a" * 64, EndpointSettings())
    actions = (
        Attach("it is not attached", Disruption.NONE, *where),
        Reattach("aliases: +db", Disruption.RECONNECT, *where, Endpoint("net")),
        Attach("it is not attached", Disruption.NONE, *where),
    )
    told = report(actions)
    assert told["disruption"] == "reconnect"
    assert [action["reason"] for action in told["actions"]] == [
        "it is not attached",
        "aliases: +db",
        "it is not attached",
    ]


def test_every_module_takes_the_connection_options_and_is_in_the_action_group():
    root = Path(__file__).resolve().parents[5]
    group = yaml.safe_load((root / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["docker"]
    # What runs on the machine that runs Ansible has only documentation there.
    files = (root / "plugins/modules").glob("*.py")
    modules = {path.stem for path in files if "def main(" in path.read_text(encoding="utf-8")}
    assert modules == set(group)
