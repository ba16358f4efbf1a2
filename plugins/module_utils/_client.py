# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Engine API: connection, versions, requests, and errors as types.

The Docker SDK for Python brings the transport for TCP with TLS; unix sockets and SSH need none. The requests are made
here, by the paths of the Engine API, since the SDK's methods lack fields that this collection needs, such as
C(GwPriority).
"""

from __future__ import annotations

import http.client
import json
import threading
import typing as t
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from urllib.parse import quote

from ansible_collections.linklab.docker.plugins.module_utils._engine_info import (
    MINIMUM_API,
    EngineInfo,
    parse_api_version,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    Conflict,
    EngineError,
    NotFound,
    Unreachable,
)
from ansible_collections.linklab.docker.plugins.module_utils._http import Answer, Http, Request, Stream, unix
from ansible_collections.linklab.docker.plugins.module_utils._mask import mask
from ansible_collections.linklab.docker.plugins.module_utils._podman import is_podman, with_endpoint_ids, with_own_name

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from docker import APIClient
    from requests import Response

DEFAULT_HOST = "unix:///var/run/docker.sock"
_STATUS_ERRORS: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
# The engine sends a path with C(..) in it elsewhere. Nothing has such a name.
_ELSEWHERE = (301, 302, 307, 308)

# Engines can lose count of a network's endpoints while several containers leave it at the same moment, and then refuse
# to remove it, "has active endpoints", until they are started anew. Seen on 20.10 with 8 at once; 26.1 counts well.
_COUNTS_ENDPOINTS_WELL = "1.45"
_disconnects, _stops = threading.BoundedSemaphore(1), threading.BoundedSemaphore(2)

Json = t.Any


@dataclass(frozen=True)
class Connection:
    """How to reach an engine, in the words that Docker modules share."""

    docker_host: str = DEFAULT_HOST
    api_version: str = "auto"
    timeout: int = 60
    tls: bool = False
    validate_certs: bool = False
    tls_hostname: str | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def tls_config(self) -> Json:
        """Return the SDK's TLS settings, or None for a connection without TLS."""
        if not (self.tls or self.validate_certs):
            return None
        from ansible_collections.linklab.docker.plugins.module_utils._tls import check_files

        check_files({"ca_path": self.ca_path, "client_cert": self.client_cert, "client_key": self.client_key})
        from ansible_collections.linklab.docker.plugins.module_utils._sdk import tls_config

        return tls_config(self)


class Engine:
    """One connection to an engine. Not for use by several threads: see M(clone)."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        wanted = connection.api_version
        if wanted != "auto":
            parse_api_version(wanted)
        self._open()
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
        if not (isinstance(found, dict) and "ApiVersion" in found):
            raise self._no_engine("its answer has no ApiVersion")
        return found

    def clone(self) -> Engine:
        """Return a second connection to the same engine, for another thread. Costs no request."""
        other = object.__new__(Engine)
        other.connection = replace(self.connection)
        other._open()
        other._prefix, other.info = self._prefix, self.info
        return other

    def _open(self) -> None:
        host = self.connection.docker_host
        self._sdk: APIClient | None = None
        self._http: Http | None = None
        if host.startswith("unix:///"):
            self._http = Http(unix(host[len("unix://") :]))
        elif host.startswith("ssh://"):
            from ansible_collections.linklab.docker.plugins.module_utils._ssh import SshPlace

            self._http = Http(SshPlace.parse(host).dial)

    @property
    def sdk(self) -> APIClient:
        """The SDK's client, for its transport alone. It is loaded where it is needed, since that takes its time."""
        if self._sdk is None:
            from ansible_collections.linklab.docker.plugins.module_utils._sdk import open_sdk

            self._sdk = open_sdk(self.connection)
        return self._sdk

    def close(self) -> None:
        for transport in (self._sdk, self._http):
            if transport is not None:
                transport.close()

    # -- requests ---------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Json] | None = None,
        body: Json = None,
        data: Json = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        timeout: float | None = None,
    ) -> Response:
        """Send one request and return the response; raise EngineError for a status of 400 and above."""
        label = f"{method} {path}"
        limit = self.connection.timeout if timeout is None else timeout
        request = Request(method, f"{self._prefix}{path}", limit, params, body, data, headers)
        with self._told(label):
            response = self._by_sdk(request, stream) if self._http is None else _by_http(self._http, request, stream)
        _raise_for(response, label)
        return response

    def _get_all(self, paths: Sequence[str]) -> Sequence[Response]:
        """Return the responses to GETs, whatever their status: at once where the transport can."""
        if not paths:
            return []
        requests = [Request("GET", f"{self._prefix}{path}", self.connection.timeout) for path in paths]
        with self._told(f"GET {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}"):
            if self._http is None:
                return [self._by_sdk(request, stream=False) for request in requests]
            return t.cast("list[Response]", self._http.send_all(requests))

    @contextmanager
    def _told(self, label: str) -> Iterator[None]:
        try:
            yield
        # The exceptions of requests, which may not be there, are OSErrors.
        except (OSError, http.client.HTTPException) as exc:
            raise self._unreachable(exc, label) from exc

    # Neither is loaded before it is needed: most tasks find the engine.
    def _unreachable(self, exc: BaseException, label: str) -> Unreachable:
        from ansible_collections.linklab.docker.plugins.module_utils._unreachable import why_unreachable

        return Unreachable(why_unreachable(exc, self.connection.docker_host, self.connection.timeout, label))

    def _no_engine(self, answer: str) -> Unreachable:
        from ansible_collections.linklab.docker.plugins.module_utils._unreachable import no_engine

        return Unreachable(no_engine(self.connection.docker_host, answer))

    def _by_sdk(self, request: Request, stream: bool) -> Response:
        return self.sdk.request(
            request.method,
            f"{self.sdk.base_url}{request.path}",
            params=dict(request.params) if request.params else None,
            json=request.body,
            data=request.data,
            headers=dict(request.headers) if request.headers else None,
            stream=stream,
            timeout=request.timeout,
            # Said with each request: else REQUESTS_CA_BUNDLE and the like in the environment win over ca_path.
            verify=self.sdk.verify,
        )

    def upgrade(self, path: str, params: Mapping[str, Json] | None = None, body: Json = None) -> Json:
        """POST, and return the HTTP response under which the engine hands the connection over.

        What then goes both ways is no HTTP; see C(_exec), which knows where the response has its socket.
        """
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        return self.request("POST", path, params=params, body=body, headers=headers, stream=True).raw

    def get(self, path: str, **params: Json) -> Json:
        """Return the JSON answer to a GET."""
        return self._json(self.request("GET", path, params=params), f"GET {path}")

    def post(self, path: str, body: Json = None, **params: Json) -> Json:
        """Return the JSON answer to a POST, or None where the engine has nothing to say."""
        response = self.request("POST", path, params=params, body=body)
        return self._json(response, f"POST {path}") if response.content else None

    def _json(self, response: Response, label: str) -> Json:
        try:
            return response.json()
        except ValueError as exc:
            raise self._no_engine(f"its answer to {label} is no JSON") from exc

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
        for ref, response in zip(wanted, self._get_all([_inspect(ref) for ref in wanted])):
            with suppress(NotFound):
                found[ref] = self._described(ref, response)
        return found

    def _described(self, ref: str, response: Response) -> Json:
        label = f"GET {_inspect(ref)}"
        _raise_for(response, label)
        found = self._json(response, label)
        if not _same_thing(ref, found["Id"], found["Name"].lstrip("/")):
            raise NotFound(404, f"No such container: {ref}", label)
        if self.info.podman:
            with_endpoint_ids((found["NetworkSettings"].get("Networks") or {}).values())
        return found

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
        found = self.get(f"/networks/{quote(ref, safe='')}")
        if not _same_thing(ref, found["Id"], found["Name"]):
            raise NotFound(404, f"network {ref} not found", f"GET /networks/{ref}")
        if self.info.podman:
            with_endpoint_ids((found.get("Containers") or {}).values())
        return found

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
            self.order(f"/containers/{container}/stop", timeout=self.connection.timeout + grace, t=str(grace))

    def rename(self, container: str, name: str) -> None:
        self.order(f"/containers/{container}/rename", name=name)

    def remove_container(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container; I(volumes) takes its anonymous volumes with it."""
        self.delete(f"/containers/{container}", force=str(force).lower(), v=str(volumes).lower())

    def remove_link(self, container: str, alias: str) -> None:
        """Remove a legacy link of a container; its processes keep running."""
        self.delete(f"/containers/{quote(container, safe='')}/{quote(alias, safe='')}", link="1")

    def logs(self, container: str, tail: int = 10) -> bytes:
        """Return the raw stream of the last I(tail) lines: plain for a container with a terminal, else in frames."""
        response = self.request(
            "GET", f"/containers/{container}/logs", params={"stdout": "1", "stderr": "1", "tail": str(tail)}
        )
        return response.content


def _by_http(transport: Http, request: Request, stream: bool) -> Response:
    if not stream:
        return t.cast("Response", transport.send(request))
    response = transport.open(request)
    return t.cast("Response", response if isinstance(response, Answer) else Stream(response))


def _raise_for(response: Response | Answer, label: str) -> None:
    if response.status_code in _ELSEWHERE:
        raise NotFound(404, "nothing can have this name", label)
    if response.status_code >= 400:
        kind = _STATUS_ERRORS.get(response.status_code, EngineError)
        raise kind(response.status_code, _explanation(response), label)


def _explanation(response: Response | Answer) -> str:
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = response.text
    return mask(str(message).strip()) or str(response.reason)


def _inspect(ref: str) -> str:
    return f"/containers/{quote(ref, safe='')}/json"


def _same_thing(ref: str, ident: str, name: str) -> bool:
    """The engine also takes the beginning of an ID, so a mistyped name could hit something else by accident."""
    return ref in (name, ident) or (len(ref) >= 12 and ident.startswith(ref))
