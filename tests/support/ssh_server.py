# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An sshd of this machine on a loopback port, and an ssh program whose configuration leads there."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
_SSH = shutil.which("ssh")
# What sshd needs in addition to its own files, where it runs as root.
_PRIVILEGE_SEPARATION = Path("/run/sshd")


def why_not() -> str:
    """Return why no sshd can run here, or an empty string."""
    if not (_SSHD and _SSH):
        return "no sshd or no ssh here: apt-get install openssh-server openssh-client"
    return ""


class SshServer:
    """An sshd that lets the user of this process in with a key.

    Attributes:
        environment: in which C(ssh HOST) knows the hosts C(engine), which works; C(stranger), whose host key is not
            known; C(keyless), which refuses the key; C(bare), which has no docker program; C(silent), which accepts a
            connection and never says anything; and C(closed), where nothing listens.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starts = folder / "starts"
        self._starts.touch()
        self._silent = socket.create_server(("127.0.0.1", 0))
        self.port, closed = _free_port(), _free_port()
        for name in ("host", "user", "bare", "refused"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self._file(name)]
            subprocess.run(words, check=True)
        # An environment without PATH would be given one by the shell.
        bare = 'command="PATH=/nowhere; eval \\"$SSH_ORIGINAL_COMMAND\\""'
        self._write("authorized", f"{self._public('user')}\n{bare} {self._public('bare')}\n")
        self._write("known", f"[127.0.0.1]:{self.port} {self._public('host')}\n")
        self._write("unknown", "")
        self._write("config", self._client_config(closed))
        self._write("sshd_config", self._server_config())
        program = self._file("bin") / "ssh"
        program.parent.mkdir()
        # ssh finds its configuration by the user's entry in the passwd file, not by HOME.
        program.write_text(
            f'#!/bin/sh\necho $$ >>{self._starts}\nexec {_SSH} -F {self._file("config")} "$@"\n', "utf-8"
        )
        program.chmod(0o755)
        self.environment = {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    def up(self) -> None:
        if os.geteuid() == 0:
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        # Only with its full path it can start itself again for each connection.
        words = [str(_SSHD), "-D", "-e", "-f", str(self._file("sshd_config"))]
        with self._file("log").open("wb") as log:
            self._server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 10
        while not self._listens():
            assert self._server.poll() is None and time.monotonic() < end, self._file("log").read_text()
            time.sleep(0.05)

    def down(self) -> None:
        self._server.terminate()
        self._server.wait()
        self._silent.close()

    def configure(self, host: str, options: Mapping[str, str]) -> None:
        """Give the ssh program further options for a host, which win over those that it has."""
        lines = "".join(f"  {key} {value}\n" for key, value in options.items())
        config = self._file("config").read_text("utf-8")
        self._write("config", f"Host {host}\n{lines}{config}")

    def started(self) -> list[int]:
        """Return the processes as which the ssh program was started so far."""
        return [int(line) for line in self._starts.read_text("utf-8").split()]

    def running(self) -> list[int]:
        """Return those of them that still run."""
        return [process for process in self.started() if _is_ssh(process)]

    def _client_config(self, closed: int) -> str:
        silent = self._silent.getsockname()[1]
        special = {
            "stranger": f"UserKnownHostsFile {self._file('unknown')}",
            "keyless": f"IdentityFile {self._file('refused')}",
            "bare": f"IdentityFile {self._file('bare')}",
            "silent": f"Port {silent}",
            "closed": f"Port {closed}",
        }
        hosts = "".join(f"Host {host}\n  {option}\n" for host, option in special.items())
        # The first value of an option counts, but identities add up.
        return f"""{hosts}Host * !keyless !bare
  IdentityFile {self._file("user")}
Host * !*.invalid
  HostName 127.0.0.1
  Port {self.port}
  UserKnownHostsFile {self._file("known")}
  GlobalKnownHostsFile /dev/null
  IdentitiesOnly yes
  IdentityAgent none
"""

    def _server_config(self) -> str:
        return f"""ListenAddress 127.0.0.1:{self.port}
HostKey {self._file("host")}
AuthorizedKeysFile {self._file("authorized")}
AllowUsers {getpass.getuser()}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
PrintMotd no
"""

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _write(self, name: str, text: str) -> None:
        self._file(name).write_text(text, "utf-8")

    def _public(self, name: str) -> str:
        return self._file(f"{name}.pub").read_text("utf-8").strip()


def _is_ssh(process: int) -> bool:
    try:
        return b"ssh" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
