# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ladder: the source first, then helpers of one image after the other."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity import look, probe
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence, Peer
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import Listener
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check, Login
from ansible_collections.linklab.docker.plugins.module_utils._engine.exec import Output
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, Refusal, Unreachable
from pulling import Puller
from recorded import Recorded

Json = t.Any

GOOD = Output(0, "@hosts\n@resolver\n@name getent 1 2\n10.0.0.1\n@done\n", "")
LACKS = Output(0, "@hosts\n@resolver\n@missing mysql\n@done\n", "")
NO_SHELL = Output(126, 'exec: "sh": executable file not found\r\n', "")
ENDED = Output(137, "@hosts\n@resolver\n", "")
LISTENS = Output(
    0, "@tcp\n 0: 0100007F:0CEA 00000000:0000 0A 0\n@unix\n/run/mysqld/mysqld.sock\n@processes\nsh\n@done\n", ""
)
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

        for module in (look, probe):
            monkeypatch.setattr(module, "run_in", lambda _engine, _container, _program: answer("source"))
            monkeypatch.setattr(module, "run_beside", lambda _engine, _container, image, _program: answer(image))
        return ran

    return give


OWN, BOTH = ["sha256:s"], ["sha256:s", "sha256:t"]


@pytest.mark.parametrize(
    "outputs, ran, where, missing, failed",
    [
        ([GOOD], [], "source", "", ""),
        ([LACKS, GOOD], OWN, "helper", "", ""),
        ([NO_SHELL, LACKS, GOOD], BOTH, "helper", "", ""),
        ([LINK_BROKEN, GOOD], OWN, "helper", "", ""),
        ([Unreachable("did not end"), NOT_IN_IMAGE, GOOD], BOTH, "helper", "", ""),
        ([NO_SHELL, NOT_IN_IMAGE, NOT_IN_IMAGE], BOTH, "helper", "shell", ""),
        ([LACKS, LACKS, NO_SHELL], BOTH, "helper", "shell", ""),
        ([NO_SHELL, STOPPED, STOPPED], BOTH, "helper", "shell", STOPPED.explanation),
        ([ENDED, ENDED, ENDED], BOTH, "helper", "", "did not end within 30 seconds"),
    ],
)
def test_the_ladder(outputs, ran, where, missing, failed, answers):  # noqa: PLR0917 - a row of the table
    seen = answers(*outputs)
    answer = probe.probe(None, evidence(protocol="tcp"), probe.ProbeImages())
    assert seen == ["source", *ran]
    assert (answer.where, answer.missing) == (where, missing)
    assert failed in answer.failed
    if where == "helper":
        assert answer.image.startswith("name of sha256:")


def test_a_login_is_given_to_no_image_but_the_sources(answers):
    seen = answers(LACKS, LACKS)
    assert probe.probe(None, evidence(), probe.ProbeImages()).missing == "mysql"
    assert seen == ["source", *OWN]


def test_the_image_that_is_asked_for_and_no_other(answers):
    seen = answers(LACKS, LACKS)
    answer = probe.probe(Puller(there=("tools",)), evidence(probe_image="tools"), probe.ProbeImages())
    assert seen == ["source", "tools"]
    assert answer.missing == "mysql"


def test_an_image_that_is_not_there(answers):
    for pull, may, why in (("never", True, "pull: never"), ("missing", False, "check mode")):
        answers(LACKS)
        engine = Puller()
        with pytest.raises(Refusal, match=why):
            probe.probe(engine, evidence(probe_image="tools", pull=pull), probe.ProbeImages(may))
        assert engine.pulls == []


def test_an_image_that_is_pulled(answers):
    answers(LACKS, GOOD)
    engine, images = Puller('{"status":"Pulling"}', "", '{"status":"Done"}'), probe.ProbeImages()
    probe.probe(engine, evidence(probe_image="tools", pull="missing"), images)
    assert engine.pulls == [("POST", "/images/create", {"fromImage": "tools:latest"})]
    assert images.pulled == ["tools"]


def test_an_image_that_cannot_be_pulled(answers):
    answers(LACKS)
    engine = Puller('{"error":"manifest unknown"}')
    with pytest.raises(Refusal, match="cannot be pulled: manifest unknown"):
        probe.probe(engine, evidence(probe_image="tools", pull="missing"), probe.ProbeImages())


def login_answer(*lines: str) -> Output:
    return Output(0, "\n".join(["@hosts", "@resolver", *lines, "@end 1 1 2", "@done", ""]), "")


TWO = ("@name getent 1 2", "fd00::1", "10.0.0.1", "@mysql mysql")
REFUSED = login_answer(*TWO, "ERROR 2003 (HY000): Can't connect to MySQL server on 'fd00::1:3306' (111)")
DENIED = login_answer(*TWO, "ERROR 1045 (28000): Access denied")
ROW = "1\t9.7\thost\troot@%"


def test_each_address_of_a_login_is_tried(answers):
    seen = answers(REFUSED, login_answer("@name literal 1 2", "10.0.0.1", "@mysql mysql", ROW))
    answer = probe.probe(None, evidence(), probe.ProbeImages())
    assert seen == ["source", "source"]
    assert answer.addresses == ("fd00::1", "10.0.0.1")
    assert answer.session.row


@pytest.mark.parametrize(
    "mode, second, runs, needs",
    [
        ("disabled", login_answer(*TWO, ROW), 2, True),
        ("disabled", DENIED, 2, False),
        ("preferred", None, 1, False),
    ],
)
def test_a_login_that_is_refused_without_tls_is_tried_with_it(mode, second, runs, needs, answers):
    seen = answers(DENIED, second)
    answer = probe.probe(None, evidence(login=Login(ssl_mode=mode)), probe.ProbeImages())
    assert len(seen) == runs
    assert answer.needs_tls == needs
    assert answer.session.error == 1045


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
    looked = probe.see_listeners(None, evidence(), probe.ProbeImages())
    assert looked.listeners == ((Listener("127.0.0.1", 3306),) if found else None)
    assert looked.sockets == (("/run/mysqld/mysqld.sock",) if found else ())
    # A helper sees its own processes only.
    assert looked.processes == (("sh",) if found and len(outputs) == 1 else ())
    assert seen == ran
