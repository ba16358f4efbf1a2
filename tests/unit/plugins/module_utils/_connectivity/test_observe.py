# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the engine for a diagnosis: recorded answers, given by name."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity import observe as gather
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe import ProbeImages
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import (
    Connect,
    Listener,
    ProbeAnswer,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, NotFound
from one_by_one import OneByOne
from recorded import ENGINES, Recorded

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence

Json = t.Any


class Answers(OneByOne):
    """Gives the recorded answers of an engine, and notes what was asked for."""

    def __init__(self, engine: str = "20.10") -> None:
        self.recorded = Recorded(engine)
        self.info = self.recorded.info
        self.asked: list[str] = []
        self.log: bytes | None = b""

    def container(self, ref: str) -> Json:
        self.asked.append(f"container {ref}")
        for raw in self.recorded.raw["containers"].values():
            if ref in (raw["Id"], raw["Name"].lstrip("/")):
                return raw
        raise NotFound(404, "no such container", "GET")

    def containers(self, **filters: Json) -> Json:
        self.asked.append(f"containers {filters}")
        wanted = filters.get("id")
        return [one for one in self.recorded.raw["list"] if wanted is None or one["Id"] in wanted]

    def network(self, ref: str) -> Json:
        self.asked.append(f"network {ref}")
        return self.recorded.raw["networks"][ref]

    def logs(self, _ref: str, tail: int) -> bytes:
        self.asked.append(f"logs {tail}")
        if self.log is None:
            raise EngineError(501, "configured logging driver does not support reading", "GET")
        return self.log

    def get(self, path: str, **_params: Json) -> Json:
        self.asked.append(path)
        return {"Titles": ["PID", "COMMAND"], "Processes": [["1", "mysqld"]]}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Answers:
    return Answers(request.param)


def test_two_reads_for_a_plain_pair(engine):
    evidence = gather.observe(engine, Check("full", "exited"))
    assert engine.asked == ["container full", "container exited"]
    assert [peer.name for peer in evidence.ends] == ["full", "exited"]
    assert not any(peer.borrowed for peer in evidence.ends)


def test_a_container_that_is_missing(engine):
    assert gather.observe(engine, Check("nobody", "full")).source is None


def test_whose_network_it_is(engine):
    evidence = gather.observe(engine, Check("shares", "full"))
    assert evidence.ends[0].borrowed
    assert evidence.ends[0].owner.name == "bridge"


def test_the_list_is_read_for_a_legacy_link(engine):
    evidence = gather.observe(engine, Check("linked", "target"))
    assert len(engine.asked) == 3
    assert {"target", "linked/db", "linked/target"} == set(evidence.link_names)


def pair(engine: Answers, source: str = "full", target: str = "exited") -> Evidence:
    return gather.observe(engine, Check(source, target))


def frame(kind: int, text: str) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(text).to_bytes(4, "big") + text.encode()


def test_the_end_of_a_log(engine):
    engine.log = frame(1, "ready\n") + frame(2, "GENERATED ROOT PASSWORD: Xyz\n") + b"\1\0\0"
    evidence = gather.enrich(engine, pair(engine), "target", ProbeImages())
    assert evidence.log == "ready\nGENERATED ROOT PASSWORD: ********\n"
    engine.log = None
    assert gather.enrich(engine, pair(engine), "target", ProbeImages()).log == ""


def test_the_names_of_all_for_a_near_match(engine):
    assert "linked" in gather.enrich(engine, pair(engine, target="ful"), "target", ProbeImages()).known


def test_networks_of_both(engine):
    assert set(gather.enrich(engine, pair(engine, "full", "bridge"), "path", ProbeImages()).networks) == {
        "bridge",
        "internal",
        "net",
    }


def test_who_else_is_there(engine):
    others = gather.enrich(engine, pair(engine, "bridge", "target"), "name", ProbeImages()).others
    assert "linked" in {one.name for one in others}
    assert not {"bridge", "target", "full"} & {one.name for one in others}


def see(listener: Listener, *processes: str) -> Callable[..., Evidence]:
    """Return what sees one socket that listens, and processes."""
    return lambda _engine, evidence, _images: replace(evidence, listeners=(listener,), processes=processes)


def test_what_listens_and_runs(engine, monkeypatch):
    for inside, processes in (((), ("mysqld",)), (("sh", "nginx"), ("sh", "nginx"))):
        monkeypatch.setattr(gather, "see_listeners", see(Listener("::", 1), *inside))
        before = replace(pair(engine), answer=ProbeAnswer(addresses=("10.94.200.7",)))
        evidence = gather.enrich(engine, before, "tcp", ProbeImages())
        assert evidence.listeners == (Listener("::", 1),)
        assert evidence.processes == processes


REFUSED = ProbeAnswer(addresses=("10.94.200.7",), connects=(Connect("10.94.200.7", "refused"),))
MADE = ProbeAnswer(addresses=("10.94.200.7",), connects=(Connect("10.94.200.7"),))


@pytest.mark.parametrize(
    "address, answers, found",
    [
        ("10.94.200.7", [MADE], (False, None)),  # it had not listened yet
        ("10.94.200.7", [REFUSED], (True, None)),
        ("::", [REFUSED, MADE], (True, True)),
        ("::", [REFUSED, REFUSED], (True, False)),
        ("127.0.0.1", [], (False, None)),
    ],
)
def test_a_port_that_listens_and_refuses_is_tried_again(monkeypatch, address, answers, found):
    engine, sources, answers = Answers(), [], [*answers]

    def probe(_engine: Json, evidence: Evidence, _images: Json) -> ProbeAnswer:
        sources.append(evidence.source)
        return answers.pop(0)

    monkeypatch.setattr(gather, "probe", probe)
    monkeypatch.setattr(gather, "see_listeners", see(Listener(address, 3306), "sh"))
    before = replace(pair(engine), answer=REFUSED)
    evidence = gather.enrich(engine, before, "tcp", ProbeImages())
    assert not answers
    assert (evidence.refused_again, evidence.inside) == found
    # The last look is from inside the target.
    assert sources == [before.source, before.target][: len(sources)]


def test_nothing_more_is_read_for_a_login(engine):
    before = pair(engine)
    assert gather.enrich(engine, before, "login", ProbeImages()) is before
