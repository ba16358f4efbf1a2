# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Engine API: connection, versions, requests, and errors as types.

The requests are made by the paths of the Engine API, since the methods of the Docker SDK for Python lack fields that
this collection needs, such as C(GwPriority). What the engine answers is input: it is looked at before anybody uses it.
"""

from __future__ import annotations

import http.client
import json
import threading
import typing as t
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from urllib.parse import quote

from .._errors import MOST_SECONDS, Conflict, EngineError, NotFound, Unreachable
from .answers import read_json, what_is_wrong
from .info import MINIMUM_API, EngineInfo, parse_api_version
from .mask import mask
from .place import way_to
from .podman import is_podman, with_endpoint_ids, with_own_name
from .transport import EngineResponse, Http, Request, Stream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .connection import Connection

_STATUS_ERRORS: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
# The engine sends a path with C(..) in it elsewhere, and nobody goes there. Nothing has such a name.
_ELSEWHERE = (301, 302, 307, 308)

# What a container may have written in the lines of its log that are read.
_MOST_LOG = 1 << 20
_LONGEST_EXPLANATION = 2000
# How often a container is asked for: one that is renamed in the middle of the request is described with its new name.
_ASKS = 3

# Engines can lose count of a network's endpoints while several containers leave it at the same moment, and then refuse
# to remove it, "has active endpoints", until they are restarted. Seen on 20.10 with 8 at once; 26.1 counts well.
_COUNTS_ENDPOINTS_WELL = "1.45"
_disconnects, _stops = threading.BoundedSemaphore(1), threading.BoundedSemaphore(2)

Json = t.Any


class Engine:
    """One connection to an engine. Not for use by several threads: see M(clone)."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        wanted = connection.api_version
        if wanted != "auto":
            parse_api_version(wanted)
        self._open()
        # The last request, of all connections that came from this one.
        self.asked = [""]
        self._prefix = ""
        self.info = self._negotiate(wanted)
        self._prefix = f"/v{self.info.api_version}"

    def _negotiate(self, wanted: str) -> EngineInfo:
        found = self._version()
        offered, least = str(found["ApiVersion"]), str(found.get("MinAPIVersion") or MINIMUM_API)
        spoken = offered if wanted == "auto" else wanted
        info = EngineInfo(spoken, str(found.get("Version", "")), offered, is_podman(found))
        if parse_api_version(offered) < parse_api_version(MINIMUM_API):
            raise Unreachable(
                f"Docker Engine {info.version} speaks API {offered}; this collection needs {MINIMUM_API}"
                " (Engine 20.10) or newer. Upgrade the engine."
            )
        low = max(parse_api_version(least), parse_api_version(MINIMUM_API))
        if not low <= info.api <= parse_api_version(offered):
            raise Unreachable(
                f"api_version {wanted} cannot be used: Docker Engine {info.version} and this collection share"
                f" {low[0]}.{low[1]} to {offered}. Set it to 'auto' or to one of these."
            )
        return info

    def _version(self) -> Mapping[str, Json]:
        try:
            found = self.get("/version")
        except EngineError as exc:
            raise self._no_engine(f"{exc.status}: {exc.explanation}") from exc
        return t.cast("Mapping[str, Json]", found)

    def clone(self) -> Engine:
        """Return a second connection to the same engine, for another thread. Costs no request."""
        other = object.__new__(Engine)
        other.connection = replace(self.connection)
        other._open()
        other.asked, other._prefix, other.info = self.asked, self._prefix, self.info
        return other

    def _open(self) -> None:
        dial, self._base = way_to(self.connection)
        self._http = Http(dial)

    def close(self) -> None:
        self._http.close()

    # -- requests ---------------------------------------------------------------------------------------------------

    @t.overload
    def request(
        self, method: str, path: str, *, stream: t.Literal[True], timeout: float | None = None, **parts: Json
    ) -> Stream: ...

    @t.overload
    def request(self, method: str, path: str, *, timeout: float | None = None, **parts: Json) -> EngineResponse: ...

    def request(
        self, method: str, path: str, *, stream: bool = False, timeout: float | None = None, **parts: Json
    ) -> EngineResponse | Stream:
        """Send one request and return the answer, or the I(stream); raise EngineError for a status of 300 and above.

        Args:
            parts: further ones of a Request.
        """
        label = f"{method} {path}"
        limit = self.connection.timeout if timeout is None else timeout
        request = Request(method, f"{self._base}{self._prefix}{path}", limit, **parts)
        with self._told(label):
            answer = self._http.open(request) if stream else self._http.send(request)
        if isinstance(answer, EngineResponse):
            _raise_for(answer, label)
        return answer

    def _get_all(self, paths: Sequence[str]) -> Sequence[EngineResponse]:
        """Return the answers to GETs, whatever their status."""
        if not paths:
            return []
        requests = [Request("GET", f"{self._base}{self._prefix}{path}", self.connection.timeout) for path in paths]
        with self._told(f"GET {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}"):
            return self._http.send_all(requests)

    @contextmanager
    def _told(self, label: str) -> Iterator[None]:
        self.asked[0] = label
        try:
            yield
        except (OSError, http.client.HTTPException) as exc:
            # Not at the top: most tasks find the engine.
            from .unreachable import why_unreachable

            where = self.connection
            raise Unreachable(why_unreachable(exc, where.docker_host, where.timeout, label)) from exc

    def _no_engine(self, answer: str) -> Unreachable:
        from .unreachable import no_engine

        return Unreachable(no_engine(self.connection.docker_host, answer))

    def _odd(self, label: str, problem: str) -> Unreachable:
        return Unreachable(
            f"the answer of the engine at {self.connection.docker_host} to {label} is not as the Engine API has it:"
            f" {problem}"
        )

    def upgrade(self, path: str, params: Mapping[str, Json] | None = None, body: Json = None) -> Stream:
        """POST, and return the stream under which the engine hands the connection over: it goes both ways."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        return self.request("POST", path, params=params, body=body, headers=headers, stream=True)

    def get(self, path: str, **params: Json) -> Json:
        """Return the JSON answer to a GET."""
        return self.read(self.request("GET", path, params=params), f"GET {path}")

    def post(self, path: str, body: Json = None, **params: Json) -> Json:
        """Return the JSON answer to a POST, or None where the engine has nothing to say."""
        answer = self.request("POST", path, params=params, body=body)
        return self.read(answer, f"POST {path}") if answer.content else None

    def read(self, answer: EngineResponse, label: str) -> Json:
        """Return what an answer says, if it can be an answer to this; raise Unreachable."""
        self.asked[0] = label
        try:
            found = read_json(answer.content)
        except ValueError as exc:
            raise self._no_engine(f"its answer to {label} is no JSON: {exc}") from exc
        problem = what_is_wrong(found, label)
        if problem:
            raise self._odd(label, problem)
        return found

    def order(self, path: str, body: Json = None, timeout: float | None = None, **params: Json) -> None:
        """POST; whatever a successful answer says. Podman has a word here where Docker has nothing."""
        self.request("POST", path, params=params, body=body, timeout=timeout)

    def delete(self, path: str, **params: Json) -> None:
        self.request("DELETE", path, params=params)

    # -- reading ----------------------------------------------------------------------------------------------------

    def containers(self, **filters: list[str]) -> list[Json]:
        """Return the summaries of all containers, stopped ones too."""
        query = {"filters": json.dumps(filters)} if filters else {}
        return t.cast("list[Json]", self.get("/containers/json", all="1", **query))

    def container(self, ref: str) -> Json:
        """Return the full description of a container, by name or ID; raise NotFound."""
        return self._described(ref, self.request("GET", _inspect(ref)))

    def inspect_containers(self, refs: Iterable[str]) -> dict[str, Json]:
        """Return the full descriptions of those of the containers that are there, by the name or ID that is given."""
        wanted = list(dict.fromkeys(refs))
        found = {}
        for ref, answer in zip(wanted, self._get_all([_inspect(ref) for ref in wanted])):
            with suppress(NotFound):
                found[ref] = self._described(ref, answer)
        return found

    def _described(self, ref: str, answer: EngineResponse, asks: int = _ASKS) -> Json:
        label = f"GET {_inspect(ref)}"
        _raise_for(answer, label)
        found = self.read(answer, label)
        try:
            self._check_same(ref, found["Id"], found["Name"].lstrip("/"), label)
        except Unreachable:
            if asks == 1:
                raise
            return self._described(ref, self.request("GET", _inspect(ref)), asks - 1)
        if self.info.podman:
            with_endpoint_ids((found["NetworkSettings"].get("Networks") or {}).values())
        return found

    def _check_same(self, ref: str, ident: str, name: str, label: str) -> None:
        """Raise NotFound if the engine took I(ref) for the beginning of an ID, Unreachable if it answered another."""
        if _same_thing(ref, ident, name):
            return
        # A legacy link can be named as well, CLIENT/ALIAS: nothing that is called so itself.
        if ident.startswith(ref) or "/" in ref:
            raise NotFound(404, f"nothing has the name or ID {ref}", label)
        raise self._odd(label, f"it is about {name}, {ident[:12]}")

    def networks(self) -> list[Json]:
        """Return all networks, without the containers on them."""
        found = t.cast("list[Json]", self.get("/networks"))
        if self.info.podman:
            with_own_name(found)
        return found

    def network(self, ref: str) -> Json:
        """Return the full description of a network, by name or ID; raise NotFound."""
        if self.info.podman and ref == "bridge":
            raise NotFound(404, "network bridge not found; Podman calls its default network podman", "GET /networks")
        path = f"/networks/{quote(ref, safe='')}"
        found = self.get(path)
        self._check_same(ref, found["Id"], found["Name"], f"GET {path}")
        if self.info.podman:
            with_endpoint_ids((found.get("Containers") or {}).values())
        return found

    def images_with(self, label: str) -> list[Json]:
        """Return the summaries of the images that have a label, those without a name too."""
        return t.cast("list[Json]", self.get("/images/json", all="1", filters=json.dumps({"label": [label]})))

    def image(self, ref: str) -> Json:
        """Return the description of an image that the engine has; raise NotFound."""
        return self.get(f"/images/{quote(ref, safe='')}/json")

    # -- networks ---------------------------------------------------------------------------------------------------

    def create_network(self, config: Mapping[str, Json]) -> Json:
        # CheckDuplicate: without it, engines before API 1.44 make a second network of the same name.
        return self.post("/networks/create", {"CheckDuplicate": True, **config})

    def remove_network(self, network: str) -> None:
        self.delete(f"/networks/{quote(network, safe='')}")

    def connect(self, network: str, container: str, config: Mapping[str, Json]) -> None:
        self.order(
            f"/networks/{quote(network, safe='')}/connect", {"Container": container, "EndpointConfig": dict(config)}
        )

    @property
    def loses_count(self) -> bool:
        """Whether containers that leave a network should do so one by one: see above."""
        return not self.info.has(_COUNTS_ENDPOINTS_WELL)

    def disconnect(self, network: str, container: str, force: bool = False) -> None:
        with _disconnects if self.loses_count else nullcontext():
            self.order(f"/networks/{quote(network, safe='')}/disconnect", {"Container": container, "Force": force})

    # -- containers -------------------------------------------------------------------------------------------------

    def create_container(self, name: str, config: Mapping[str, Json]) -> Json:
        """Create a container; the answer holds C(Id) and C(Warnings)."""
        return self.post("/containers/create", dict(config), name=name)

    def start(self, container: str) -> None:
        self.order(f"/containers/{container}/start")

    def stop(self, container: str, grace: int = 10) -> None:
        """Stop a container; it is killed if it has not ended by itself after I(grace) seconds."""
        # The engine answers when the container is down. That can last for long, so one at a time would be too few.
        with _stops if self.loses_count else nullcontext():
            longest = min(self.connection.timeout + grace, MOST_SECONDS)
            self.order(f"/containers/{container}/stop", timeout=longest, t=str(grace))

    def rename(self, container: str, name: str) -> None:
        self.order(f"/containers/{container}/rename", name=name)

    def remove_container(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container; I(volumes) takes its anonymous volumes with it."""
        self.delete(f"/containers/{container}", force=str(force).lower(), v=str(volumes).lower())

    def remove_link(self, container: str, alias: str) -> None:
        """Remove a legacy link of a container; its processes keep running."""
        self.delete(f"/containers/{quote(container, safe='')}/{quote(alias, safe='')}", link="1")

    def logs(self, container: str, tail: int = 10) -> bytes:
        """Return the raw stream of the last I(tail) lines: plain for a container with a terminal, else in frames.

        It may end early: the lines are the container's, and can be of any length.
        """
        params = {"stdout": "1", "stderr": "1", "tail": str(tail)}
        path = f"/containers/{container}/logs"
        with self.request("GET", path, params=params, stream=True) as stream, self._told(f"GET {path}"):
            return stream.read(_MOST_LOG)


def _raise_for(answer: EngineResponse, label: str) -> None:
    if answer.status_code in _ELSEWHERE:
        raise NotFound(404, "nothing can have this name", label)
    # 304: a container that is to be started or stopped is so already. A redirect is an error.
    if answer.status_code >= 300 and answer.status_code != 304:
        kind = _STATUS_ERRORS.get(answer.status_code, EngineError)
        raise kind(answer.status_code, _explanation(answer), label)


def _explanation(answer: EngineResponse) -> str:
    try:
        message = read_json(answer.content)["message"]
    except (ValueError, KeyError, TypeError):
        message = answer.text
    return mask(str(message).strip()[:_LONGEST_EXPLANATION]) or answer.reason


def _inspect(ref: str) -> str:
    return f"/containers/{quote(ref, safe='')}/json"


def _same_thing(ref: str, ident: str, name: str) -> bool:
    """The engine also takes the beginning of an ID, so a mistyped name could hit something else by accident."""
    return ref in (name, ident) or (len(ref) >= 12 and ident.startswith(ref))
