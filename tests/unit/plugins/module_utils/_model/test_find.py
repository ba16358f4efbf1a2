# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found on an engine, by recorded answers that a server plays back."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model import find
from ansible_collections.linklab.docker.plugins.module_utils._model.find import (
    all_summaries,
    find_container,
    find_network,
    same_name,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    read_summary,
)
from recorded import ENGINES, Recorded, playback


@pytest.fixture(params=ENGINES)
def answers(request: pytest.FixtureRequest) -> Recorded:
    return Recorded(request.param)


@pytest.fixture
def ask(answers: Recorded, tmp_path_factory: pytest.TempPathFactory) -> t.Callable[..., t.ContextManager[t.Any]]:
    """Play recorded answers back: all of them, and others where the test gives them."""
    # A unix socket's path may have 107 bytes at most, and the test's own folder can be longer.
    socket = tmp_path_factory.mktemp("playback") / "sock"
    return lambda **others: playback(socket, answers.raw["version"], {**answers.by_path(), **others.get("others", {})})


def test_what_is_there_is_found_and_what_is_not_is_none(ask, answers):
    with ask() as engine:
        assert engine.info == answers.info
        assert find_container(engine, "full") == answers.container("full")
        assert find_container(engine, "nobody") is None
        assert find_network(engine, "net") == answers.network("net")
        assert find_network(engine, "nowhere") is None
        assert all_summaries(engine) == tuple(map(read_summary, answers.raw["list"]))
        assert same_name(engine, "net") == [answers.network("net").id]


def test_what_the_engine_finds_by_the_beginning_of_an_id_is_not_meant(ask, answers):
    full, net = answers.raw["containers"]["full"], answers.raw["networks"]["net"]
    others = {f"/containers/{full['Id'][:6]}/json": full, f"/networks/{net['Id'][:6]}": net}
    with ask(others=others) as engine:
        assert find_container(engine, full["Id"][:6]) is None
        assert find_network(engine, net["Id"][:6]) is None


def test_networks_of_one_name_are_refused_with_their_ids_oldest_first(ask, monkeypatch):
    monkeypatch.setattr(find, "AGREE_SECONDS", 0.1)
    twins = [{"Id": key * 64, "Name": "twin", "Created": time} for key, time in (("b", "2026-02"), ("a", "2026-03"))]
    others = {"/networks/twin": (400, {"message": "network twin is ambiguous"}), "/networks": twins}
    with ask(others=others) as engine:
        assert same_name(engine, "twin") == ["b" * 64, "a" * 64]
        with pytest.raises(Refusal, match=f"2 networks are named twin: {'b' * 12}, {'a' * 12}. Remove all but one"):
            find_network(engine, "twin")


def test_another_error_of_the_engine_is_not_hidden(ask):
    with (
        ask(others={"/networks/net": (500, {"message": "broken"})}) as engine,
        pytest.raises(EngineError, match="broken"),
    ):
        find_network(engine, "net")
