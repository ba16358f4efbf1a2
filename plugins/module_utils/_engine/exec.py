# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Run a program in a container, or in a short-lived helper container, with something on its standard input."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import struct
import typing as t
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from .._errors import EngineError, NotFound, Unreachable
from .marks import given_value, helper_owner, image_values
from .polling import until
from .streams import upgrade
from .transport import AnswerError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from .client import Engine
    from .streams import Stream

Json = t.Any

HELPER_LABEL = "linklab.docker.helper"
# Nobody in particular: who that is has nothing of its own in any image.
_NOBODY = "65534:65534"
# A client program takes some 20 MB.
_MEMORY = 256 * 1024 * 1024
_PROCESSES = 64
# A helper that was made and never started is the one thing that a killed task can leave behind.
_ABANDONED_SECONDS = 300
# How long a removal may take, on a busy machine too.
_REMOVAL_SECONDS = 30.0
# The parameters of a stream that goes both ways.
_ATTACHED = ("stream", "stdin", "stdout", "stderr")
# What a program may write. The environment of a process has 2 MiB at most, files of ours are smaller.
_MOST_OUTPUT = 8 << 20


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        data: its standard input, which stays open until it ends: it must know how much to read.
        seconds: how long it may take.
        user: whom it runs as; empty for the user of the container, or in a helper for nobody.
    """

    command: tuple[str, ...]
    data: bytes = field(repr=False)
    seconds: float
    user: str = ""


@dataclass(frozen=True)
class Output:
    """What a program wrote, and its exit code; 126 and 127 for one that could not be started."""

    code: int
    stdout: str
    stderr: str


def run_in(engine: Engine, container: str, program: Program) -> Output:
    """Run a program in a running container; raise EngineError, Unreachable."""
    body = {"Cmd": list(program.command), "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": False}
    if program.user:
        body["User"] = program.user
    ident = engine.post(f"/containers/{container}/exec", body)["Id"]
    stdout, stderr = _talk(upgrade(engine, f"/exec/{ident}/start", body={"Detach": False, "Tty": False}), program)
    code = engine.get(f"/exec/{ident}/json").get("ExitCode")
    return Output(126 if code is None else int(code), stdout, stderr)


def run_beside(engine: Engine, container: str, image: str, program: Program, *, writes: bool = False) -> Output:
    """Run a program of an image in the network namespace of a running container; raise EngineError, Unreachable.

    The helper container is removed when it ends, by the engine itself, whatever becomes of this process. It is given no
    more than it needs, since somebody else may have made the image.

    Args:
        container: the ID of the container whose network, hosts file and resolver file it shares.
        image: an image that the engine has.
        writes: whether it may write the container's hosts file. With a read-only root the engine mounts the hosts,
            resolver and hostname files read-only, too (moby's Container.NetworkMounts).
    """
    remove_abandoned(engine)
    volumes = (engine.image(image).get("Config") or {}).get("Volumes") or {}
    ident = engine.create_container(
        f"linklab-helper-{secrets.token_hex(6)}",
        {
            "Image": image,
            "Entrypoint": list(program.command),
            "Cmd": [],
            "User": program.user or _NOBODY,
            "OpenStdin": True,
            # The program reads the end of its input when this process goes away.
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Healthcheck": {"Test": ["NONE"]},
            "Labels": {HELPER_LABEL: container},
            "HostConfig": {
                "AutoRemove": True,
                "NetworkMode": f"container:{container}",
                # No file in the engine's folders keeps what the helper says.
                "LogConfig": {"Type": "none"},
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": not writes,
                "Memory": _MEMORY,
                "MemorySwap": _MEMORY,
                "PidsLimit": _PROCESSES,
                # Else the engine would copy the content of the image's volumes. Some shells need /tmp for what they
                # feed to a program.
                "Tmpfs": dict.fromkeys((*volumes, "/tmp"), "size=1m"),  # noqa: S108 - the helper's own
            },
        },
    )["Id"]
    try:
        attached = upgrade(engine, f"/containers/{ident}/attach", dict.fromkeys(_ATTACHED, "1"))
        stdout, stderr = _talk(attached, program, begin=lambda: engine.start(ident))
    finally:
        remove_helper(engine, ident)
    return Output(0, stdout, stderr)


def remove_helper(engine: Engine, ident: str) -> None:
    """Remove a helper and wait until it is gone: the engine may be removing it by itself already.

    Raises:
        EngineError: it is still there after 30 seconds; with the engine's reason.
        Unreachable: whether it is gone is unknown.
    """

    def is_gone() -> bool:
        try:
            _remove_once(engine, ident)
        except EngineError:
            # A conflict while the engine removes it; another error where a file of it is busy, which passes.
            return False
        return True

    if not until(is_gone, _REMOVAL_SECONDS):
        _remove_once(engine, ident)


def _remove_once(engine: Engine, ident: str) -> None:
    with contextlib.suppress(NotFound):
        engine.remove_container(ident, force=True, volumes=True)


def remove_abandoned(engine: Engine) -> None:
    """Remove helpers of long ago: their task was killed before it started them, or the engine before removing them."""
    path, filters = "/containers/json", {"label": [HELPER_LABEL], "status": ["created", "exited", "dead"]}
    answer = engine.request("GET", path, params={"all": "1", "filters": json.dumps(filters)})
    # The engine's own time, since its clock and ours may differ.
    now = _time_of(answer.headers.get("Date", ""))
    listed = engine.read(answer, f"GET {path}")
    for raw in own_helpers(engine, [one["Id"] for one in listed if now - one["Created"] > _ABANDONED_SECONDS]):
        # It is in nobody's way: what the engine cannot remove now, a later task tries again.
        with contextlib.suppress(EngineError):
            _remove_once(engine, raw["Id"])


def own_helpers(engine: Engine, idents: Sequence[str]) -> list[Json]:
    """Return the descriptions of those containers that are helpers of this collection: a label alone proves nothing."""
    images = image_values(engine, HELPER_LABEL) if idents else {}
    there = engine.inspect_containers(idents).values()
    return [raw for raw in there if helper_owner(raw, given_value(raw, HELPER_LABEL, images))]


def _time_of(date: str) -> float:
    try:
        # Before Python 3.10, a text that is no date is a TypeError.
        moment: datetime = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return 0.0
    return moment.timestamp()


def _talk(stream: Stream, program: Program, begin: Callable[[], None] | None = None) -> tuple[str, str]:
    """Send the input, and return what comes until the end: standard output and error."""
    with stream:
        if begin:
            begin()
        try:
            # For all that follows. A frame has 8 bytes and mostly a line.
            stream.line.allow(program.seconds, 2 * _MOST_OUTPUT)
            stream.line.sendall(program.data)
            output = _read_frames(stream.reader)
        except (TimeoutError, socket.timeout):
            # Before Python 3.10, a socket's is not the TimeoutError.
            raise Unreachable(f"a program in a container did not end within {program.seconds:g} seconds") from None
        except (OSError, AnswerError) as exc:
            raise Unreachable(f"the connection to a program in a container broke: {exc}") from exc
    return output[1].decode(errors="replace"), output[2].decode(errors="replace")


def _read_frames(reader: t.BinaryIO) -> dict[int, bytes]:
    """Return all that comes until the end, by the number of its stream."""
    output: dict[int, list[bytes]] = {1: [], 2: []}
    left = _MOST_OUTPUT
    while len(header := reader.read(8)) == 8:
        kind, size = struct.unpack(">BxxxL", header)
        left -= size
        if left < 0:
            raise Unreachable(f"a program in a container wrote more than {_MOST_OUTPUT >> 20} MiB")
        output.setdefault(kind, []).append(reader.read(size))
    return {kind: b"".join(parts) for kind, parts in output.items()}


def explain(error: EngineError | Unreachable) -> str:
    """Return the engine's own words for an error."""
    return error.explanation if isinstance(error, EngineError) else str(error)
