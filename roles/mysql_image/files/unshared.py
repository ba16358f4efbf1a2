# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command as root of a user namespace, who is nobody outside. Takes the first ID outside, and the command.

unshare and newuidmap map only IDs that /etc/subuid grants; root may map any, without leaving anything on the host.
"""

import ctypes
import os
import shutil
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
IDS = 65536


def enter(unshared: int, mapped: int, command: "list[str]") -> None:
    """Become the command in a namespace of its own, as soon as the parent has mapped its IDs."""
    # Before, since Python's own files need not be readable in there.
    program = shutil.which(command[0])
    if program is None:
        sys.exit(f"{command[0]}: not found")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    os.write(unshared, b"x")
    os.close(unshared)
    if os.read(mapped, 1) == b"":
        os._exit(1)  # the parent says why
    os.setgroups([])
    os.setgid(0)
    os.setuid(0)
    os.execv(program, command)  # noqa: S606 - the role's own words


def main(first: int, command: "list[str]") -> int:
    unshared, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(unshared[0])
        os.close(mapped[1])
        enter(unshared[1], mapped[0], command)
    os.close(unshared[1])
    if os.read(unshared[0], 1):
        for kind in ("uid", "gid"):
            try:
                Path(f"/proc/{child}/{kind}_map").write_text(f"0 {first} {IDS}", encoding="ascii")
            except OSError as error:
                sys.exit(f"{kind}_map: {error.strerror}")
        os.write(mapped[1], b"x")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
