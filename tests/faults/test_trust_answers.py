# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that says anything at all: tasks of every module, carried out for real, end in a result or in one message.

What an odd answer makes of the lab is not looked at: who believes an engine that lies cannot know what it did.
"""

from __future__ import annotations

import os
import typing as t

import pytest
from all_scenarios import MODULES
from fault_sweep import clear_lab
from module_server import ModuleServer
from odd_answers import OddEngine

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

TIMES = 10 if os.environ.get("LINKLAB_FAULTS") == "all" else 2


@pytest.fixture(scope="module")
def odd(engine: Json, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddEngine]:
    folder = tmp_path_factory.mktemp("odd")
    server = ModuleServer(folder, {"DOCKER_TIMEOUT": "5"})
    yield OddEngine(server, folder, engine.connection.docker_host.partition("://")[2], seed=28)
    server.close()


@pytest.mark.parametrize("scenario", [module.SCENARIOS[0] for module in MODULES], ids=str)
def test_no_answer_ends_a_task_in_a_traceback(scenario, odd, lab):
    there: dict[str, Json] = {}

    def params() -> dict[str, Json]:
        # Most runs end while they read, and leave everything to the next one: making it takes longer than a run.
        if not there or (scenario.changes and odd.acted):
            clear_lab(lab)
            there.update(scenario.build(lab, odd.run))
        return there

    kinds = dict.fromkeys(request.kind for request in odd.requests(scenario.module, params(), check=False))
    problems = [
        problem
        for kind in kinds
        for _time in range(TIMES)
        for problem in odd.problems(scenario.module, params(), kind, check=False)
    ]
    assert kinds, "the task itself is wrong"
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems)
