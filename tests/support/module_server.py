# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules in processes of their own that cost no start of Python: a server has all imported, and forks.

Thousands of runs would else spend most of their time on imports. What a fork does is what the wrapper of ansible-core
does with a module on a managed host, without the archive.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any

PACKAGE = "ansible_collections.linklab.docker.plugins.modules."


@dataclass(frozen=True)
class ModuleRun:
    """How a run ended.

    Attributes:
        status: the exit status, or the negative number of the signal that ended it.
        result: what the module returned; None if that is no JSON.
    """

    status: int
    result: dict[str, Json] | None
    stdout: str
    stderr: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    @property
    def failed(self) -> bool:
        return self.result is None or bool(self.result.get("failed"))


class ModuleServer:
    """A process that runs one module after the other. One thread may use it, and others may call M(kill).

    Args:
        folder: for what the modules print.
        environment: further environment variables of the modules.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        self._pid = 0
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def run(self, name: str, params: Mapping[str, Json], *, check: bool = False) -> ModuleRun:
        """Run a module by its short name, to its end."""
        assert self._process.stdin is not None and self._process.stdout is not None
        arguments = {"_ansible_check_mode": check, **params}
        order = {"name": name, "arguments": arguments, "stdout": str(self._stdout), "stderr": str(self._stderr)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        self._pid = int(self._process.stdout.readline())
        status = int(self._process.stdout.readline())
        self._pid = 0
        stdout, stderr = self._stdout.read_text(errors="replace"), self._stderr.read_text(errors="replace")
        result = None
        with contextlib.suppress(ValueError):
            result = json.loads(stdout)
        return ModuleRun(status, result, stdout, stderr)

    def kill(self) -> None:
        """End the module that runs now, as nothing can prevent."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _be_the_module(order)
        print(pid, flush=True)
        _pid, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_the_module(order: Mapping[str, Json]) -> t.NoReturn:
    from ansible.module_utils.testing import patch_module_args

    code = 1
    try:
        for number, path in ((0, os.devnull), (1, order["stdout"]), (2, order["stderr"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags, 0o600), number)
        name = f"{PACKAGE}{order['name']}"
        with patch_module_args(order["arguments"]):
            runpy.run_module(name, {"_module_fqn": name, "_modlib_path": ""}, "__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, the test is shown it, as on a managed host
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root / ".collections")]
    import importlib

    for module in (root / "plugins/modules").glob("[a-z]*.py"):
        importlib.import_module(f"{PACKAGE}{module.stem}")
    _serve()
