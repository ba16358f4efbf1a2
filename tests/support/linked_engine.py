# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of the engine with what legacy links write inside containers, and with requests that fail."""

from __future__ import annotations

import io
import tarfile
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._apply.hosts import HOSTS
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._model.hosts_lines import parse, written
from engine_model import EngineModel, Response

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping
from mortal_client import KilledError

Json = t.Any
IMAGE: dict[str, Json] = {"Id": "sha256:" + "33" * 32, "Config": {"Cmd": ["serve"], "ExposedPorts": {"80/tcp": {}}}}


class LinkedEngine(EngineModel):
    """Keeps a hosts file and a resolver for each running container.

    Attributes:
        fail_at: the number of the acting request, counted from 0, that is refused; none if negative.
        die_at: the number of that which the run is killed before; none if negative.
        acted: how many there were.
    """

    def __init__(self, images: Mapping[str, Json] | None = None, remote: Mapping[str, Json] | None = None) -> None:
        super().__init__(images or {"box": IMAGE}, remote)
        self.hosts: dict[str, str] = {}
        self.own_resolver: set[str] = set()
        self.lost: set[str] = set()
        self.fail_at = self.die_at = -1
        self.acted = 0

    def _act(self, what: str) -> None:
        number, self.acted = self.acted, self.acted + 1
        if 0 <= self.die_at <= number:
            raise KilledError
        if number == self.fail_at:
            raise EngineError(500, "fault made by the test", what)

    # -- inside the containers ----------------------------------------------------------------------------------------

    def get(self, path: str, **params: Json) -> Json:
        if path.endswith("/top"):
            raise EngineError(500, "ps is not there", path)
        return super().get(path, **params)

    def request(self, method: str, path: str, **options: Json) -> Response:
        if path.endswith("/archive"):
            ident = self._find(path.split("/")[2])["Id"]
            place = options["params"]["path"]
            if method == "HEAD":
                return Response()
            text = self.hosts[ident] if place == HOSTS else self._resolver(ident)
            return Response(_tar(text))
        return super().request(method, path, **options)

    def _resolver(self, ident: str) -> str:
        return f"nameserver {'127.0.0.11' if ident in self.own_resolver - self.lost else '192.0.2.53'}\n"

    def write(self, _engine: Json, ident: str, program: Json) -> None:
        """Stands in for what is executed in a container to write its hosts file."""
        raw = self._find(ident)
        for link in raw["HostConfig"].get("Links") or ():
            target = self.raw.get(self.links.get((raw["Id"], link.rpartition("/")[2]), ""))
            if "bridge" in raw["NetworkSettings"]["Networks"] and (target is None or not _is_linkable(target)):
                raise EngineError(500, "Cannot link to a non running container", "exec")
        self.hosts[raw["Id"]] = program.command[-1]

    # -- what writes there --------------------------------------------------------------------------------------------

    def start(self, container: str) -> None:
        super().start(container)
        raw = self._find(container)
        ends = raw["NetworkSettings"]["Networks"]
        self.hosts[raw["Id"]] = "127.0.0.1\tlocalhost\n"
        self.lost.discard(raw["Id"])
        if set(ends) - {"bridge"}:
            self.own_resolver.add(raw["Id"])
        self._write_links(raw)
        for end in ends.values():
            self.hosts[raw["Id"]] += f"{end.get('IPAddress')}\t{raw['Config']['Hostname']}\n"
        self._correct_links(raw)

    def _correct_links(self, target: Json) -> None:
        """The address of a target that starts is corrected in the lines that are there."""
        address = (target["NetworkSettings"]["Networks"].get("bridge") or {}).get("IPAddress")
        for (source, alias), ident in self.links.items():
            if ident == target["Id"] and address and source in self.hosts:
                self.hosts[source] = "".join(
                    written(address, line.names, line.comment) if line.is_link(alias) else line.text
                    for line in parse(self.hosts[source])
                )

    def _write_links(self, raw: Json) -> None:
        for (source, alias), target in self.links.items():
            if source == raw["Id"] and "bridge" in raw["NetworkSettings"]["Networks"]:
                other = self.raw[target]
                address = other["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
                self.hosts[source] += f"{address}\t{alias} {other['Config']['Hostname']} {other['Name'][1:]}\n"

    def connect(self, network: str, container: str, config: Mapping[str, Json]) -> None:
        self._act("connect")
        super().connect(network, container, config)
        raw = self._find(container)
        if raw["State"]["Status"] == "running":
            name = self._network(network)["Name"]
            address = raw["NetworkSettings"]["Networks"][name]["IPAddress"]
            self.hosts[raw["Id"]] += f"{address}\t{raw['Config']['Hostname']}\n"
            if name != "bridge":
                self.own_resolver.add(raw["Id"])

    def disconnect(self, network: str, container: str, force: bool = False) -> None:
        self._act("disconnect")
        super().disconnect(network, container, force)

    def remove_link(self, container: str, alias: str) -> None:
        self._act("remove link")
        super().remove_link(container, alias)
        raw = self._find(container)
        if raw["Id"] in self.hosts and "bridge" in raw["NetworkSettings"]["Networks"]:
            lines = parse(self.hosts[raw["Id"]])
            self.hosts[raw["Id"]] = "".join(line.text for line in lines if not line.is_link(alias))
            if raw["Id"] in self.own_resolver:
                self.lost.add(raw["Id"])

    def create_container(self, name: str, config: Mapping[str, Json]) -> Json:
        self._act("create")
        return super().create_container(name, config)

    def remove_container(self, container: str, *, force: bool = False, **further: bool) -> None:
        self._act("remove")
        super().remove_container(container, force=force, **further)

    # -- where names lead ---------------------------------------------------------------------------------------------

    def resolve(self, source: str, name: str) -> str:
        """The name of the container that a running one reaches under a name; empty if there is none."""
        raw = self._find(source)
        for line in self.hosts[raw["Id"]].splitlines():
            fields = line.partition("#")[0].split()
            if name in fields[1:]:
                return self._at(raw, fields[0])
        if raw["Id"] not in self.own_resolver - self.lost:
            return ""
        nets = set(raw["NetworkSettings"]["Networks"]) - {"bridge"}
        for net in sorted(nets):
            for link in raw["NetworkSettings"]["Networks"][net].get("Links") or ():
                if link.endswith(f":{name}"):
                    return str(link.partition(":")[0])
            for other in self.raw.values():
                end = other["NetworkSettings"]["Networks"].get(net)
                if end is not None and name in (other["Name"][1:], *(end.get("Aliases") or ())):
                    return str(other["Name"][1:])
        return ""

    def _at(self, raw: Json, address: str) -> str:
        for net in raw["NetworkSettings"]["Networks"]:
            for other in self.raw.values():
                end = other["NetworkSettings"]["Networks"].get(net) or {}
                if end.get("IPAddress") == address:
                    return str(other["Name"][1:])
        return ""


def _is_linkable(target: Json) -> bool:
    return target["State"]["Status"] == "running" and "bridge" in target["NetworkSettings"]["Networks"]


def _tar(text: str) -> bytes:
    content, file = text.encode(errors="surrogateescape"), io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def in_this_process(engine: Json, work: Callable[[Json], Json]) -> Json:
    """Stands in for a process of its own."""
    return work(engine)
