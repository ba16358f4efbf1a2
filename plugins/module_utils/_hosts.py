# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The hosts file of a running container: read and written in place, and edited line by line.

It is a file of the engine that is mounted into the container, so it must stay the same file. It is written without
being emptied first: at no moment can a reader find that a name is missing which is in the old and in the new text.
"""

from __future__ import annotations

import io
import tarfile
import typing as t
from contextlib import suppress

from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, NotFound, Unreachable
from ansible_collections.linklab.docker.plugins.module_utils._exec import Program, run_beside, run_in

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container

HOSTS = "/etc/hosts"
RESOLVER = "/etc/resolv.conf"
OWN_RESOLVER = b"127.0.0.11"
# By this a line is known that stands in for a legacy link's until names are resolved by the network alone.
TAG = "# linklab.docker"

# Only what every shell has built in. The file is opened without being emptied.
_WRITE = f'printf "%s" "$1" 1<>{HOSTS}'
_SECONDS = 20.0


def read_file(engine: Engine, ident: str, path: str) -> bytes:
    """Return a file of a container; empty if it has none."""
    try:
        answer = engine.request("GET", f"/containers/{ident}/archive", params={"path": path})
    except NotFound:
        return b""
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                return content.read()
    return b""


def has_own_resolver(engine: Engine, ident: str) -> bool:
    """Whether a running container asks the engine for names, as it does once it was on a network of its own."""
    return OWN_RESOLVER in read_file(engine, ident, RESOLVER)


def read_hosts(engine: Engine, ident: str) -> str:
    return read_file(engine, ident, HOSTS).decode(errors="surrogateescape")


def write_hosts(engine: Engine, container: Container, before: str, after: str, images: Iterable[str] = ()) -> bool:
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
        if read_hosts(engine, container.id) == text:
            return True
        try:
            run_beside(engine, container.id, image, program, writes=True)
        except (EngineError, Unreachable):
            # This image has no shell after all, or is gone.
            continue
    return read_hosts(engine, container.id) == text


def padded(before: str, after: str) -> str:
    """Return I(after) so that it covers I(before) to the end. Pure."""
    lacking = len(before.encode(errors="surrogateescape")) - len(after.encode(errors="surrogateescape"))
    if lacking <= 0:
        return after
    return after.rstrip("\n") + " " * lacking + "\n" if after.endswith("\n") else after + " " * lacking


# -- single lines. Pure -----------------------------------------------------------------------------------------------


def link_lines(hosts: str, alias: str) -> list[str]:
    """Return the lines that a legacy link made: the target's host name follows the alias."""
    return [line for line in hosts.splitlines() if _is_link(line.split(), alias)]


def _is_link(fields: list[str], alias: str) -> bool:
    # A line that the user asked for has one name only.
    return len(fields) > 2 and fields[1] == alias


def redirected(hosts: str, addresses: Mapping[str, str]) -> str:
    """Return a hosts file whose links lead to other addresses, tagged; I(addresses) is by alias.

    Lines of links whose alias is not in I(addresses) stay; those for a second address of the same target go.
    """
    kept: list[str] = []
    done: set[str] = set()
    for line in hosts.splitlines(keepends=True):
        fields = line.partition("#")[0].split()
        alias = fields[1] if len(fields) > 1 else ""
        if not (alias in addresses and _is_link(fields, alias)):
            kept.append(line)
        elif alias not in done:
            done.add(alias)
            kept.append(f"{addresses[alias]}\t{' '.join(fields[1:])} {TAG}\n")
    return "".join(kept)


def restored(hosts: str, addresses: Mapping[str, str]) -> str:
    """Return a hosts file whose tagged lines lead to I(addresses), by alias, as lines of the engine."""
    kept = []
    for line in hosts.splitlines(keepends=True):
        fields = line.partition("#")[0].split()
        if TAG in line and len(fields) > 1 and addresses.get(fields[1]):
            kept.append(f"{addresses[fields[1]]}\t{' '.join(fields[1:])}\n")
        else:
            kept.append(line)
    return "".join(kept)


def tidy(hosts: str, aliases: Iterable[str], hostname: str, addresses: Iterable[str]) -> str:
    """Return a hosts file without the lines of links, and without lines for addresses that the container lost.

    Args:
        aliases: the links that are gone. Tagged lines go in any case.
        hostname, addresses: the container's own.
    """
    gone, own = set(aliases), set(addresses)
    kept: list[str] = []
    for line in hosts.splitlines(keepends=True):
        fields = line.split()
        is_link = len(fields) > 2 and (fields[1] in gone or TAG in line)
        is_lost = len(fields) == 2 and fields[1] == hostname and fields[0] not in own
        if not (is_link or is_lost or (fields and line in kept)):
            kept.append(line)
    return "".join(kept)


def is_tidy(hosts: str) -> bool:
    """Whether no line stands in for a link."""
    return TAG not in hosts
