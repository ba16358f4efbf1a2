# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others on a machine can see of what runs there: processes, containers, events, logs."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import typing as t
from pathlib import Path

Json = t.Any

HELPER_LABEL = "linklab.docker.helper"


class Watch:
    """Collects, while something runs, all that others on the machine could see of it.

    Attributes:
        seen: arguments and environments of processes.
        arguments: the arguments alone.
        descriptions: of the helpers that modules make.
        events: the engine's, once all has ended.
    """

    def __init__(self, engine: Json) -> None:
        self.events: list[str] = []
        self.seen: set[str] = set()
        self.arguments: set[str] = set()
        self.descriptions: list[str] = []
        self._stopped = threading.Event()
        self._engines = [engine.clone(), engine.clone()]
        self._since = time.time()
        self._threads = [threading.Thread(target=one) for one in (self._processes, self._helpers)]
        for thread in self._threads:
            thread.start()

    def _processes(self) -> None:
        """Arguments and environment of every process; root sees those in containers as well."""
        while not self._stopped.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    # A process may end between the two.
                    if found := _read(folder / name):
                        self.seen.add(found)
                        if name == "cmdline":
                            self.arguments.add(found)
            # The client program lives for some 20 ms.
            time.sleep(0.005)

    def _helpers(self) -> None:
        engine = self._engines[0]
        while not self._stopped.is_set():
            self.descriptions += [json.dumps(engine.containers(label=[HELPER_LABEL]))]
            time.sleep(0.02)

    def stop(self) -> None:
        self._stopped.set()

    def end(self) -> None:
        """Stop, and see what the engine tells of the time since."""
        self.stop()
        for thread in self._threads:
            thread.join()
        engine = self._engines[1]
        params = {"since": f"{self._since:.9f}", "until": f"{time.time():.9f}"}
        self.events = engine.request("GET", "/events", params=params).text.splitlines()
        for engine in self._engines:
            engine.close()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def engine_log() -> str:
    """Return the log of the engine, where it writes to a file; the rest of it goes to the system's journal."""
    for folder in Path("/proc").glob("[0-9]*"):
        if _read(folder / "comm").strip() == "dockerd":
            target = (folder / "fd/2").resolve()
            if target.is_file():
                return target.read_text(errors="replace")
    journal = subprocess.run(["journalctl", "-u", "docker", "-n", "1000"], capture_output=True, check=False, text=True)
    return journal.stdout
