# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How a container ended, and what it wrote in its log and in its last healthcheck, without its secrets."""

from __future__ import annotations

import typing as t

from .._errors import EngineError
from .mask import mask_of_container
from .streams import open_stream

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .reader import Reader

Json = t.Any

# What a container may have written in the lines of its log that are read.
_MOST_LOG = 1 << 20
_TAIL_LINES = 5


def end_of_log(engine: Reader, raw: Mapping[str, Json], lines: int) -> str:
    """Return the last lines of a container's log, empty where its logging driver cannot be read.

    Args:
        raw: the container's description by the engine.
    """
    try:
        data = read_log(engine, raw["Id"], lines)
    except EngineError:
        return ""
    if not (raw.get("Config") or {}).get("Tty"):
        data = b"".join(_frames(data))
    return mask_of_container(data.decode(errors="replace"), raw)


def read_log(engine: Reader, container: str, tail: int) -> bytes:
    """Return the raw stream of the last I(tail) lines: plain for a container with a terminal, else in frames.

    It may end early: the lines are the container's, and can be of any length.
    """
    path, params = f"/containers/{container}/logs", {"stdout": "1", "stderr": "1", "tail": str(tail)}
    with open_stream(engine, "GET", path, params=params) as stream, engine.told(f"GET {path}"):
        return stream.read(_MOST_LOG)


def last_healthcheck(raw: Mapping[str, Json]) -> str:
    """Return the output of a container's last healthcheck, empty where there was none."""
    log = ((raw.get("State") or {}).get("Health") or {}).get("Log") or ()
    return mask_of_container(str(log[-1].get("Output") or ""), raw).strip() if log else ""


def how_it_ended(state: Mapping[str, Json]) -> str:
    """Return what follows C(it ended): the exit code, and that its memory was not enough if the engine saw that."""
    # One that was started again since shows none of its own.
    code = "" if state.get("Running") and not state.get("Restarting") else f" with exit code {state.get('ExitCode')}"
    return code + (", killed for lack of memory" if state.get("OOMKilled") else "")


def log_tail(engine: Reader, raw: Mapping[str, Json]) -> str:
    """Return the last lines of a container's log in one line, empty if they are not available."""
    return in_one_line(end_of_log(engine, raw, _TAIL_LINES))


def in_one_line(text: str) -> str:
    """Return the lines of a text that are not empty, in one."""
    return " | ".join(line.strip() for line in text.splitlines() if line.strip())


def _frames(data: bytes) -> Iterator[bytes]:
    """Yield the contents of the engine's frames: 8 bytes before each, the last 4 of which are its length."""
    begin = 0
    while len(data) >= begin + 8:
        end = begin + 8 + int.from_bytes(data[begin + 4 : begin + 8], "big")
        yield data[begin + 8 : end]
        begin = end
