# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The module topology: its parts put together."""

from __future__ import annotations

import typing as t

from .._engine.readiness import NotReadyError, assess, is_kept_up, wait_until
from .._errors import ApplyError
from .._module.task import Task, new_module
from .observe import observe_topology
from .options import TOPOLOGY_OPTIONS, options_for, strict_options_for
from .plan import plan_topology
from .spec import TopologySpec, parse_topology
from .state import TopologyState, topology_result

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from .._apply.stages import Executors
    from .._engine.client import Engine
    from .._plan.plan import Plan


def new_topology_module() -> AnsibleModule:
    return new_module(TOPOLOGY_OPTIONS, options_for=(strict_options_for, options_for))


def _executors() -> Executors:
    # Not at the top: where there is nothing to do, loading this would take longer than all else that is done.
    from .._apply.topology import topology_executors

    return topology_executors()


def settle(engine: Engine, spec: TopologySpec, state: TopologyState, plan: Plan) -> bool:
    """Wait until all containers are as wanted; return whether there was need to."""
    # What was done to a container may have started it.
    touched = frozenset(action.subject for action in plan.actions)
    pending = [name for name in spec.containers if spec.present and not _is_ready(spec, state, name, touched)]
    try:
        wait_until(engine, dict.fromkeys(pending, spec.wait), spec.wait_timeout, touched)
    except NotReadyError as exc:
        raise ApplyError(str(exc), plan.actions) from exc
    return bool(pending)


def _is_ready(spec: TopologySpec, state: TopologyState, name: str, touched: frozenset[str]) -> bool:
    container = state.containers.get(name)
    if container is None or (name in touched and is_kept_up(container.raw)):
        return False
    return assess(container.raw, spec.wait).ready


TOPOLOGY_TASK: Task[TopologySpec, TopologyState] = Task(
    parse_topology, observe_topology, plan_topology, topology_result, _executors, settle
)
