# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real engines answered, word for word, but without the fields that nothing here reads.

The containers are: C(target), C(bridge) and C(phantom) on the default bridge, the last with a failed connect to
C(net); C(linked) with legacy links to C(target); C(full) on C(net) with all settings, and on C(internal);
C(created) and C(exited) on C(net); C(host), C(none) and C(shares) with the network modes of these names.
"""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
import typing as t
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Network,
    read_container,
    read_network,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).resolve().parents[1] / "unit/plugins/module_utils/recorded"
ENGINES = ("20.10", "28")


class Recorded:
    """The answers of one engine."""

    def __init__(self, engine: str) -> None:
        self.raw: dict[str, t.Any] = json.loads((FOLDER / f"engine_{engine}.json").read_text(encoding="utf-8"))
        version = self.raw["version"]
        self.info = EngineInfo(version["ApiVersion"], version["Version"], version["ApiVersion"])

    def container(self, name: str) -> ContainerState:
        return read_container(self.raw["containers"][name], self.info)

    def network(self, name: str) -> Network:
        return read_network(self.raw["networks"][name])

    def by_path(self) -> dict[str, t.Any]:
        """Return the answers by the paths of the requests, by name and by ID."""
        kinds = {"/containers/{}/json": self.raw["containers"], "/networks/{}": self.raw["networks"]}
        return {
            **{
                path.format(key): raw
                for path, things in kinds.items()
                for name, raw in things.items()
                for key in (name, raw["Id"])
            },
            "/containers/json": self.raw["list"],
            "/images/json": [],
            "/networks": [{**raw, "Containers": {}} for raw in self.raw["networks"].values()],
        }


@contextmanager
def playback(socket: Path, version: Mapping[str, t.Any], answers: Mapping[str, t.Any]) -> Iterator[Engine]:
    """Yield a client of a server that plays answers back.

    Args:
        socket: where the server must listen.
        version: the answer to C(/version).
        answers: path, without version and query, to the answer; or to status and answer; all else is answered with 404.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].removeprefix(f"/v{version['ApiVersion']}")
            found = version if path == "/version" else answers.get(path, (404, {"message": f"nothing at {path}"}))
            status, content = found if isinstance(found, tuple) else (200, found)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: t.Any) -> None:
            """Say nothing."""

    with socketserver.ThreadingUnixStreamServer(str(socket), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        engine = Engine(Connection(f"unix://{socket}"))
        yield engine
        engine.close()
        server.shutdown()
