# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The step that a process of its own takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, BusyError
from ansible_collections.linklab.docker.plugins.module_utils._migrate.exchange import NamesLostError, in_own_process

ROOT = Path(__file__).resolve().parents[5]


class NoEngine:
    def clone(self) -> NoEngine:
        return self


ENGINE = t.cast("t.Any", NoEngine())


def test_what_it_returns_comes_back():
    assert in_own_process(ENGINE, lambda _engine: {"pid": os.getpid()})["pid"] != os.getpid()


@pytest.mark.parametrize("kind", [ApplyError, NamesLostError, BusyError])
def test_how_it_fails_comes_back(kind):
    def fail(_engine: t.Any) -> t.Any:
        raise kind("it failed")

    with pytest.raises(ApplyError, match=r"^it failed$") as raised:
        in_own_process(ENGINE, fail)
    assert raised.type is kind
    assert raised.value.may_have_changed == (kind is NamesLostError)


def test_its_death_is_noticed():
    with pytest.raises(NamesLostError, match="ended early"):
        in_own_process(ENGINE, lambda _engine: os._exit(3))


def test_it_ends_its_work_when_the_module_is_killed(tmp_path):
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_exchange import ENGINE, in_own_process
def work(engine):
    open({str(tmp_path / "begun")!r}, "w").close()
    time.sleep(0.5)
    open({str(tmp_path / "ended")!r}, "w").close()
in_own_process(ENGINE, work)
"""
    paths = f"{ROOT / '.collections'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths})
    wait_for(tmp_path / "begun")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "ended").exists()
    wait_for(tmp_path / "ended")


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
