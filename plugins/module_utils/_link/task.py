# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""container_link as one task: what its steps have to remember of each other."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._module.task import Task
from .._plan.container_actions import RecreateContainer
from .observe import link_result, observe_link
from .plan import plan_link
from .spec import parse_link

if t.TYPE_CHECKING:
    from .._apply.stages import Executors
    from .._engine.client import Engine
    from .._plan.plan import Plan
    from .observe import LinkState
    from .spec import LinkSpec

Json = t.Any


def _executors() -> Executors:
    # Not at the top, since a run that has nothing to do needs none of it.
    from .._apply.containers import CONTAINER_EXECUTORS
    from .._apply.links import LINK_EXECUTORS
    from .._apply.stages import NETWORK_EXECUTORS

    return {**NETWORK_EXECUTORS, **CONTAINER_EXECUTORS, **LINK_EXECUTORS}


class LinkTask:
    """The steps of one run."""

    def __init__(self) -> None:
        self._name = ""
        self._recreated: bool | None = None

    def task(self) -> Task[LinkSpec, LinkState]:
        return Task(parse_link, self._observe, self._plan, self._result, _executors, links=True)

    def _observe(self, engine: Engine, spec: LinkSpec) -> LinkState:
        # The task may name the source by an ID that a recreate takes away.
        state = observe_link(engine, replace(spec, container=self._name or spec.container))
        self._name = self._name or (state.source.name if state.source is not None else "")
        return state

    def _plan(self, spec: LinkSpec, state: LinkState) -> Plan:
        plan = plan_link(spec, state)
        if self._recreated is None:
            self._recreated = any(isinstance(action, RecreateContainer) for action in plan.actions)
        return plan

    def _result(self, spec: LinkSpec, state: LinkState) -> dict[str, Json]:
        return {"recreated": bool(self._recreated), **link_result(spec, state)}
