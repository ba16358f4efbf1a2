# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""link_migrate as one task: what its steps have to remember of each other."""

from __future__ import annotations

import typing as t

from .._apply.recover import RECOVERY_EXECUTORS
from .._apply.stages import NETWORK_EXECUTORS
from .._errors import ApplyError
from .._model.bridge import on_default_bridge
from .._module.task import Task
from .apply import Migration
from .environment import environment_report
from .groups import find_groups
from .observe import observe_migrate
from .plan import plan_migrate
from .proof import names_of, proof_result, prove
from .spec import parse_migrate

if t.TYPE_CHECKING:
    from .._engine.client import Engine
    from .._plan.plan import Plan
    from .groups import Group
    from .observe import MigrateState
    from .proof import Proof
    from .spec import MigrateSpec

Json = t.Any


class MigrateTask:
    """The steps of one run."""

    def __init__(self) -> None:
        self._migration = Migration()
        # As they were found: afterwards there are no links that tell who was linked with whom.
        self._before: MigrateState | None = None
        self._groups: tuple[Group, ...] = ()
        self._proofs: dict[tuple[str, str], Proof] = {}

    def task(self) -> Task[MigrateSpec, MigrateState]:
        executors = {**NETWORK_EXECUTORS, **RECOVERY_EXECUTORS, **self._migration.executors()}
        return Task(
            parse_migrate, observe_migrate, self._plan, self._result, lambda: executors, self._prove, links=True
        )

    def _plan(self, spec: MigrateSpec, state: MigrateState) -> Plan:
        plan = plan_migrate(spec, state)
        if self._before is None:
            self._before, self._groups = state, find_groups(spec, state)
        return plan

    def _prove(self, engine: Engine, _spec: MigrateSpec, _state: MigrateState, plan: Plan) -> bool:
        """Prove the names; nothing is waited for that could change the state."""
        for name in names_of(self._groups):
            self._proofs[name.key] = prove(engine, name)
        wrong = [proof.message for proof in self._proofs.values() if proof.resolves is False]
        if wrong:
            raise ApplyError(
                f"the links are gone, but not all names lead where they led: {'; '.join(wrong)}", plan.actions
            )
        return False

    def _result(self, _spec: MigrateSpec, state: MigrateState) -> dict[str, Json]:
        before = self._before or state
        now = {one.name: one for one in state.containers.values()}
        network_of = {one.id: group.network for group in self._groups for one in group.members.values()}
        sources = []
        for group in self._groups:
            for source in group.sources:
                one = now.get(source.container.name, source.container)
                sources.append(
                    {
                        "container": one.name,
                        "id": one.id,
                        "network": group.network,
                        "on_bridge": on_default_bridge(one),
                        "links": [str(link) for link in source.links],
                        "environment": environment_report(
                            source.container, source.links, source.variables, before.info
                        ),
                    }
                )
        return {
            "containers": sources,
            "networks": sorted(set(network_of.values())),
            "names": [
                proof_result(name, self._proofs.get(name.key), self._migration.gaps.get(name.key))
                for name in names_of(self._groups)
            ],
        }
