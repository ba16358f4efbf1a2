# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Lines to an engine on another host through the C(ssh) program, as the Docker CLI makes them.

The program knows the user's keys, agent, jump hosts and shared connections. It never asks anything here.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import tempfile
from dataclasses import dataclass

from .._errors import SpecError
from .transport import Line, LineError

# Nothing that a shell, or ssh's own %-expansion in its configuration, could make something of, and no "-" in front.
_URL = re.compile(
    r"ssh://(?:(?P<user>\w[\w.+\\-]*)@)?(?:\[(?P<address>[0-9A-Fa-f:.]+(?:%\w[\w.-]*)?)\]|(?P<name>\w[\w.-]*))"
    r"(?::(?P<port>\d{1,5}))?(?P<path>/[^?#\x00-\x1f\x7f]*)?",
    re.ASCII,
)
_LAST_PORT = 65535
# A host that is there answers at once, however long the engine may then take.
_CONNECT_SECONDS = 10
# What a shell answers for a program that is not there; ssh itself fails with 255.
_NO_PROGRAM, _NO_SSH = 127, 255
_SAID_LINES, _SAID_BYTES = 3, 2000


@dataclass(frozen=True)
class SshPlace:
    """Where an engine is: the words for C(ssh) that lead to its host, and its socket there, if it is not the usual."""

    url: str
    words: tuple[str, ...]
    socket: str

    @classmethod
    def parse(cls, url: str) -> SshPlace:
        """Read a URL; raise SpecError."""
        found = _URL.fullmatch(url)
        if not found or int(found["port"] or 0) > _LAST_PORT:
            # Not repeated: there may be a password in it.
            raise SpecError(
                "docker_host cannot be used: with ssh it must look like ssh://user@host or ssh://user@host:22/path/to"
                "/docker.sock. A password cannot be part of it; ssh needs a key or an agent"
            )
        user, port, path = found["user"], found["port"], (found["path"] or "").rstrip("/")
        words = [*(["-l", user] if user else []), *(["-p", port] if port else [])]
        return cls(url, (*words, "--", found["address"] or found["name"]), path)

    def dial(self, timeout: float) -> Line:
        """Start ssh and return the line through it; that it leads nowhere shows when it is used."""
        return SshLine(self, timeout)

    def command(self, timeout: float) -> list[str]:
        # Before the request itself is given up, so that ssh has the word.
        seconds = max(1, min(int(timeout) - 1, _CONNECT_SECONDS))
        options = ["-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={seconds}"]
        engine = f"--host {shlex.quote(f'unix://{self.socket}')} " if self.socket else ""
        return ["ssh", *options, *self.words, f"docker {engine}system dial-stdio"]

    def by_hand(self) -> str:
        """Return the command with which a user can try the way there."""
        return shlex.join(["ssh", "-o", "BatchMode=yes", *self.words, "docker", "version"])


class SshLine(Line):
    """A socket whose other end is the standard input and output of an ssh program."""

    def __init__(self, place: SshPlace, timeout: float) -> None:
        near, far = socket.socketpair()
        super().__init__(near.family, near.type, near.proto, near.detach())
        self.settimeout(timeout)
        self._place = place
        # A file, since the master of a shared connection may hold it open for ever.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        try:
            with far:
                # In a session of its own it has no terminal to ask at. run_command() would wait for its end.
                self._program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    place.command(timeout),
                    stdin=far.fileno(),
                    stdout=far.fileno(),
                    stderr=self._errors,
                    start_new_session=True,
                )
        except OSError as exc:
            self.close()
            raise LineError(
                f"docker_host {place.url} needs the ssh program where the task runs, which cannot be started: {exc}"
            ) from exc

    def problem(self) -> OSError | None:
        try:
            code = self._program.wait(1)
        except subprocess.TimeoutExpired:
            return None
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _SAID_BYTES))
        lines = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        return told(self._place, code, "; ".join(line.rstrip(".") for line in lines[-_SAID_LINES:]) or "nothing")

    def drop(self) -> None:
        # One that works ends by itself when the line is closed; it may serve others that share its connection.
        self._program.kill()
        self._program.wait()


def told(place: SshPlace, code: int, ssh_message: str) -> LineError | None:
    """Return what it means that ssh ended, by its exit status. said: its last words."""
    if code == 0:
        return None
    if code == _NO_SSH:
        return LineError(
            f"ssh does not get to the Docker Engine at {place.url}; it says: {ssh_message}. This must work without a"
            f" question, where and as whom the task runs: {place.by_hand()}"
        )
    if code == _NO_PROGRAM:
        return LineError(
            f"the host of {place.url} has no docker program for a shell that ssh starts; it says: {ssh_message}."
            " Install the Docker CLI there (docker_host with ssh runs 'docker system dial-stdio')"
        )
    return LineError(f"'docker system dial-stdio' on the host of {place.url} failed ({code}); it says: {ssh_message}")
