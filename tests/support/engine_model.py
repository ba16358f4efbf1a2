# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of the engine that takes the requests of the collection's own client.

It follows the project's facts about Engine 20.10 (API 1.41): what it keeps, what it adds, what it refuses. It is for
properties of plans over many random states; what is claimed about the engine itself is tested on a real one.
"""

from __future__ import annotations

import copy
import functools
import ipaddress
import json
import re
import threading
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Conflict, EngineError, NotFound
from container_model import describe
from one_by_one import OneByOne

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = t.Any

_LIVE = ("running", "paused", "restarting")
# None of these has an endpoint.
_WITHOUT_NETWORK = ("host", "container")
BRIDGE_ID = "b0" * 32


class Response:
    """What the client's request() returns, as far as it is used."""

    def __init__(self, content: bytes = b"", lines: tuple[bytes, ...] = ()) -> None:
        self.content, self.lines = content, lines

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def iter_lines(self, **_options: Json) -> Iterator[bytes]:
        return iter(self.lines)


def one_at_a_time(model: type[EngineModel]) -> type[EngineModel]:
    """Let no two threads be in the model at once."""

    def guarded(method: t.Callable[..., Json]) -> t.Callable[..., Json]:
        @functools.wraps(method)
        def call(self: EngineModel, *arguments: Json, **options: Json) -> Json:
            with self.lock:
                return method(self, *arguments, **options)

        return call

    for name, method in list(vars(model).items()):
        if callable(method) and not name.startswith("_"):
            setattr(model, name, guarded(method))
    return model


@one_at_a_time
class EngineModel(OneByOne):
    """The engine's containers, networks and volumes as the API describes them."""

    def __init__(self, images: Mapping[str, Json], remote: Mapping[str, Json] | None = None) -> None:
        self.asked = [""]
        self.lock = threading.RLock()
        self.info = EngineInfo("1.41", "20.10")
        self.loses_count = True
        self.connection = Connection()
        self.images = dict(images)
        self.remote = dict(remote or {})
        self.raw: dict[str, Json] = {}
        self.nets: dict[str, Json] = {}
        self.volumes: dict[str, dict[str, str]] = {}
        # ID of the source and alias to ID of the target.
        self.links: dict[tuple[str, str], str] = {}
        self.made = 0
        self.changes = 0
        bridge = {"com.docker.network.bridge.default_bridge": "true"}
        self._add_network({"Name": "bridge", "Options": bridge, "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}})
        for name, driver in (("host", "host"), ("none", "null")):
            self._add_network({"Name": name, "Driver": driver})

    def clone(self) -> EngineModel:
        return self

    # -- reading --------------------------------------------------------------------------------------------------

    def containers(self, **filters: list[str]) -> list[Json]:
        return [self._summary(raw) for raw in self.raw.values() if self._matches(raw, filters)]

    def _matches(self, raw: Json, filters: Mapping[str, list[str]]) -> bool:
        labels = raw["Config"]["Labels"]
        wanted = all(
            key in labels and (not eq or labels[key] == value)
            for key, eq, value in (one.partition("=") for one in filters.get("label", ()))
        )
        return wanted and all(re.search(pattern, raw["Name"]) for pattern in filters.get("name", ()))

    def _summary(self, raw: Json) -> Json:
        paths = [f"{self.raw[source]['Name']}/{alias}" for (source, alias), to in self.links.items() if to == raw["Id"]]
        return {
            "Id": raw["Id"],
            "Names": [raw["Name"], *paths],
            "State": raw["State"]["Status"],
            "ImageID": raw["Image"],
            "Labels": raw["Config"]["Labels"],
            "NetworkSettings": raw["NetworkSettings"],
            "HostConfig": {"NetworkMode": raw["HostConfig"]["NetworkMode"]},
        }

    def container(self, ref: str) -> Json:
        return copy.deepcopy(self._find(ref))

    def _find(self, ref: str) -> Json:
        for raw in self.raw.values():
            if raw["Name"] == f"/{ref}" or (len(ref) >= 12 and raw["Id"].startswith(ref)):
                return raw
        raise NotFound(404, f"No such container: {ref}", f"/containers/{ref}")

    def networks(self) -> list[Json]:
        return [{**copy.deepcopy(net), "Containers": {}} for net in self.nets.values()]

    def network(self, ref: str) -> Json:
        return copy.deepcopy(self._network(ref))

    def _network(self, ref: str) -> Json:
        for net in self.nets.values():
            if ref in (net["Name"], net["Id"]):
                return net
        raise NotFound(404, f"network {ref} not found", f"/networks/{ref}")

    def images_with(self, label: str) -> list[Json]:
        found = ({"Id": one["Id"], "Labels": one["Config"].get("Labels") or {}} for one in self.images.values())
        return [one for one in found if label in one["Labels"]]

    def image(self, ref: str) -> Json:
        for name, image in self.images.items():
            if ref in (name, image["Id"]):
                return copy.deepcopy(image)
        raise NotFound(404, f"No such image: {ref}", f"/images/{ref}")

    def get(self, path: str, **params: Json) -> Json:
        link = re.fullmatch(r"/containers/([^/]+)/([^/]+)/json", path)
        if path == "/containers/json":
            return self.containers(**json.loads(params.get("filters", "{}")))
        if path == "/volumes":
            return {"Volumes": [{"Name": name, "Labels": labels} for name, labels in self.volumes.items()]}
        if path == "/info":
            return {}
        if path.endswith("/changes"):
            return []
        if link:
            target = self.links.get((self._find(link[1])["Id"], link[2]))
            if target is None:
                raise NotFound(404, "no such link", path)
            return copy.deepcopy(self.raw[target])
        raise AssertionError(f"the model knows no GET {path}")

    def request(self, method: str, path: str, **options: Json) -> Response:
        if path == "/images/create":
            name = options["params"]["fromImage"].removesuffix(":latest")
            if name not in self.remote:
                return Response(lines=(json.dumps({"error": "pull access denied"}).encode(),))
            self.images[name] = self.remote[name]
            return Response()
        if path == "/events":
            return Response()
        if path.endswith("/archive"):
            raise NotFound(404, "no such path", path)
        raise AssertionError(f"the model knows no {method} {path}")

    def logs(self, _container: str, _tail: int = 10) -> bytes:
        return b""

    # -- networks -------------------------------------------------------------------------------------------------

    def create_network(self, config: Mapping[str, Json]) -> Json:
        if any(net["Name"] == config["Name"] for net in self.nets.values()):
            raise Conflict(409, f"network with name {config['Name']} already exists", "/networks/create")
        return {"Id": self._add_network(config)["Id"]}

    def _add_network(self, config: Mapping[str, Json]) -> Json:
        self.changes += 1
        self.made += 1
        subnets = [dict(entry) for entry in (config.get("IPAM") or {}).get("Config") or ()]
        driver = config.get("Driver", "bridge")
        taken = [ipaddress.ip_network(one["Subnet"]) for net in self.nets.values() for one in net["IPAM"]["Config"]]
        if not subnets and driver == "bridge":
            pools = [ipaddress.ip_network(f"172.{number}.0.0/16") for number in range(18, 32)]
            subnets = [{"Subnet": str(next(pool for pool in pools if not any(pool.overlaps(one) for one in taken)))}]
        for entry in subnets:
            subnet = ipaddress.ip_network(entry["Subnet"])
            if any(subnet.overlaps(other) for other in taken):
                raise EngineError(403, "Pool overlaps with other one on this address space", "/networks/create")
            entry.setdefault("Gateway", str(subnet[1]))
        net = {
            "Id": BRIDGE_ID if config["Name"] == "bridge" else f"{self.made:064x}",
            "Name": config["Name"],
            "Driver": driver,
            "Internal": bool(config.get("Internal")),
            "Attachable": bool(config.get("Attachable")),
            "EnableIPv6": bool(config.get("EnableIPv6")),
            "IPAM": {"Config": subnets},
            "Options": dict(config.get("Options") or {}),
            "Labels": dict(config.get("Labels") or {}),
            "Containers": {},
        }
        self.nets[net["Id"]] = net
        return net

    def remove_network(self, network: str) -> None:
        net = self._network(network)
        if net["Containers"]:
            raise EngineError(403, f"network {net['Name']} has active endpoints", f"/networks/{network}")
        self.changes += 1
        del self.nets[net["Id"]]

    def connect(self, network: str, container: str, config: Mapping[str, Json]) -> None:
        net, raw = self._network(network), self._find(container)
        ends, name = raw["NetworkSettings"]["Networks"], net["Name"]
        live = raw["State"]["Status"] in _LIVE
        mode = raw["HostConfig"]["NetworkMode"].partition(":")[0]
        if mode in _WITHOUT_NETWORK or "none" in ends or name in ("host", "none"):
            raise EngineError(400, "container cannot be connected to this network", "connect")
        if name in ends:
            if not live:
                return
            raise EngineError(403, f"endpoint with name {raw['Name'][1:]} already exists in network {name}", "connect")
        self.changes += 1
        ends[name] = self._endpoint(net, raw, config, live)

    def disconnect(self, network: str, container: str, force: bool = False) -> None:
        net, raw = self._network(network), self._find(container)
        ends = raw["NetworkSettings"]["Networks"]
        if net["Name"] not in ends:
            if force:
                return
            raise EngineError(500, f"container is not connected to network {net['Name']}", "disconnect")
        self.changes += 1
        del ends[net["Name"]]
        net["Containers"].pop(raw["Id"], None)

    def _endpoint(self, net: Json, raw: Json, config: Mapping[str, Json], live: bool) -> Json:
        end = copy.deepcopy(dict(config))
        wanted = {key: value for key, value in (end.get("IPAMConfig") or {}).items() if value}
        if net["Id"] == BRIDGE_ID:
            if end.get("Aliases") or wanted:
                raise EngineError(400, "not supported on the default bridge", "connect")
        else:
            end["Aliases"] = [*(end.get("Aliases") or ()), raw["Id"][:12]]
        end["IPAMConfig"] = wanted or None
        if live:
            self._plug_in(net, raw, end)
        return end

    def _plug_in(self, net: Json, raw: Json, end: Json) -> None:
        """Give an endpoint of a running container its addresses."""
        self.made += 1
        end.update(NetworkID=net["Id"], EndpointID=f"{self.made:064x}")
        if net["IPAM"]["Config"]:
            subnet = ipaddress.ip_network(net["IPAM"]["Config"][0]["Subnet"])
            taken = {member["IPv4Address"].partition("/")[0] for member in net["Containers"].values()}
            taken |= {net["IPAM"]["Config"][0]["Gateway"], str(subnet[0])}
            asked = (end.get("IPAMConfig") or {}).get("IPv4Address")
            if asked and ipaddress.ip_address(asked) not in subnet:
                raise EngineError(500, f"no configured subnet contains {asked}", "connect")
            if asked in taken:
                raise EngineError(403, "Address already in use", "connect")
            free = (str(subnet[number]) for number in range(2, min(subnet.num_addresses - 1, 250)))
            end["IPAddress"] = asked or next(address for address in free if address not in taken)
            end["Gateway"] = "" if net["Internal"] else net["IPAM"]["Config"][0]["Gateway"]
            net["Containers"][raw["Id"]] = {
                "Name": raw["Name"][1:],
                "EndpointID": end["EndpointID"],
                "IPv4Address": f"{end['IPAddress']}/{subnet.prefixlen}",
            }

    # -- containers -----------------------------------------------------------------------------------------------

    def create_container(self, name: str, config: Mapping[str, Json]) -> Json:
        if any(raw["Name"] == f"/{name}" for raw in self.raw.values()):
            raise Conflict(409, f"name {name} is already in use", "/containers/create")
        image = self.image(config["Image"])
        self.changes += 1
        self.made += 1
        ident = f"{self.made:064x}"[::-1]
        raw = describe(config, image, name, ident)
        host = raw["HostConfig"]
        mode, _colon, other = host["NetworkMode"].partition(":")
        if mode == "container":
            host["NetworkMode"] = f"container:{self._find(other)['Id']}"
        links = host.pop("Links", None) or ()
        if links and mode in ("host", "container"):
            raise EngineError(400, "conflicting options: network mode and links", "/containers/create")
        host["Links"] = [self._link(ident, name, link) for link in links] if mode in ("default", "bridge") else None
        given = ((config.get("NetworkingConfig") or {}).get("EndpointsConfig")) or {}
        if len(given) > 1:
            raise EngineError(400, "Container cannot be connected to network endpoints", "/containers/create")
        for mount in raw["Mounts"]:
            if mount["Type"] == "volume" and len(mount["Name"]) < 64:
                self.volumes.setdefault(mount["Name"], {})
        self.raw[ident] = raw
        if mode not in _WITHOUT_NETWORK:
            first = {"default": "bridge"}.get(mode, mode)
            # A network that is missing is only noticed at the start.
            settings = dict(given.get(first) or {})
            if first not in ("bridge", "none"):
                settings["Aliases"] = [*(settings.get("Aliases") or ()), ident[:12]]
            raw["NetworkSettings"]["Networks"][first] = settings
        return {"Id": ident, "Warnings": []}

    def _link(self, source: str, name: str, link: str) -> str:
        target, _colon, alias = link.partition(":")
        try:
            found = self._find(target)
        except NotFound as exc:
            raise EngineError(400, f"Could not get container for {target}", "/containers/create") from exc
        if alias.startswith("../"):
            # The name lies below another container: the link is that one's.
            _dots, owner, borrowed = alias.split("/")
            self.links[self._find(owner)["Id"], borrowed] = found["Id"]
            return f"{found['Name']}:/{owner}/{borrowed}"
        self.links[source, alias or target] = found["Id"]
        return f"{found['Name']}:/{name}/{alias or target}"

    def start(self, container: str) -> None:
        raw = self._find(container)
        if raw["State"]["Status"] in _LIVE:
            return
        self.changes += 1
        for link in raw["HostConfig"].get("Links") or ():
            target = self.links.get((raw["Id"], link.rpartition("/")[2]))
            if target is None or self.raw[target]["State"]["Status"] not in _LIVE:
                raise EngineError(500, "Cannot link to a non running container", "start")
        for name, end in raw["NetworkSettings"]["Networks"].items():
            self._plug_in(self._network(name), raw, end)
        kind, _colon, sharer = raw["HostConfig"]["NetworkMode"].partition(":")
        if kind == "container" and self._find(sharer)["State"]["Status"] not in _LIVE:
            raise EngineError(409, "cannot join network of a non running container", "start")
        raw["State"].update(Status="running", StartedAt=f"2026-01-01T00:00:00.{self.changes:09d}Z")

    def stop(self, container: str, _grace: int | None = None) -> None:
        raw = self._find(container)
        self.changes += 1
        raw["State"]["Status"] = "exited"
        for name, end in raw["NetworkSettings"]["Networks"].items():
            end.update(EndpointID="", IPAddress="", Gateway="")
            for net in self.nets.values():
                if net["Name"] == name:
                    net["Containers"].pop(raw["Id"], None)

    def post(self, path: str, body: Json = None, **_further: Json) -> Json:
        self.changes += 1
        if path == "/volumes/create":
            self.volumes.setdefault(body["Name"], dict(body["Labels"]))
            return None
        ref, verb = path.split("/")[2:4]
        raw = self._find(ref)
        if verb == "update":
            raw["HostConfig"].update(copy.deepcopy(body))
        elif verb in ("pause", "unpause"):
            raw["State"]["Status"] = "paused" if verb == "pause" else "running"
        else:
            raise AssertionError(f"the model knows no POST {path}")
        return None

    def order(self, path: str, **_further: Json) -> None:
        ref, verb = path.split("/")[2:4]
        if verb != "restart":
            raise AssertionError(f"the model knows no POST {path}")
        self.stop(ref)
        self.start(ref)

    def rename(self, container: str, name: str) -> None:
        raw = self._find(container)
        if any(other["Name"] == f"/{name}" for other in self.raw.values()):
            raise Conflict(409, f"name {name} is already in use", "rename")
        self.changes += 1
        raw["Name"] = f"/{name}"
        for net in self.nets.values():
            if raw["Id"] in net["Containers"]:
                net["Containers"][raw["Id"]]["Name"] = name

    def remove_container(self, container: str, *, force: bool = False, **_further: bool) -> None:
        raw = self._find(container)
        if raw["State"]["Status"] in _LIVE:
            if not force:
                raise Conflict(409, "You cannot remove a running container", "remove")
            self.stop(raw["Id"])
        self.changes += 1
        del self.raw[raw["Id"]]
        self.links = {key: to for key, to in self.links.items() if raw["Id"] not in (key[0], to)}

    def delete(self, path: str) -> None:
        parts = path.split("/")[1:]
        if parts[0] != "volumes" or self.volumes.pop(parts[1], None) is None:
            raise NotFound(404, "no such volume", path)
        self.changes += 1

    def remove_link(self, container: str, alias: str) -> None:
        raw = self._find(container)
        if self.links.pop((raw["Id"], alias), None) is None:
            raise NotFound(404, "no such link", "remove link")
        self.changes += 1
        raw["HostConfig"]["Links"] = [one for one in raw["HostConfig"]["Links"] if not one.endswith(f"/{alias}")]
