# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Engine API: connection, versions, requests, errors as types, and what is read.

The requests are made by the paths of the Engine API, since the methods of the Docker SDK for Python lack fields that
this collection needs, such as C(GwPriority). What the engine answers is input: it is looked at before anybody uses it.
"""

from __future__ import annotations

import http.client
import json
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import quote

from .._errors import Conflict, EngineError, NotFound, Unreachable
from .answers import read_json, what_is_wrong
from .info import MINIMUM_API, EngineInfo, parse_api_version
from .mask import mask
from .place import way_to
from .podman import is_podman, with_endpoint_ids, with_own_name
from .transport import EngineResponse, Http, Request

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .connection import Connection
    from .place import Dial

    Send = Callable[[Dial, Request], t.Any]

_STATUS_ERRORS: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
# The engine sends a path with C(..) in it elsewhere, and nobody goes there. Nothing has such a name.
_ELSEWHERE = (301, 302, 307, 308)

_LONGEST_EXPLANATION = 2000
# How often a container is asked for: one that is renamed in the middle of the request is described with its new name.
_ASKS = 3

Json = t.Any
Self = t.TypeVar("Self", bound="Reader")


class Reader:
    """One connection to an engine, to read from. Not for use by several threads: see M(clone)."""

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

    def clone(self: Self) -> Self:
        """Return a second connection to the same engine, for another thread. Costs no request."""
        other = object.__new__(type(self))
        other.connection = replace(self.connection)
        other._open()
        other.asked, other._prefix, other.info = self.asked, self._prefix, self.info
        return other

    def _open(self) -> None:
        self._dial, self._base = way_to(self.connection)
        self._http = Http(self._dial)

    def close(self) -> None:
        self._http.close()

    # -- requests ---------------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, *, timeout: float | None = None, send: Send | None = None, **parts: Json
    ) -> EngineResponse:
        """Send one request and return the answer; raise EngineError for a status of 300 and above.

        Args:
            send: sends it over a connection of its own, for M(open_stream), whose answers are not read yet.
            parts: further ones of a Request.
        """
        label = f"{method} {path}"
        request = self._to_send(method, path, timeout, **parts)
        with self.told(label):
            answer = self._http.send(request) if send is None else send(self._dial, request)
        _raise_for(answer, label)
        return answer

    def _to_send(self, method: str, path: str, timeout: float | None = None, **parts: Json) -> Request:
        limit = self.connection.timeout if timeout is None else timeout
        return Request(method, f"{self._base}{self._prefix}{path}", limit, **parts)

    def _get_all(self, paths: Sequence[str]) -> Sequence[EngineResponse]:
        """Return the answers to GETs, whatever their status."""
        if not paths:
            return []
        requests = [self._to_send("GET", path) for path in paths]
        with self.told(f"GET {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}"):
            return self._http.send_all(requests)

    @contextmanager
    def told(self, label: str) -> Iterator[None]:
        """Turn what keeps a request from an answer into Unreachable."""
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

    def get(self, path: str, **params: Json) -> Json:
        """Return the JSON answer to a GET."""
        return self.read(self.request("GET", path, params=params), f"GET {path}")

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
