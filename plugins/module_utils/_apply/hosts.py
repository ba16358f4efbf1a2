# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The hosts file of a running container: read and written in place, with bounds.

It is a file of the engine that is mounted into the container, so it must stay the same file. It is written without
being emptied first: at no moment can a reader find that a name is missing which is in the old and in the new text.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import typing as t
from contextlib import suppress
from pathlib import Path

from .._engine.exec import Program, run_beside, run_in
from .._errors import EngineError, NotFound, Refusal, Unreachable
from .._model.hosts_lines import padded

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .._engine.client import Engine
    from .._model.state import ContainerState

HOSTS = "/etc/hosts"
RESOLVER = "/etc/resolv.conf"
OWN_RESOLVER = b"127.0.0.11"
# A hosts file has some hundred bytes. What is larger is the container's own doing.
_MOST_BYTES = 1 << 20

# Only what every shell has built in. The file is opened without being emptied.
_WRITE = f'printf "%s" "$1" 1<>{HOSTS}'
_SECONDS = 20.0


def read_file(engine: Engine, ident: str, path: str) -> bytes:
    """Return a file of a container, empty if it has none.

    Raises:
        Refusal: it is larger than such a file ever is.
        Unreachable: the engine's answer is no archive.
    """
    place = f"/containers/{ident}/archive"
    try:
        # An archive has 10 kB at least.
        answer = engine.request("GET", place, params={"path": path}, most=2 * _MOST_BYTES)
    except NotFound:
        return b""
    try:
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
            return _first_file(archive, f"{path} of the container {ident[:12]}")
    except tarfile.TarError as exc:
        raise Unreachable(f"the engine's answer to GET {place} is no archive: {exc}") from exc


def _first_file(archive: tarfile.TarFile, what: str) -> bytes:
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        if content is not None:
            # A sparse one can be larger than its archive.
            if member.size > _MOST_BYTES:
                raise Refusal(f"{what} is larger than {_MOST_BYTES >> 20} MiB, and is left alone")
            return content.read()
    return b""


def has_own_resolver(engine: Engine, ident: str) -> bool:
    """Whether a running container asks the engine for names, as it does once it was on a network of its own."""
    return OWN_RESOLVER in read_file(engine, ident, RESOLVER)


def read_hosts(engine: Engine, container: ContainerState) -> str:
    """Return the hosts file of a container."""
    content = None
    if engine.connection.docker_host.startswith("unix:"):
        # Where the engine is on this machine and the user may, this takes no time, and an archive 50 ms.
        with suppress(OSError, ValueError):
            content = _read_here(container.raw.get("HostsPath") or "", container.id)
    if content is None:
        content = read_file(engine, container.id, HOSTS)
    return content.decode(errors="surrogateescape")


def _read_here(path: str, ident: str) -> bytes:
    """Return a file of this machine, if it is the one that the engine keeps for this container, and no other's.

    Raises:
        OSError, ValueError: it is not, or cannot be read.
    """
    place = Path(path)
    if not place.is_absolute() or place.parts[-3:] != ("containers", ident, "hosts") or place != place.resolve():
        raise ValueError("the engine keeps the hosts file of a container elsewhere")
    # No link, should one take its place, and no waiting for a pipe.
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError("it is too large")
    return content


def write_hosts(engine: Engine, container: ContainerState, before: str, after: str, images: Iterable[str] = ()) -> bool:
    """Write the hosts file of a running container from inside; return whether it has the new text then.

    Args:
        before: the text that is there.
        images: images with a shell, for a helper that shares the file, where the container itself cannot write it.
    """
    text = padded(before, after)
    program = Program(("sh", "-c", _WRITE, "sh", text), b"", _SECONDS, user="0")
    # No shell, or nothing can be executed because of the link itself: the file tells, and a helper may do it.
    with suppress(EngineError, Unreachable):
        run_in(engine, container.id, program)
    for image in images:
        if read_hosts(engine, container) == text:
            return True
        try:
            run_beside(engine, container.id, image, program, writes=True)
        except (EngineError, Unreachable):
            # This image has no shell after all, or is gone.
            continue
    return read_hosts(engine, container) == text
