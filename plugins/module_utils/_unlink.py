# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Remove a legacy link while its source runs.

The engine then joins the source to its networks once more, which takes a tenth of a second and keeps open connections.
Three traps are in the way:

- On the default bridge the engine writes the resolver's file anew, as for a container without names, and a container
  that is also on a network of its own does not find names there until its next restart. So such a container leaves the
  bridge for that moment, and comes back.
- Off the bridge the engine does not touch the hosts file, so the line of the link stays. It is taken out from inside
  the container, if that can be.
- A link whose target was removed is refused with 404, since the engine looks for the target by the name that the link
  gave it. A helper that never runs lends this name to the source itself: then the removal finds what it needs.
"""

from __future__ import annotations

import io
import tarfile
import typing as t
from contextlib import suppress

from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    ApplyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
)
from ansible_collections.linklab.docker.plugins.module_utils._legacy_links import (
    on_default_bridge,
    read_legacy_links,
)
from ansible_collections.linklab.docker.plugins.module_utils._replace import BusyError
from ansible_collections.linklab.docker.plugins.module_utils._replace_names import helper_name
from ansible_collections.linklab.docker.plugins.module_utils._state import find_container

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container

_OWN_RESOLVER = b"127.0.0.11"
# Only what every shell has built in.
_WRITE = 'printf "%s" "$1" > /etc/hosts'


def unlink(engine: Engine, source: Container, alias: str) -> list[str]:
    """Remove a legacy link of a container; return what the user should know. A link that is gone will do."""
    own_resolver = source.live and _OWN_RESOLVER in _read(engine, source, "/etc/resolv.conf")
    stale = not _leads_somewhere(engine, source, alias)
    if not (own_resolver or stale):
        _remove(engine, source, alias)
        return []
    helper = _create_helper(engine, source, alias if stale else "")
    try:
        # Another run may have had it off the bridge a moment ago; the helper keeps others away from here on.
        now = find_container(engine, source.id) or source
        if own_resolver and on_default_bridge(now):
            return _remove_off_bridge(engine, now, alias)
        _remove(engine, source, alias)
        return []
    finally:
        discard_helper(engine, helper)


def _leads_somewhere(engine: Engine, source: Container, alias: str) -> bool:
    return not any(link.stale for link in read_legacy_links(engine, source) if link.alias == alias)


def _remove(engine: Engine, source: Container, alias: str) -> None:
    # Another run may have removed it meanwhile.
    with suppress(NotFound):
        engine.remove_link(source.name, alias)


def _create_helper(engine: Engine, source: Container, lend: str) -> str:
    """Create a container that never runs: it marks a removal under way, and lends a name to a link without target."""
    links = [f"{source.id}:../{source.name}/{lend}"] if lend else []
    body = {"Image": source.raw["Image"], "Entrypoint": ["none"], "HostConfig": {"Links": links}}
    name = helper_name(source.name, source.id)
    try:
        return str(engine.create_container(name, body)["Id"])
    except Conflict as exc:
        raise BusyError(f"could not remove a link of {source.name}: another run is doing it ({name} exists)") from exc


def discard_helper(engine: Engine, ident: str) -> None:
    """Remove a helper, with the volumes that its image made it have."""
    with suppress(NotFound):
        engine.remove_container(ident, force=True, volumes=True)


# -- the way around the lost resolver ---------------------------------------------------------------------------------


def _remove_off_bridge(engine: Engine, source: Container, alias: str) -> list[str]:
    engine.disconnect("bridge", source.id)
    try:
        _remove(engine, source, alias)
    finally:
        return_to_bridge(engine, source)
    return _tidy_hosts(engine, source.id, alias)


def return_to_bridge(engine: Engine, source: Container) -> None:
    """Connect a container to the default bridge again, with the settings that it had there."""
    endpoint = source.endpoints.get("bridge")
    try:
        engine.connect("bridge", source.id, endpoint.settings.to_api() if endpoint else {})
    except LinklabError as exc:
        now = find_container(engine, source.id)
        if now is None or on_default_bridge(now):
            return
        raise ApplyError(
            f"{source.name} left the bridge for a moment and could not come back: {exc}. Attach it again"
            f" (network_attach with network: bridge, containers: [{source.name}])"
        ) from exc


def _tidy_hosts(engine: Engine, ident: str, alias: str) -> list[str]:
    """Take what the engine left there out of the hosts file, from inside the container."""
    source = find_container(engine, ident)
    if source is None:
        return []
    before = _read(engine, source, "/etc/hosts").decode(errors="surrogateescape")
    addresses = {end.ipv4 for end in source.endpoints.values()} | {end.ipv6 for end in source.endpoints.values()}
    after = tidy(before, alias, source.hostname, addresses)
    if after == before or _write_hosts(engine, source, after):
        return []
    note = (
        f"the name {alias} still stands in the hosts file of {source.name} until its next restart: the engine does not"
        " take it out of a container that is on a network of its own, and no shell in it could"
    )
    return [note]


def tidy(hosts: str, alias: str, hostname: str, addresses: set[str]) -> str:
    """Return a hosts file without a link's line, and without lines for addresses that the container lost. Pure."""
    kept: list[str] = []
    for line in hosts.splitlines(keepends=True):
        fields = line.split()
        # A link's line has the target's host name after the alias; a line that the user asked for has not.
        is_link = len(fields) > 2 and fields[1] == alias
        is_lost = len(fields) == 2 and fields[1] == hostname and fields[0] not in addresses
        if not (is_link or is_lost or (fields and line in kept)):
            kept.append(line)
    return "".join(kept)


def _write_hosts(engine: Engine, source: Container, text: str) -> bool:
    body = {"Cmd": ["sh", "-c", _WRITE, "sh", text], "User": "0", "AttachStdout": True, "AttachStderr": True}
    try:
        ident = engine.post(f"/containers/{source.id}/exec", body)["Id"]
        # The answer ends with the command.
        engine.request("POST", f"/exec/{ident}/start", body={"Detach": False, "Tty": False})
        return bool(engine.get(f"/exec/{ident}/json")["ExitCode"] == 0)
    except EngineError:
        return False


def _read(engine: Engine, source: Container, path: str) -> bytes:
    """Return a file of a container; empty if it has none."""
    try:
        answer = engine.request("GET", f"/containers/{source.id}/archive", params={"path": path})
    except NotFound:
        return b""
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                return content.read()
    return b""
