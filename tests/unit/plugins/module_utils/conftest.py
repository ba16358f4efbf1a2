# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of our own transport, and a server that says what a test wants."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine import logs
from ansible_collections.linklab.docker.plugins.module_utils._engine.place import unix
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import EngineResponse, Http, Request
from answering import Server

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A unix socket's path may have 107 bytes at most, and the test's own folder can be longer.
    return tmp_path_factory.mktemp("unix") / "sock"


@pytest.fixture(autouse=True)
def _models_tell_their_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an engine that is a model answer itself where a real one answers with a stream."""
    real = logs.read_log

    def read_log(engine: t.Any, container: str, tail: int) -> bytes:
        return engine.logs(container, tail) if hasattr(engine, "logs") else real(engine, container, tail)

    monkeypatch.setattr(logs, "read_log", read_log)


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    one = Server(path)
    yield one
    one.close()


@pytest.fixture
def send(server: Server, path: Path) -> Iterator[Callable[..., t.Any]]:
    one = Http(unix(str(path)))

    def call(
        method: str = "GET", where: str = "/x", params: t.Any = None, body: t.Any = None, timeout: float = 5
    ) -> t.Any:
        return one.send(Request(method, where, timeout, params, body))

    yield call
    one.close()


@pytest.fixture
def http_(server: Server, path: Path) -> Iterator[Http]:
    one = Http(unix(str(path)))
    yield one
    one.close()


@pytest.fixture
def send_all(http_: Http) -> Callable[..., t.Any]:
    def call(count: int, timeout: float = 5) -> list[EngineResponse]:
        return http_.send_all([Request("GET", f"/{number}", timeout) for number in range(count)])

    return call
