# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the modules share: argument specs, the five steps, results and error texts."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.linklab.docker.plugins.module_utils._apply import NETWORK_EXECUTORS, Executors, apply
from ansible_collections.linklab.docker.plugins.module_utils._client import DEFAULT_HOST, Connection, Engine
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._plan import Disruption, Plan

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = t.Any
Spec = t.TypeVar("Spec")
State = t.TypeVar("State")

CONNECTION_OPTIONS: dict[str, Json] = {
    "docker_host": {
        "type": "str",
        "default": DEFAULT_HOST,
        "fallback": (env_fallback, ["DOCKER_HOST"]),
        "aliases": ["docker_url"],
    },
    "tls_hostname": {"type": "str", "fallback": (env_fallback, ["DOCKER_TLS_HOSTNAME"])},
    "api_version": {
        "type": "str",
        "default": "auto",
        "fallback": (env_fallback, ["DOCKER_API_VERSION"]),
        "aliases": ["docker_api_version"],
    },
    "timeout": {"type": "int", "default": 60, "fallback": (env_fallback, ["DOCKER_TIMEOUT"])},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"], "no_log": False},
    "tls": {"type": "bool", "default": False, "fallback": (env_fallback, ["DOCKER_TLS"])},
    "validate_certs": {
        "type": "bool",
        "default": False,
        "fallback": (env_fallback, ["DOCKER_TLS_VERIFY"]),
        "aliases": ["tls_verify"],
    },
}

DISRUPTION_OPTION: dict[str, Json] = {
    "disruption": {"type": "str", "choices": [str(level) for level in Disruption], "default": str(Disruption.RECONNECT)}
}


def new_module(options: Mapping[str, Json], **settings: Json) -> AnsibleModule:
    """Return an AnsibleModule that takes I(options) and the connection options, and supports check mode."""
    return AnsibleModule(argument_spec={**CONNECTION_OPTIONS, **options}, supports_check_mode=True, **settings)


def connection_of(params: Mapping[str, Json]) -> Connection:
    """Return the connection that a task's parameters describe."""
    wanted = {name: params[name] for name in CONNECTION_OPTIONS}
    folder = os.environ.get("DOCKER_CERT_PATH")
    if folder:
        for name, file in (("ca_path", "ca.pem"), ("client_cert", "cert.pem"), ("client_key", "key.pem")):
            wanted[name] = wanted[name] or str(Path(folder, file))
    return Connection(**wanted)


@dataclass(frozen=True)
class Task(t.Generic[Spec, State]):
    """The parts of a module that changes something.

    Attributes:
        parse: the task's parameters to what is wanted; raises SpecError.
        observe: what is there, in few requests.
        plan: pure; raises Refusal.
        result: the module's own return values, from the state at the end.
        executors: how the actions are carried out that are not about an endpoint.
        settle: wait for what is not ready yet, if the module waits for anything; whether there was need to wait.
    """

    parse: Callable[[Mapping[str, Json]], Spec]
    observe: Callable[[Engine, Spec], State]
    plan: Callable[[Spec, State], Plan]
    result: Callable[[Spec, State], dict[str, Json]]
    executors: Executors = field(default_factory=lambda: NETWORK_EXECUTORS)
    settle: Callable[[Engine, Spec, State, Plan], bool] | None = None


def run(module: AnsibleModule, task: Task[Spec, State]) -> None:
    """Parse, observe, plan, apply, observe again; end the module with its result or with one message."""
    try:
        result = converge(module.params, task, check_mode=module.check_mode, warn=module.warn)
    except ApplyError as exc:
        module.fail_json(msg=str(exc), changed=bool(exc.done), **report(exc.done))
    except LinklabError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


def converge(
    params: Mapping[str, Json], task: Task[Spec, State], *, check_mode: bool, warn: Callable[[str], None]
) -> dict[str, Json]:
    """Carry out a task and return its result; raise LinklabError."""
    spec = task.parse(params)
    engine = Engine(connection_of(params))
    state = task.observe(engine, spec)
    plan = task.plan(spec, state)
    plan.allow(Disruption.parse(params["disruption"]))
    for warning in plan.warnings:
        warn(warning)
    acted = bool(plan.actions) and not check_mode
    if acted:
        for note in apply(engine, plan, task.executors):
            warn(note)
        state = task.observe(engine, spec)
    waited = task.settle is not None and not check_mode and task.settle(engine, spec, state, plan)
    if waited:
        state = task.observe(engine, spec)
    if acted or waited:
        left = task.plan(spec, state)
        if left.actions:
            steps = "; ".join(f"{action.describe()}: {action.reason}" for action in left.actions)
            raise ApplyError(
                f"every change was made, but this is not as wanted (did something else change it?): {steps}",
                plan.actions,
            )
    return {
        "changed": bool(plan.actions),
        **report(plan.actions),
        "diff": {"prepared": plan.text()},
        **task.result(spec, state),
    }


def report(actions: t.Sequence[Json]) -> dict[str, Json]:
    """Return what every module returns about its actions."""
    return {
        "actions": [action.as_dict() for action in actions],
        "disruption": str(max((action.disruption for action in actions), default=Disruption.NONE)),
    }
