# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An engine that a test may kill and that comes back by itself, in a container of the engine of this machine."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import LinklabError
from nested import NestedEngine, docker

if t.TYPE_CHECKING:
    from pathlib import Path

VERSION = "26"
# Runs the engine again whenever it ends. A pid file that stayed would name a process that is another one now.
AGAIN = """#!/bin/sh
while :; do rm -f /run/docker.pid; "$@"; sleep 0.2; done
"""
SECONDS_TO_END = 60
SECONDS_TO_START = 60


class Mortal:
    """An engine that a test may kill; arguments as those of a NestedEngine."""

    def __init__(self, folder: Path, prefix: str, *options: str, run: str = "") -> None:
        self._nested = NestedEngine(folder, prefix, VERSION, run=f"--entrypoint /engine/again {run}")
        script = self._nested.shared / "again"
        script.write_text(AGAIN)
        script.chmod(0o755)
        self._nested.up(*options)
        self.engine = Engine(Connection(docker_host=self._nested.url))
        self._dying = ""

    def inside(self, command: str) -> str:
        """Run a command next to the engine and return what it prints."""
        return docker("exec", self._nested.name, "sh", "-c", command)

    def kill(self) -> None:
        self._signal("KILL")

    def terminate(self) -> None:
        """Tell it to end in order, and do not wait for that."""
        self._signal("TERM")

    def _signal(self, name: str) -> None:
        self._dying = self.inside(f"cat /run/docker.pid && kill -{name} $(cat /run/docker.pid)")

    def wait(self) -> None:
        """Wait until it answers again."""
        deadline = time.monotonic() + SECONDS_TO_END
        # One that ends in order goes on answering for a moment.
        while self._dying and self.inside(f"test ! -d /proc/{self._dying} || echo alive"):
            assert time.monotonic() < deadline, "the engine did not end"
            time.sleep(0.1)
        self._dying = ""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self.engine.containers()
            except LinklabError:
                assert time.monotonic() < deadline, "the engine did not come back"
                time.sleep(0.1)
            else:
                return

    def down(self) -> None:
        self.engine.close()
        self._nested.down()
