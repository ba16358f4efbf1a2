# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines in containers of the engine of this machine (tests/tools/nested_engine), to which a test may do anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOOL = Path(__file__).resolve().parents[1] / "tools/nested_engine"
BUSYBOX = "linklab-test/busybox:latest"
# They run in the engine of this machine, whatever is tested.
_MACHINE = {"DOCKER_HOST": "unix:///var/run/docker.sock"}


def newest_built() -> str:
    """Return the newest version of an engine whose image is there, or an empty string; to build one takes a minute."""
    known = subprocess.run([TOOL, "list"], check=True, capture_output=True, text=True).stdout.split()
    built = docker("image", "ls", "--format", "{{.Tag}}", "linklab-test/engine").split()
    return max({*known} & {*built}, key=int, default="")


def docker(*arguments: str) -> str:
    """Run the docker program on the engine of this machine and return what it prints."""
    words, environment = ["docker", *arguments], {**os.environ, **_MACHINE}
    return subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout.strip()


class NestedEngine:
    """An engine of a version.

    Args:
        folder, prefix: of its own, for its files and its names.
        run: further options of C(docker run).

    Attributes:
        name: of the container that it runs in.
        shared: a folder of this machine that it sees as C(/engine).
        url: where it listens.
    """

    def __init__(self, folder: Path, prefix: str, version: str, *, run: str = "") -> None:
        self._version = version
        self._environment = {
            **os.environ,
            "LINKLAB_NESTED_PREFIX": prefix,
            "LINKLAB_NESTED_FOLDER": str(folder),
            "LINKLAB_NESTED_IMAGES": BUSYBOX,
            "LINKLAB_NESTED_RUN": run,
        }
        self.name = f"{prefix}{version}"
        self.shared = folder / self.name
        self.shared.mkdir(parents=True)
        self.url = f"unix://{self.shared}/docker.sock"

    def up(self, *options: str) -> None:
        """Start it. options: of dockerd."""
        self._tool("up", self._version, *options)

    def down(self) -> None:
        """Remove it and what is in it; one that is not there will do."""
        self._tool("down", self._version)

    def _tool(self, *arguments: str) -> None:
        done = subprocess.run([TOOL, *arguments], check=False, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
