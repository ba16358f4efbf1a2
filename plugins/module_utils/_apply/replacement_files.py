# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Carry the files over that a container changed outside its volumes.

They are read from the old container once it is stopped, so that they belong together, and written to the successor
before it starts. What an image has and the container deleted cannot be deleted in a container that never ran. To one
with a read-only root filesystem nothing can be written at all, be it stopped or not.
"""

from __future__ import annotations

import base64
import json
import posixpath
import tarfile
import tempfile
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .._engine.streams import open_stream
from .._engine.transport import AnswerError
from .._errors import ApplyError, EngineError, LinklabError, some

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._engine.client import Engine
    from .._engine.streams import Stream

Json = t.Any

_MODIFIED, _ADDED, _DELETED = 0, 1, 2
# The engine makes these for each container.
_ENGINES_OWN = frozenset(
    {
        *("/.dockerenv", "/dev", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf", "/proc", "/sys"),
        # Where it mounts the program of C(init).
        "/sbin/docker-init",
    }
)
# Go's os.ModeDir.
_GO_FOLDER = 1 << 31
# Each request for one path takes the engine about 50 ms; reading half a gigabyte of everything takes 1.5 s.
_MANY = 40


@dataclass(frozen=True)
class FileChange:
    """A path that differs from the image. kind: as in the engine's answer."""

    path: str
    kind: int


@dataclass(frozen=True)
class Selection:
    """Which changes to carry over, and which cannot be.

    Attributes:
        wanted: the paths themselves.
        roots: what to ask the engine for: path to whether all that is below it belongs to it.
        deleted: paths of the image that the container does not have any more.
        added: paths that the image does not have.
        holders: folders above what is mounted, or is the engine's own.
    """

    wanted: frozenset[str]
    roots: Mapping[str, bool]
    deleted: tuple[str, ...]
    added: frozenset[str]
    holders: frozenset[str]


def select(changes: Iterable[FileChange], mounts: Iterable[str]) -> Selection:
    """Sort a container's changes. mounts: the places where something else is mounted. Pure."""
    excluded = _ENGINES_OWN | {posixpath.normpath(mount) for mount in mounts}
    kinds = {change.path: change.kind for change in changes if not _is_below(change.path, excluded)}
    wanted = frozenset(path for path, kind in kinds.items() if kind != _DELETED and path != "/")
    # A folder that holds a mount is not to be read with all that is below it: that may be a whole database.
    holders = frozenset(parent for path in excluded for parent in _parents(path))
    added = frozenset(path for path in wanted if kinds[path] == _ADDED)
    whole = added - holders
    roots = {path: path in whole for path in sorted(wanted) if posixpath.dirname(path) not in whole}
    deleted = sorted(
        path for path, kind in kinds.items() if kind == _DELETED and kinds.get(posixpath.dirname(path)) != _DELETED
    )
    return Selection(wanted, roots, tuple(deleted), added, holders)


def _is_below(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _parents(path: str) -> Iterator[str]:
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        yield path


def mounts_in_memory(raw: Mapping[str, Json]) -> set[str]:
    """Return where a container has a C(tmpfs), from its description or from the body that it is created with."""
    host = raw.get("HostConfig") or {}
    return {*(host.get("Tmpfs") or ()), *(m["Target"] for m in host.get("Mounts") or () if m.get("Type") == "tmpfs")}


def mounts_of(raw: Mapping[str, Json]) -> set[str]:
    """Return where a container has something else than its own layer, from its description."""
    places = {mount["Destination"] for mount in raw.get("Mounts") or ()}
    places |= set((raw.get("HostConfig") or {}).get("Tmpfs") or ())
    return places | set((raw.get("Config") or {}).get("Volumes") or ())


def carry_files(engine: Engine, old: Mapping[str, Json], new_id: str, successor: Mapping[str, Json]) -> tuple[str, ...]:
    """Copy what the container I(old) changed into its successor; return the paths that reappear there.

    Args:
        successor: the body that it was created with.

    Raises:
        ApplyError: a file was changed that the successor, which is read-only, cannot get.
    """
    if _is_read_only(old):
        return ()
    selection = _changed(engine, old)
    if _is_read_only(successor):
        lost = _unwritable(engine, old["Id"], selection, mounts_in_memory(successor))
        if lost:
            raise ApplyError(f"it has changed files that a read-only container cannot get: {some(lost)}")
    elif selection.wanted:
        with tempfile.TemporaryFile() as spool:
            if _collect_all(engine, old["Id"], selection, spool):
                try:
                    _write(engine, new_id, spool)
                except EngineError:
                    with suppress(LinklabError):
                        _give_room_back(engine, new_id, spool)
                    raise
    return selection.deleted


def _is_read_only(raw: Mapping[str, Json]) -> bool:
    return bool((raw.get("HostConfig") or {}).get("ReadonlyRootfs"))


def _changed(engine: Engine, raw: Mapping[str, Json]) -> Selection:
    answer = engine.get(f"/containers/{raw['Id']}/changes") or ()
    return select((FileChange(entry["Path"], entry["Kind"]) for entry in answer), mounts_of(raw))


def unwritable(engine: Engine, raw: Mapping[str, Json], in_memory: Iterable[str]) -> tuple[str, ...]:
    """Return the changed files of a container that a read-only successor could not get.

    Args:
        in_memory: where the successor mounts a C(tmpfs); what is below would be hidden by it.
    """
    return () if _is_read_only(raw) else _unwritable(engine, raw["Id"], _changed(engine, raw), in_memory)


def _unwritable(engine: Engine, ident: str, selection: Selection, in_memory: Iterable[str]) -> tuple[str, ...]:
    hidden = {posixpath.normpath(path) for path in in_memory}
    shown = {path for path in selection.wanted if not _is_below(path, hidden)}
    above = {parent for path in (*selection.wanted, *hidden) for parent in _parents(path)}
    # A folder that is not new has merely had something made or deleted in it.
    found = sorted(shown - above - selection.holders)
    return tuple(path for path in found if path in selection.added or not _is_folder(engine, ident, path))


def _is_folder(engine: Engine, ident: str, path: str) -> bool:
    answer = engine.request("HEAD", f"/containers/{ident}/archive", params={"path": path})
    mode = json.loads(base64.b64decode(answer.headers["X-Docker-Container-Path-Stat"]))["mode"]
    return bool(mode & _GO_FOLDER)


def _write(engine: Engine, ident: str, archive: t.IO[bytes]) -> None:
    archive.seek(0)
    engine.request("PUT", f"/containers/{ident}/archive", params={"path": "/"}, data=archive)


def _give_room_back(engine: Engine, ident: str, written: t.IO[bytes]) -> None:
    """Make the files of an archive empty again in a container: the old one needs room to start."""
    written.seek(0)
    with tempfile.TemporaryFile() as spool:
        with tarfile.open(fileobj=written) as source, tarfile.open(fileobj=spool, mode="w") as archive:
            for member in source:
                if member.isreg():
                    archive.addfile(tarfile.TarInfo(member.name))
        _write(engine, ident, spool)


def _collect_all(engine: Engine, ident: str, selection: Selection, spool: t.IO[bytes]) -> int:
    try:
        return _collect(engine, ident, selection, spool)
    except (OSError, AnswerError, tarfile.TarError) as exc:
        # The stream broke off, or this host has no room for it.
        raise ApplyError(f"its files could not be read: {str(exc) or type(exc).__name__}") from exc


def _collect(engine: Engine, ident: str, selection: Selection, spool: t.IO[bytes]) -> int:
    """Write the wanted files to one archive; return how many there are."""
    count = 0
    with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in _members(engine, ident, selection):
            archive.addfile(member, content)
            count += 1
    return count


def _members(engine: Engine, ident: str, selection: Selection) -> Iterator[tuple[tarfile.TarInfo, t.IO[bytes] | None]]:
    if len(selection.roots) > _MANY:
        # Volumes are not part of an export.
        answer = _ask(engine, f"/containers/{ident}/export", {})
        yield from _read(answer, "/", selection.wanted, whole=True)
        return
    for root, whole in selection.roots.items():
        answer = _ask(engine, f"/containers/{ident}/archive", {"path": root})
        yield from _read(answer, posixpath.dirname(root), selection.wanted, whole=whole)


def _ask(engine: Engine, url: str, params: Mapping[str, str]) -> Stream:
    return open_stream(engine, "GET", url, params=params)


def _read(
    response: Stream, parent: str, wanted: frozenset[str], *, whole: bool
) -> Iterator[tuple[tarfile.TarInfo, t.IO[bytes] | None]]:
    """Yield the wanted members of one answer, under their full paths. Sockets are in none: nobody could use them."""
    with response, tarfile.open(fileobj=t.cast("t.IO[bytes]", response), mode="r|") as archive:
        for member in archive:
            path = posixpath.normpath(posixpath.join(parent, member.name.lstrip("/")))
            if path in wanted:
                member.name = path.lstrip("/")
                # Long names are repeated there, and would win over the new name.
                further = member.pax_headers.items()
                member.pax_headers = {key: value for key, value in further if key not in ("path", "linkpath")}
                if member.islnk():
                    member.linkname = posixpath.join(parent, member.linkname.lstrip("/")).lstrip("/")
                yield member, archive.extractfile(member) if member.isreg() else None
            if not whole:
                # A folder that is not new: only its owner and mode are wanted, and they come first.
                return
