# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ladder: the source first, then helpers of one image after the other."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils import _probe
from ansible_collections.linklab.docker.plugins.module_utils._check_spec import Check
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, NotFound, Refusal, Unreachable
from ansible_collections.linklab.docker.plugins.module_utils._evidence import Evidence, Peer
from ansible_collections.linklab.docker.plugins.module_utils._exec import Output
from ansible_collections.linklab.docker.plugins.module_utils._probe_answer import Listener
from recorded import Recorded

Json = t.Any

GOOD = Output(0, "@hosts\n@resolver\n@name getent 1 2\n10.0.0.1\n@done\n", "")
LACKS = Output(0, "@hosts\n@resolver\n@missing mysql\n@done\n", "")
NO_SHELL = Output(126, 'exec: "sh": executable file not found\r\n', "")
ENDED = Output(137, "@hosts\n@resolver\n", "")
LISTENS = Output(0, "@tcp\n 0: 0100007F:0CEA 00000000:0000 0A 0\n@processes\nsh\n@done\n", "")
LINK_BROKEN = EngineError(500, "Cannot link to a non running container", "POST")
NOT_IN_IMAGE = EngineError(400, "executable file not found", "POST")
STOPPED = EngineError(409, "cannot join network of a non running container", "POST")


def peer(name: str, image: str) -> Peer:
    container = Recorded("20.10").container(name)
    object.__setattr__(container, "raw", {**container.raw, "Image": image})
    object.__setattr__(container, "image", f"name of {image}")
    return Peer(container, container)


def evidence(**options: Json) -> Evidence:
    return Evidence(Check("bridge", "full", **options), peer("bridge", "sha256:s"), peer("full", "sha256:t"))


class Images:
    """The engine, as far as images go."""

    def __init__(self, *there: str, said: str = "") -> None:
        self.there, self.said, self.pulls = there, said, []

    def image(self, ref: str) -> Json:
        if ref not in self.there:
            raise NotFound(404, "no such image", "GET")
        return {}

    def request(self, method: str, path: str, **options: Json) -> Json:
        self.pulls.append((method, path, options["params"]))
        if self.said == "refused":
            raise EngineError(500, "connection refused", "POST")
        return type("Response", (), {"text": self.said})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Json:
    """Let the source and then each helper answer with one of these; return what was run where."""

    def give(*outputs: Output | Exception) -> list[str]:
        left, ran = list(outputs), []

        def answer(where: str) -> Output:
            ran.append(where)
            output = left.pop(0)
            if isinstance(output, Exception):
                raise output
            return output

        monkeypatch.setattr(_probe, "run_in", lambda _engine, _container, _program: answer("source"))
        monkeypatch.setattr(_probe, "run_beside", lambda _engine, _container, image, _program: answer(image))
        return ran

    return give


@pytest.mark.parametrize(
    "outputs, ran, where, missing, failed",
    [
        ([GOOD], ["source"], "source", "", ""),
        ([LACKS, GOOD], ["source", "sha256:t"], "helper", "", ""),
        ([NO_SHELL, LACKS, GOOD], ["source", "sha256:t", "sha256:s"], "helper", "", ""),
        ([LINK_BROKEN, GOOD], ["source", "sha256:t"], "helper", "", ""),
        ([Unreachable("did not end"), NOT_IN_IMAGE, GOOD], ["source", "sha256:t", "sha256:s"], "helper", "", ""),
        ([NO_SHELL, NOT_IN_IMAGE, NOT_IN_IMAGE], ["source", "sha256:t", "sha256:s"], "helper", "shell", ""),
        ([LACKS, LACKS, NO_SHELL], ["source", "sha256:t", "sha256:s"], "helper", "shell", ""),
        ([NO_SHELL, STOPPED, STOPPED], ["source", "sha256:t", "sha256:s"], "helper", "shell", STOPPED.explanation),
        ([ENDED, ENDED, ENDED], ["source", "sha256:t", "sha256:s"], "helper", "", "did not end within 30 seconds"),
    ],
)
def test_the_ladder(outputs, ran, where, missing, failed, answers):  # noqa: PLR0917 - a row of the table
    seen = answers(*outputs)
    answer = _probe.probe(None, evidence(), _probe.Images())
    assert seen == ran
    assert (answer.where, answer.missing) == (where, missing)
    assert failed in answer.failed
    if where == "helper":
        assert answer.image.startswith("name of sha256:")


def test_the_image_that_is_asked_for_and_no_other(answers):
    seen = answers(LACKS, LACKS)
    answer = _probe.probe(Images("tools"), evidence(probe_image="tools"), _probe.Images())
    assert seen == ["source", "tools"]
    assert answer.missing == "mysql"


def test_an_image_that_is_not_there(answers):
    for pull, may, why in (("never", True, "pull: never"), ("missing", False, "check mode")):
        answers(LACKS)
        engine = Images()
        with pytest.raises(Refusal, match=why):
            _probe.probe(engine, evidence(probe_image="tools", pull=pull), _probe.Images(may))
        assert engine.pulls == []


@pytest.mark.parametrize(
    "image, source, tag",
    [
        ("tools", "tools", "latest"),
        ("tools:1", "tools", "1"),
        ("example.org:5000/a/tools", "example.org:5000/a/tools", "latest"),
        ("example.org:5000/a/tools:1", "example.org:5000/a/tools", "1"),
        ("tools@sha256:abc", "tools", "sha256:abc"),
    ],
)
def test_an_image_that_is_pulled(image, source, tag, answers):
    answers(LACKS, GOOD)
    engine, images = Images(said='{"status":"Pulling"}\n\n{"status":"Done"}\n'), _probe.Images()
    _probe.probe(engine, evidence(probe_image=image, pull="missing"), images)
    assert engine.pulls == [("POST", "/images/create", {"fromImage": source, "tag": tag})]
    assert images.pulled == [image]


@pytest.mark.parametrize("said", ["refused", '{"status":"Pulling"}\n{"error":"manifest unknown"}\n'])
def test_an_image_that_cannot_be_pulled(said, answers):
    answers(LACKS)
    with pytest.raises(Refusal, match=r"cannot be pulled: (connection refused|manifest unknown)"):
        _probe.probe(Images(said=said), evidence(probe_image="tools", pull="missing"), _probe.Images())


@pytest.mark.parametrize(
    "outputs, ran, found",
    [
        ([LISTENS], ["source"], True),
        ([NO_SHELL, LISTENS], ["source", "sha256:t"], True),
        ([LINK_BROKEN, NOT_IN_IMAGE, LISTENS], ["source", "sha256:t", "sha256:s"], True),
        ([Unreachable("cut"), NO_SHELL, NO_SHELL], ["source", "sha256:t", "sha256:s"], False),
    ],
)
def test_what_listens_in_the_target(outputs, ran, found, answers):
    seen = answers(*outputs)
    listeners, processes = _probe.see_listeners(None, evidence(), _probe.Images())
    assert listeners == ((Listener("127.0.0.1", 3306),) if found else None)
    # A helper sees its own processes only.
    assert processes == (("sh",) if found and len(outputs) == 1 else ())
    assert seen == ran
