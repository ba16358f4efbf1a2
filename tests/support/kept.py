# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of what there is on an engine under one prefix, to tell what was kept and what was lost."""

from __future__ import annotations

import io
import ipaddress
import json
import re
import tarfile
import typing as t
from dataclasses import dataclass, field

from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, NotFound

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine

Json = t.Any

# Where containers have what must not get lost: a volume without a name, one with a name, their own layer.
KEPT_FILES = ("/anonymous/kept", "/named/kept", "/kept")


def comparable(raw: Json) -> Json:
    """Return what a successor must have in common with its predecessor."""
    short = raw["Id"][:12]
    config = {**raw["Config"], "Hostname": raw["Config"]["Hostname"].replace(short, "its own")}
    # The only differences: volumes that had no name are bound by the name that the engine had made up.
    host = {key: value for key, value in raw["HostConfig"].items() if key not in ("Binds", "Mounts", "Links")}
    networks = raw["NetworkSettings"]["Networks"]
    return {
        "name": raw["Name"],
        "status": raw["State"]["Status"],
        "config": _without_empty(config),
        "host": _without_empty(host),
        "links": sorted(raw["HostConfig"]["Links"] or ()),
        "image": raw["Image"],
        "mounts": sorted((m["Type"], m.get("Name") or m["Source"], m["Destination"], m["RW"]) for m in raw["Mounts"]),
        "networks": {
            name: {
                "ipam": {key: value for key, value in (end["IPAMConfig"] or {}).items() if value},
                "links": sorted(end["Links"] or ()),
                "aliases": sorted(set(end["Aliases"] or ()) - {short}),
                "opts": end["DriverOpts"] or {},
                "static": end["IPAddress"] if end["IPAMConfig"] else "",
            }
            for name, end in networks.items()
        },
    }


def _without_empty(values: Mapping[str, Json]) -> Json:
    """Leave out what is not set: a daemon that was restarted gives an empty list where it gave null."""
    return {key: value for key, value in values.items() if value is not None and value not in ([], {})}


@dataclass(frozen=True)
class Seen:
    """A container. look: see M(comparable). files: content by path, of those of KEPT_FILES that it has."""

    id: str
    name: str
    status: str
    look: Mapping[str, Json]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Picture:
    """All containers, networks (ID to name and settings) and named volumes whose names begin with a prefix."""

    prefix: str
    containers: tuple[Seen, ...]
    networks: Mapping[str, Json]
    volumes: frozenset[str]

    def by_id(self, ident: str) -> Seen | None:
        return next((one for one in self.containers if one.id == ident), None)

    def by_name(self, name: str) -> Seen | None:
        return next((one for one in self.containers if one.name == name), None)

    def short(self, name: str) -> str:
        return name.removeprefix(self.prefix)

    def portable(self, subnets: ipaddress.IPv4Network) -> Json:
        """Return the picture without all that differs between two labs that are alike.

        Args:
            subnets: what the labs' networks, each of them a /26, are taken from.
        """
        there = {
            "containers": {one.name: {"look": one.look, "files": one.files} for one in self.containers},
            "networks": sorted(json.dumps(one, sort_keys=True) for one in self.networks.values()),
            "volumes": sorted(self.volumes),
        }

        def address(match: re.Match[str]) -> str:
            found = ipaddress.IPv4Address(match[0])
            return f"host {int(found) % 64} of its network" if found in subnets else match[0]

        text = json.dumps(there, sort_keys=True).replace(self.prefix, "")
        for one in self.containers:
            text = text.replace(one.id[:12], f"<{self.short(one.name)}>")
        text = re.sub(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
        return json.loads(re.sub(r"\d+\.\d+\.\d+\.\d+", address, text))


def take_picture(engine: Engine, prefix: str) -> Picture:
    found = []
    for summary in engine.containers(name=[f"^/{re.escape(prefix)}"]):
        try:
            raw = engine.container(summary["Id"])
        except NotFound:
            continue
        files = {path: text for path in KEPT_FILES if (text := _file(engine, raw["Id"], path)) is not None}
        name, status = raw["Name"].lstrip("/"), raw["State"]["Status"]
        found.append(Seen(raw["Id"], name, status, comparable(raw), files))
    networks = {raw["Id"]: _network(raw) for raw in engine.networks() if raw["Name"].startswith(prefix)}
    volumes = engine.get("/volumes").get("Volumes") or ()
    names = frozenset(raw["Name"] for raw in volumes if raw["Name"].startswith(prefix))
    return Picture(prefix, tuple(sorted(found, key=lambda one: one.name)), networks, names)


def _network(raw: Json) -> Json:
    return {key: raw[key] for key in ("Name", "Driver", "Internal", "Options", "Labels")} | {
        "subnets": sorted(entry.get("Subnet") or "" for entry in raw["IPAM"]["Config"] or ())
    }


def _file(engine: Engine, ident: str, path: str) -> str | None:
    try:
        answer = engine.request("GET", f"/containers/{ident}/archive", params={"path": path})
    except EngineError:
        return None
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        content = archive.extractfile(archive.getmembers()[0])
        return None if content is None else content.read().decode()


@dataclass(frozen=True)
class Expected:
    """What a task may do to what was there, by short names, and what it leaves if nothing fails.

    Attributes:
        goes: containers, networks and volumes that it removes.
        replaces: containers that it may replace.
        differs: by the container, the parts of M(comparable) that it changes.
        touches: networks whose endpoints it changes.
    """

    goes: Collection[str] = ()
    replaces: Collection[str] = ()
    differs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    touches: Collection[str] = ()


def lost(before: Picture, after: Picture, expected: Expected) -> list[str]:
    """Say what of the user's was there before and is not there after; empty if all is there."""
    found = [problem for one in before.containers for problem in _lost_of(before, one, after, expected)]
    for ident, network in before.networks.items():
        if ident not in after.networks and before.short(network["Name"]) not in expected.goes:
            found.append(f"network {network['Name']} is gone")
    gone = {before.short(name) for name in before.volumes - after.volumes} - set(expected.goes)
    return found + [f"volume {name} is gone" for name in sorted(gone)]


def _lost_of(before: Picture, seen: Seen, after: Picture, expected: Expected) -> Iterable[str]:
    name = before.short(seen.name)
    if name in expected.goes:
        return
    same = after.by_id(seen.id)
    keeper = same or after.by_name(seen.name)
    if keeper is None:
        yield f"container {name} is gone"
        return
    if same is None and name not in expected.replaces:
        yield f"container {name} is another one now"
    differs = ("name", "status", "networks", *expected.differs.get(name, ()))
    for part, value in seen.look.items():
        if part not in differs and keeper.look[part] != value:
            yield f"{name} has {part} {keeper.look[part]}, not {value}"
    for path, text in seen.files.items():
        if keeper.files.get(path) != text:
            yield f"{name} has {keeper.files.get(path)!r} in {path}, not {text!r}"
    for network, end in seen.look["networks"].items():
        now = keeper.look["networks"].get(network)
        if before.short(network) not in expected.touches and _requested(now) != _requested(end):
            yield f"{name} has {now} on {network}, not {end}"


def _requested(end: Json) -> Json:
    """Return an endpoint without what it only has while its container runs."""
    return end and {key: value for key, value in end.items() if key != "static"}


def unsettled(before: Picture, after: Picture, reference: Json, expected: Expected) -> list[str]:
    """Say what of the user's a task that failed, and had the time to put things right, left neither old nor new.

    Args:
        reference: the containers of the portable picture after a task that nothing happened to.
    """
    found = []
    for seen in before.containers:
        name = before.short(seen.name)
        wanted = reference.get(name)
        now = after.by_name(seen.name)
        if now is None:
            if name not in expected.goes:
                found.append(f"nothing is called {name}")
            continue
        allowed = {seen.status, wanted["look"]["status"]} if wanted else {seen.status, "exited"}
        if now.status not in allowed:
            found.append(f"{name} is {now.status}, not {seen.status}")
        for network in seen.look["networks"]:
            short = before.short(network)
            goes_on = wanted is None or short in wanted["look"]["networks"]
            if network not in now.look["networks"] and goes_on and name not in expected.goes:
                found.append(f"{name} is not on {short} any more")
    return found
