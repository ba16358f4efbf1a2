# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No helper stays behind without a word: an engine that is slow to remove one, or cannot do it."""

from __future__ import annotations

import secrets
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.bridge_address import same_address
from ansible_collections.linklab.docker.plugins.module_utils._engine import exec as engine_exec
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from socket_proxy import FAULT_TEXT, Fault

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from socket_proxy import Request, SocketProxy

Json = t.Any


@pytest.fixture
def client(lab: Json, proxy: SocketProxy) -> Iterator[Engine]:
    """A client of the engine behind the proxy."""
    one = Engine(replace(lab.engine.connection, docker_host=proxy.url))
    yield one
    one.close()


@pytest.fixture
def helper(lab: Json, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A helper that never started, with a label of its own: nobody else's are touched."""
    monkeypatch.setattr(engine_exec, "HELPER_LABEL", f"{engine_exec.HELPER_LABEL}.{lab.prefix}")
    box = lab.inspect(lab.run("box"))
    body = {
        "Image": box["Image"],
        "Entrypoint": ["sh"],
        "Labels": {engine_exec.HELPER_LABEL: box["Id"]},
        "HostConfig": {"AutoRemove": True},
    }
    name = f"linklab-helper-{secrets.token_hex(6)}"
    lab.engine.create_container(name, body)
    yield name
    if is_there(lab, name):
        lab.engine.remove_container(name, force=True)


def is_there(lab: Json, name: str) -> bool:
    return bool(lab.engine.containers(name=[f"^/{name}$"]))


def refuse_removals(status: int, times: int = 1000) -> Callable[[Request], Fault | None]:
    """Let the engine not remove any helper, so many times."""
    left = [times]

    def decide(request: Request) -> Fault | None:
        if request.method != "DELETE" or not left[0]:
            return None
        left[0] -= 1
        return Fault("error", status=status)

    return decide


@pytest.mark.parametrize("status", [409, 500])
def test_a_removal_that_fails_for_a_while_is_tried_again(status, lab, proxy, client, helper):
    proxy.fault = refuse_removals(status, times=3)
    engine_exec.remove_helper(client, helper)
    assert not is_there(lab, helper)


@pytest.mark.parametrize("status", [409, 500])
def test_a_helper_that_stays_is_not_passed_over(status, proxy, client, helper, monkeypatch):
    monkeypatch.setattr(engine_exec, "_REMOVAL_SECONDS", 0.5)
    proxy.fault = refuse_removals(status)
    with pytest.raises(EngineError, match=FAULT_TEXT):
        engine_exec.remove_helper(client, helper)


def test_an_abandoned_helper_that_stays_hinders_no_task(lab, proxy, client, helper, monkeypatch):
    monkeypatch.setattr(engine_exec, "_ABANDONED_SECONDS", -1)
    proxy.fault = refuse_removals(500)
    engine_exec.remove_abandoned(client)
    assert is_there(lab, helper)
    engine_exec.remove_abandoned(lab.engine)
    assert not is_there(lab, helper)


def test_a_helper_that_holds_an_address_and_stays_is_reported(lab, proxy, client, monkeypatch):
    monkeypatch.setattr(engine_exec, "_REMOVAL_SECONDS", 0.5)
    # Their addresses are free once they are gone, and lower than that of the last.
    lower = [lab.run(f"lower{number}") for number in range(3)]
    box = lab.run("box")
    for name in lower:
        lab.engine.remove_container(name, force=True)
    container = find_container(lab.engine, box)
    proxy.fault = refuse_removals(500)
    with same_address(client, container, [container.raw["Image"]]) as notes:
        assert not notes
    held = lab.engine.containers(label=[f"{engine_exec.HELPER_LABEL}={container.id}"])
    for one in held:
        lab.engine.remove_container(one["Id"], force=True)
    names = sorted(one["Names"][0].lstrip("/") for one in held)
    assert names
    assert all(any(name in note and FAULT_TEXT in note for note in notes) for name in names), notes
