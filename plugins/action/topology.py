# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module topology, and show meanwhile how far it is, where the variable lab_progress asks for that."""

from __future__ import annotations

import shlex
import threading
import time
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.linklab.docker.plugins.module_utils._apply.progress import PROGRESS_FILE
from ansible_collections.linklab.docker.plugins.module_utils._errors import seconds_problem

display = Display()


class ActionModule(NormalAction):  # type: ignore[misc]  # ansible-core has no types
    """What runs any other module, with a reader next to it.

    The module writes its progress to a file in the task's own temporary folder on the managed host. The reader is a
    thread, since the connection is busy until the module ends, and reads over the same connection.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        given = task_vars or {}
        seconds = self._seconds(given)
        if seconds <= 0 or self._task.check_mode or self._task.async_val:
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        path = shell.join_path(shell.tmpdir, "progress")
        self._task.environment = [*(self._task.environment or []), {PROGRESS_FILE: path}]
        ended = threading.Event()
        reader = threading.Thread(
            target=self._follow, args=(path, seconds, ended, given.get("inventory_hostname", "")), daemon=True
        )
        reader.start()
        try:
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        finally:
            ended.set()
            reader.join()

    def _seconds(self, task_vars: dict[str, t.Any]) -> float:
        """Return the time between two lines; 0 for none."""
        value = self._templar.template(task_vars.get("lab_progress", 0))
        try:
            seconds = float(value or 0)
        except (TypeError, ValueError, OverflowError) as exc:
            raise AnsibleActionFail(f"lab_progress: {value!r} is not a number of seconds") from exc
        if problem := seconds_problem("lab_progress", max(seconds, 0), 0):
            raise AnsibleActionFail(problem)
        return seconds

    def _follow(self, path: str, seconds: float, ended: threading.Event, host: str) -> None:
        start = time.monotonic()
        while not ended.wait(seconds):
            try:
                # As the user who logs in: to become another one may take a password, which the module is busy with.
                answer = self._low_level_execute_command(f"cat {shlex.quote(path)}", sudoable=False)
            except AnsibleError as exc:
                display.vvv(f"progress cannot be read: {exc}", host=host)
                return
            text = progress_text(answer["stdout"])
            if text and not ended.is_set():
                display.display(f"{host}: {text}, {time.monotonic() - start:.0f} s")


def progress_text(line: str) -> str:
    """Say in words what the module has written; nothing if it has not yet written."""
    words = line.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return ""
    done, total = words
    changes = f"{total} change{'' if total == '1' else 's'}"
    if total == "0":
        return "nothing to change, waiting for the containers"
    if done == total:
        return f"{'all ' if total != '1' else ''}{changes} made, waiting for the containers"
    return f"{done} of {changes} made"
