# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for tests that let things go wrong. Those of tests/integration/engine, with its variables, are used here.

Environment variables, all optional:

    LINKLAB_FAULTS        C(all) for every fault at every request; by default a sample
    LINKLAB_FAULTS_POINT  points to try alone, with commas between: CHANGES:FAULT, such as 3:cut-after for the fourth
                          request that changes something, or CHANGES:FAULT:KIND for one before that which reads
    LINKLAB_FAULTS_TABLE  a file to write the table to
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
import typing as t
from pathlib import Path

import pytest
from fault_report import markdown, table
from fault_sweep import Sweep, clear_lab

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine

Json = t.Any

ROOT = Path(__file__).resolve().parents[2]
_SWEEP = pytest.StashKey[Sweep]()


def _engine_tests() -> Json:
    """Load the fixtures of the engine's tests: a conftest.py is for its own folder only."""
    path = ROOT / "tests/integration/engine/conftest.py"
    spec = importlib.util.spec_from_file_location("linklab_engine_conftest", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_shared = _engine_tests()
engine, run_prefix, shared_lab = _shared.engine, _shared.run_prefix, _shared.shared_lab
proxy, module, start = _shared.proxy, _shared.module, _shared.start
mysql_image, mysql_server = _shared.mysql_image, _shared.mysql_server


@pytest.fixture
def lab(engine: Engine, run_prefix: str) -> Iterator[Json]:
    """A lab for one test, empty again after it, its volumes and what modules made for themselves too."""
    one = _shared.Lab(engine, f"{run_prefix}{secrets.token_hex(2)}-")
    yield one
    clear_lab(one)


@pytest.fixture(scope="session")
def sweep(
    engine: Engine, run_prefix: str, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Sweep]:
    """Run a scenario at every point; the outcomes are shown in a table at the end."""
    one = Sweep(
        engine,
        tmp_path_factory.mktemp("sweep"),
        lambda client: _shared.Lab(client, f"{run_prefix}{secrets.token_hex(2)}-"),
        _shared.SUBNETS,
        everything=os.environ.get("LINKLAB_FAULTS") == "all",
        only=os.environ.get("LINKLAB_FAULTS_POINT", ""),
    )
    pytestconfig.stash[_SWEEP] = one
    yield one
    one.close()


def pytest_terminal_summary(terminalreporter: Json, config: pytest.Config) -> None:
    # They need the fixtures of the engine's tests, which are loaded above.
    from all_scenarios import SCENARIOS

    sweep = config.stash.get(_SWEEP, None)
    if sweep is None or not sweep.outcomes:
        return
    terminalreporter.section("faults")
    for line in table(sweep.outcomes):
        terminalreporter.write_line(line)
    path = os.environ.get("LINKLAB_FAULTS_TABLE")
    # Not where only some of the tasks were run.
    if path and {id(one.scenario) for one in sweep.outcomes} == set(map(id, SCENARIOS)):
        text = markdown(sweep.outcomes, sweep.engine_version, everything=sweep.everything)
        Path(path).write_text(text, encoding="utf-8")
