# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run notes before it takes an endpoint away, and what the next one makes of it.

What the engine does is tried on a real one (tests/faults): here it keeps endpoints and containers in dictionaries.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.endpoints import carry_out_endpoints
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    ApplyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
    Unreachable,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Network,
    Subnet,
    Summary,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import AttachState, plan_attach
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Attach,
    Detach,
    Disruption,
    Plan,
    Reattach,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.restorations import (
    Note,
    NotedEndpoint,
    RestoreEndpoints,
    restorations,
    with_restorations,
)
from ansible_collections.linklab.docker.plugins.module_utils._recovery import endpoint_notes
from ansible_collections.linklab.docker.plugins.module_utils._recovery.endpoint_notes import (
    NOTE_LABEL,
    find_notes,
    is_about,
    note_name,
    of_containers,
    read_note,
    read_noted,
    restore_endpoints,
    with_away,
)
from hypothesis import given
from hypothesis import strategies as st
from mortal_client import KilledError
from one_by_one import OneByOne

Json = t.Any

BOX, NET = "b" * 64, "n" * 64
NETWORKS = {"net": {NET}}
OLD = {"Aliases": ["old"], "IPAMConfig": {"IPv4Address": "192.0.2.9"}}
NEW = EndpointSettings(aliases=("new",), ipv4_address="192.0.2.9")


class Model(OneByOne):
    """One container on one network, and whatever is created besides. dies, fails: at this changing request."""

    info = EngineInfo("1.45")

    def __init__(self, dies: int = -1, fails: int = -1) -> None:
        self.endpoint: Json = OLD
        self.notes: dict[str, Json] = {}
        self.image = True
        self.claims: list[Json] = []
        self._number = itertools.count()
        self._dies, self._fails = dies, fails

    def _change(self) -> None:
        number = next(self._number)
        if number == self._dies:
            raise KilledError
        if number == self._fails:
            raise EngineError(500, "fault", "POST /x")

    def container(self, ref: str) -> Json:
        if ref in self.notes:
            body = self.notes[ref]
            config = {"Entrypoint": body["Entrypoint"], "Labels": body["Labels"]}
            return {"Id": ref, "Name": f"/{ref}", "Image": "sha256:1", "State": {"Status": "created"}, "Config": config}
        if ref != BOX:
            raise NotFound(404, "no such container", "GET")
        ends = {"net": {**self.endpoint, "EndpointID": "e", "NetworkID": NET}} if self.endpoint else {}
        return {
            "Id": BOX,
            "Name": "/box",
            "Image": "sha256:1",
            "State": {"Status": "running"},
            "NetworkSettings": {"Networks": ends},
        }

    def containers(self, **filters: list[str]) -> Json:
        assert filters == {"label": [NOTE_LABEL]}
        return [{"Id": ident, "Names": [f"/{ident}"], "Labels": body["Labels"]} for ident, body in self.notes.items()]

    def images_with(self, label: str) -> Json:
        assert label == NOTE_LABEL
        return self.claims

    def networks(self) -> Json:
        return [{"Name": "net", "Id": NET}]

    def create_container(self, name: str, body: Json) -> Json:
        self._change()
        if not self.image:
            raise NotFound(404, "no such image", "POST")
        if name in self.notes:
            raise Conflict(409, "name in use", "POST")
        assert body["Image"] == "sha256:1"
        self.notes[name] = body
        return {"Id": name}

    def remove_container(self, ref: str, *, force: bool = False, volumes: bool) -> None:
        self._change()
        assert volumes and not force
        if self.notes.pop(ref, None) is None:
            raise NotFound(404, "no such container", "DELETE")

    def connect(self, network: str, container: str, settings: Json) -> None:
        self._change()
        assert network in ("net", NET) and container == BOX
        if self.endpoint:
            raise Conflict(403, "already exists", "POST")
        self.endpoint = settings

    def disconnect(self, _network: str, _container: str) -> None:
        self._change()
        self.endpoint = None


def reattach(model: Model, settings: EndpointSettings = NEW) -> None:
    engine = t.cast("Json", model)
    box = find_container(engine, BOX)
    assert box is not None
    action = Reattach("aliases", Disruption.RECONNECT, box, "net", NET, settings, box.endpoints["net"])
    carry_out_endpoints(engine, [action])


def recover(model: Model) -> None:
    """Do what the next run does first."""
    engine = t.cast("Json", model)
    for action in restorations(find_notes(engine, of_containers(["box"]), patience=0)[0]):
        restore_endpoints(engine, action)


def test_a_change_that_nothing_interrupts_leaves_no_note():
    model = Model()
    reattach(model)
    assert model.endpoint == NEW.to_api()
    assert not model.notes


# Note, disconnect, connect, remove the note.
@pytest.mark.parametrize("dies", range(5))
def test_whenever_a_run_is_killed_the_next_one_finds_all_settings(dies):
    model = Model(dies=dies)
    with contextlib.suppress(KilledError):
        reattach(model)
    recover(model)
    assert model.endpoint["IPAMConfig"] == OLD["IPAMConfig"]
    assert model.endpoint["Aliases"] in (["old"], ["new"])
    assert not model.notes


@pytest.mark.parametrize("fails", range(4))
def test_whatever_fails_the_endpoint_is_there_and_no_note(fails):
    model = Model(fails=fails)
    try:
        reattach(model)
    except ApplyError as exc:
        if exc.may_have_changed:
            assert model.endpoint == NEW.to_api()
            assert "is done, but the container with its old settings could not be removed: fault" in str(exc)
        else:
            assert model.endpoint == OLD
            assert "Nothing was changed by that" in str(exc) or "is back" in str(exc)
    recover(model)
    assert not model.notes


def test_a_task_that_gives_all_settings_needs_no_note():
    model = Model(dies=0)
    with pytest.raises(KilledError):
        reattach(model, EndpointSettings(aliases=("new",), ipv4_address="192.0.2.10"))
    assert model.endpoint == OLD, "the first request is the disconnect"


def test_an_image_that_is_gone_keeps_nobody_from_a_change():
    model = Model()
    model.image = False
    reattach(model)
    assert model.endpoint == NEW.to_api()


def test_a_note_that_may_have_been_made_is_taken_back(monkeypatch):
    model = Model()
    made = model.create_container

    def create(name: str, body: Json) -> Json:
        made(name, body)
        raise Unreachable("no answer")

    monkeypatch.setattr(model, "create_container", create)
    with pytest.raises(ApplyError, match=r"could not reattach box on net: no answer\. Nothing was changed by that\."):
        reattach(model)
    assert model.endpoint == OLD
    assert not model.notes


def test_the_note_of_a_dead_run_is_no_hindrance(monkeypatch):
    monkeypatch.setattr(endpoint_notes, "_PATIENCE", 0)
    model = Model(dies=1)
    with pytest.raises(KilledError):
        reattach(model)
    dead = list(model.notes)
    reattach(model)
    assert model.endpoint == NEW.to_api()
    assert len(dead) == 1
    assert list(model.notes) == dead
    recover(model)
    assert not model.notes


def test_a_container_is_seen_with_what_is_away():
    model = Model(dies=2)
    with pytest.raises(KilledError):
        reattach(model)
    engine = t.cast("Json", model)
    box = find_container(engine, BOX)
    assert box is not None and not box.endpoints
    notes, _waited = find_notes(engine, of_containers([BOX[:12]]), patience=0)
    end = with_away(box, notes).endpoints["net"]
    assert end.away
    assert end.settings.ipv4_address == "192.0.2.9"
    assert with_away(box, ()) is box


def test_a_wait_for_a_run_that_was_dead_is_reported():
    ends = tuple(NotedEndpoint(BOX, name, "net", {}) for name in ("box", "another"))
    (warning,) = with_restorations(Plan(), (Note("n", "note", ends, waited=5.1),)).warnings
    assert warning.startswith("waited 5 seconds for another run that may have been changing another, box; it gave no")
    assert with_restorations(Plan(), (Note("n", "note", ends),)).warnings == ()


def test_what_is_noted_of_others_is_theirs():
    model = Model(dies=2)
    with pytest.raises(KilledError):
        reattach(model)
    assert find_notes(t.cast("Json", model), of_containers(["other"]), patience=0) == ((), False)


def test_what_an_image_says_is_no_note_to_act_on():
    model = Model(dies=2)
    with pytest.raises(KilledError):
        reattach(model)
    body = next(iter(model.notes.values()))
    model.claims = [{"Id": "sha256:1", "Labels": body["Labels"]}]
    assert find_notes(t.cast("Json", model), lambda _end: True, patience=0) == ((), False)


def test_a_run_that_is_still_at_work_is_waited_for(monkeypatch):
    model = Model()
    noted(model)
    looks = itertools.count()

    def containers(**_filters: Json) -> Json:
        if next(looks) == 2:
            model.notes.clear()
        return Model.containers(model, label=[NOTE_LABEL])

    monkeypatch.setattr(model, "containers", containers)
    assert find_notes(t.cast("Json", model), of_containers(["box"])) == ((), True)
    assert next(looks) == 3


NOTED = {"container": BOX, "name": "box", "network": "net", "settings": OLD}


def noted(model: Model, **change: Json) -> str:
    """Leave a note as a killed run does; return its name."""
    end = {**NOTED, **change}
    name = note_name([f"{end['container']} {NET}"])
    model.notes[name] = {"Entrypoint": ["none"], "Labels": {NOTE_LABEL: json.dumps([end])}}
    return name


def test_what_somebody_else_saw_to_is_left_alone():
    model = Model()
    model.endpoint = {"Aliases": ["by hand"]}
    noted(model)
    recover(model)
    assert model.endpoint == {"Aliases": ["by hand"]}
    noted(model, container="c" * 64)
    recover(model)
    assert not model.notes


def test_a_network_that_is_gone_is_no_reason_to_fail(monkeypatch):
    model = Model()
    model.endpoint = None
    noted(model)

    def connect(*_given: Json) -> None:
        raise NotFound(404, "no such network", "POST")

    monkeypatch.setattr(model, "connect", connect)
    recover(model)
    assert not model.notes


def test_an_address_that_was_taken_since_is_reported_with_what_to_do():
    model = Model(fails=0)
    model.endpoint = None
    name = noted(model)
    with pytest.raises(LinklabError) as failure:
        recover(model)
    for part in ("box on net", "fault", "192.0.2.9", f"remove the container {name}"):
        assert part in str(failure.value)
    assert model.notes


# -- the judge ---------------------------------------------------------------------------------------------------------


def described(**change: Json) -> Json:
    raw = {
        "Name": f"/{note_name([f'{BOX} {NET}'])}",
        "State": {"Status": "created"},
        "Config": {"Entrypoint": ["none"]},
        "HostConfig": {"NetworkMode": "none"},
    }
    return {**raw, **change}


def read(raw: Json, *ends: Json) -> tuple[Json, ...]:
    return read_note(raw, json.dumps(ends or (NOTED,)), NETWORKS)


def test_a_note_that_a_run_left_is_read():
    (end,) = read(described())
    assert (end.container, end.network, end.settings) == (BOX, "net", OLD)
    # One that another's was in the way of.
    assert read(described(Name=f"{described()['Name']}-0123abcd")) == (end,)
    # Where the network is gone, the name cannot be checked: nothing can be put back then, and the note goes.
    assert read_note(described(), json.dumps([NOTED]), {}) == (end,)


def test_a_note_of_several_endpoints_is_called_after_the_least():
    other = {**NOTED, "container": "c" * 64, "name": "other"}
    assert len(read(described(), other, NOTED)) == 2
    assert read(described(), other) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "/stranger"},
        {"Name": "/linklab-endpoints-"},
        {"Name": "/linklab-endpoints-0123456789ab"},
        {"Name": f"/x{note_name([f'{BOX} {NET}'])}"},
        {"State": {"Status": "running"}},
        {"State": {"Status": "exited"}},
        {"State": {}},
        {"Config": {"Entrypoint": ["sh"]}},
        {"Config": {"Entrypoint": None}},
        {"Config": None},
    ],
    ids=str,
)
def test_a_container_that_does_not_look_like_one_is_no_note(change):
    assert read(described(**change)) == ()


@pytest.mark.parametrize(
    "end",
    [
        {**NOTED, "container": "box"},
        {**NOTED, "container": BOX[:12]},
        {**NOTED, "container": BOX.upper()},
        {**NOTED, "container": 1},
        {**NOTED, "name": ""},
        {**NOTED, "name": ["box"]},
        {**NOTED, "network": None},
        {**NOTED, "settings": []},
        {**NOTED, "more": 1},
        {"container": BOX},
        "x",
        None,
    ],
    ids=str,
)
def test_a_label_that_nobody_writes_is_no_note(end):
    assert read_noted(end) is None
    assert read(described(), NOTED, end) == ()


@given(st.one_of(st.none(), st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_whatever_a_label_says_it_is_no_reason_to_break_off(text):
    assert read_note(described(), text, NETWORKS) == ()


@pytest.mark.parametrize(
    "there, about",
    [
        (None, True),
        ({"Id": BOX, "Name": "/box"}, True),
        ({"Id": BOX, "Name": "/box.linklab-old.0123456789ab.running"}, True),
        ({"Id": BOX, "Name": "/bank"}, False),
        ({"Id": "c" * 64, "Name": "/box"}, False),
    ],
    ids=str,
)
def test_a_note_is_about_the_container_that_it_names(there, about):
    end = read_noted(NOTED)
    assert end is not None
    assert is_about(end, there) is about


# -- plans ------------------------------------------------------------------------------------------------------------


def planned(desired: EndpointSettings | None, **options: Json) -> Plan:
    """Plan for a box whose endpoint is away. wish: None if the task does not name it."""
    box = with_away(ContainerState(BOX, "box", "running"), (NOTE,))
    desired_endpoints = () if desired is None else (DesiredEndpoint("box", desired),)
    spec = AttachSpec("net", None, desired_endpoints, **options)
    others = (Summary(BOX, "box", "running", {}),)
    network = Network(NET, "net", subnets=(Subnet("192.0.2.0/24"),))
    state = AttachState(Model.info, network, {"box": box, BOX: box}, others=others, notes=(NOTE,))
    return plan_attach(spec, state)


NOTE = Note("x" * 64, "linklab-endpoints-1", (NotedEndpoint(BOX, "box", "net", OLD),))


def test_a_task_that_names_it_attaches_it_with_what_it_had():
    attach, restore = planned(EndpointSettings(aliases=("new",))).actions
    assert isinstance(attach, Attach)
    assert attach.settings.aliases == ("new",)
    assert attach.settings.ipv4_address == "192.0.2.9"
    assert isinstance(restore, RestoreEndpoints)
    assert restore.unwanted == frozenset()


@pytest.mark.parametrize(
    "desired, options", [(EndpointSettings(), {"present": False}), (None, {"purge": True})], ids=["absent", "purge"]
)
def test_what_must_not_be_there_is_not_restored(desired, options):
    detach, restore = planned(desired, **options).actions
    assert isinstance(detach, Detach)
    assert isinstance(restore, RestoreEndpoints)
    assert restore.unwanted == {(BOX, "net")}


def test_another_task_puts_it_back_as_it_was():
    (restore,) = planned(None).actions
    assert isinstance(restore, RestoreEndpoints)
    assert "linklab-endpoints-1 has its settings" in restore.text()
