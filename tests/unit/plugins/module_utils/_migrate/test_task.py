# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""link_migrate from its options to its result, on a model of the engine in which any request can fail."""

from __future__ import annotations

import typing as t
from contextlib import suppress

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._migrate import apply as migrate_apply
from ansible_collections.linklab.docker.plugins.module_utils._migrate import exchange
from ansible_collections.linklab.docker.plugins.module_utils._migrate import task as migrate_task
from ansible_collections.linklab.docker.plugins.module_utils._migrate.proof import (
    Name,
    Proof,
    lowest_port,
    proof_result,
)
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MIGRATE_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState
from ansible_collections.linklab.docker.plugins.module_utils._module import common
from ansible_collections.linklab.docker.plugins.module_utils._module import task as module_task
from linked_engine import KilledError, LinkedEngine, in_this_process

Json = t.Any

UTILS = "ansible_collections.linklab.docker.plugins.module_utils"
WAYS: dict[str, Json] = {
    "redirect": {},
    "leave": {"leave_bridge": True},
    "gap": {"name_gap": "allowed"},
    "gap-leave": {"name_gap": "allowed", "leave_bridge": True},
}
# Enough for any way of the chain.
MOST_STEPS = 40


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> LinkedEngine:
    """A chain: front finds middle as m, middle finds back as b, and both find back as db."""
    one = LinkedEngine()
    for name, links in (("back", []), ("middle", ["back:b", "back:db"]), ("front", ["middle:m", "back:db"])):
        one.create_container(name, {"Image": "box", "HostConfig": {"Links": links}})
        one.start(name)
    one.acted = 0
    monkeypatch.setattr(f"{UTILS}._module.task.Engine", lambda _connection: one)
    monkeypatch.setattr(f"{UTILS}._apply.hosts.run_in", one.write)
    monkeypatch.setattr(exchange, "in_own_process", in_this_process)
    monkeypatch.setattr(exchange, "TRY_SECONDS", 0)
    monkeypatch.setattr(exchange, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(migrate_apply, "CACHED_SECONDS", 0)
    monkeypatch.setattr(migrate_apply, "refuse_lost_names", lambda *_arguments, **_options: None)
    monkeypatch.setattr(migrate_task, "prove", lambda _engine, name: proof_of(one, name))
    monkeypatch.setattr(f"{UTILS}._recovery.journal._PATIENCE", 0)
    monkeypatch.setattr(f"{UTILS}._recovery.endpoint_notes._PATIENCE", 0)
    return one


def proof_of(engine: LinkedEngine, name: Name) -> Proof:
    found = engine.resolve(name.source.name, name.alias)
    return Proof(name, found == name.target.name, None, "192.0.2.1", f"{name.alias} leads to {found or 'nothing'}")


def migrate(check: bool = False, **params: Json) -> Json:
    options = {**common.CONNECTION_OPTIONS, **MIGRATE_OPTIONS, **module_task.DISRUPTION_OPTION}
    given = {**{name: option.get("default") for name, option in options.items()}, **params}
    warnings: list[str] = []
    result = module_task.converge(given, migrate_task.MigrateTask().task(), check_mode=check, warn=warnings.append)
    return {**result, "warnings": warnings}


def names_lead_home(engine: LinkedEngine) -> bool:
    wanted = {("front", "m"): "middle", ("front", "db"): "back", ("middle", "b"): "back", ("middle", "db"): "back"}
    return all(engine.resolve(source, name) == target for (source, name), target in wanted.items())


def networks(engine: LinkedEngine, name: str) -> set[str]:
    return set(engine.container(name)["NetworkSettings"]["Networks"])


@pytest.mark.parametrize("way", WAYS)
def test_all_links_go_and_the_names_stay(engine, way):
    before = engine.changes
    planned = migrate(check=True, **WAYS[way])
    assert engine.changes == before

    done = migrate(**WAYS[way])

    assert done["actions"] == planned["actions"]
    assert engine.links == {}
    assert names_lead_home(engine)
    assert not engine.lost
    for name in ("front", "middle", "back"):
        assert networks(engine, name) == ({"links-back"} if "leave" in way else {"bridge", "links-back"})
        # Not a line is left that an address was lost of.
        ends = engine.container(name)["NetworkSettings"]["Networks"].values()
        lines = engine.hosts[engine.container(name)["Id"]].splitlines()
        assert {line.split()[0] for line in lines if line.strip()} == {"127.0.0.1", *(end["IPAddress"] for end in ends)}
    assert {one["gap_ms"] is not None for one in done["names"]} == {True}
    assert not migrate(**WAYS[way])["changed"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(MOST_STEPS))
def test_whatever_fails_the_names_lead_home_and_the_next_run_finishes(engine, way, number):
    engine.fail_at = number
    try:
        migrate(**WAYS[way])
    except LinklabError as exc:
        assert "fault made by the test" in str(exc)
        assert names_lead_home(engine), exc
    engine.fail_at = -1
    # As after a restart of everything: what is not moved is as it was.
    for name in ("back", "middle", "front"):
        engine.stop(name)
    for name in ("back", "middle", "front"):
        engine.start(name)
    if "gap" not in way:
        assert names_lead_home(engine)

    migrate(**WAYS[way])

    assert engine.links == {}
    assert not migrate(**WAYS[way])["changed"]
    if "gap" not in way:
        assert names_lead_home(engine)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(MOST_STEPS))
def test_wherever_a_run_is_killed_the_next_one_finishes(engine, way, number):
    """Also within an exchange, where the links are gone already."""
    engine.die_at = number
    with suppress(KilledError):
        migrate(**WAYS[way])
    engine.die_at = -1

    migrate(**WAYS[way])

    assert engine.links == {}
    assert names_lead_home(engine)
    assert not migrate(**WAYS[way])["changed"]
    assert {raw["Name"].lstrip("/") for raw in engine.raw.values()} == {"front", "middle", "back"}


def test_a_source_alone_stays_behind_as_it_was(engine):
    """The links of the front are gone when those of the middle cannot be removed."""
    original = engine.remove_link

    def refuse(container: str, alias: str) -> None:
        if container == "middle":
            raise ApplyError("not this one")
        original(container, alias)

    engine.remove_link = refuse
    with pytest.raises(ApplyError, match=r"could not remove links b, db of middle: not this one\."):
        migrate()
    assert networks(engine, "front") == {"bridge", "links-back"}
    # It is also what the front moved to, so it stays on the network.
    assert networks(engine, "middle") == {"bridge", "links-back"}
    assert names_lead_home(engine)


@pytest.mark.parametrize("params", [{}, {"network": "own", "create": {}}])
def test_what_was_undone_is_not_returned_as_done(engine, params):
    def refuse(_container: str, _alias: str) -> None:
        raise ApplyError("it restarts")

    engine.remove_link = refuse
    with pytest.raises(ApplyError, match="1 was made and stays") as caught:
        migrate(**params)
    assert [action.name for action in caught.value.done] == ["create_network"]
    assert networks(engine, "front") == {"bridge"}


def test_check_mode_says_why_no_name_was_tried(engine):
    assert {one["msg"] for one in migrate(check=True)["names"]} == {
        "not tried, since check mode changes nothing that could be tried"
    }


def test_names_that_lead_elsewhere_in_the_end_are_a_failure(engine, monkeypatch):
    monkeypatch.setattr(
        migrate_task, "prove", lambda _engine, name: Proof(name, False, None, "", f"{name.alias} is lost")
    )
    with pytest.raises(ApplyError, match=r"not all names lead where they led: .*db is lost"):
        migrate()


def test_a_source_that_ends_before_its_hosts_file_is_written_has_a_shell(engine, monkeypatch):
    monkeypatch.setattr(f"{UTILS}._apply.hosts.run_in", lambda *_arguments, **_options: engine.stop("front"))
    monkeypatch.setattr(f"{UTILS}._apply.hosts.run_beside", lambda *_arguments, **_options: None)
    with pytest.raises(ApplyError, match=r"could not redirect names .* of front: it ended or restarted meanwhile"):
        migrate()


def test_a_hosts_file_that_cannot_be_written_undoes_everything(engine, monkeypatch):
    monkeypatch.setattr(f"{UTILS}._apply.hosts.run_in", lambda *_arguments, **_options: None)
    monkeypatch.setattr(f"{UTILS}._apply.hosts.run_beside", lambda *_arguments, **_options: None)
    with pytest.raises(ApplyError, match="it has no shell that root may use"):
        migrate()
    for name in ("front", "middle", "back"):
        assert networks(engine, name) == {"bridge"}
    assert len(engine.links) == 4
    assert names_lead_home(engine)


def test_the_environment_can_be_kept(engine, monkeypatch):
    monkeypatch.setattr(f"{UTILS}._apply.replacement.SETTLE_SECONDS", 0)
    monkeypatch.setattr(f"{UTILS}._apply.replacement.carry_files", lambda *_arguments: ())
    done = migrate(environment="bake", leave_bridge=True, disruption="recreate")
    assert [one["action"] for one in done["actions"]].count("recreate_container") == 2
    assert "M_PORT_80_TCP_ADDR=m" in engine.container("front")["Config"]["Env"]
    assert engine.links == {}
    assert networks(engine, "front") == {"links-back"}
    assert not migrate(environment="bake", leave_bridge=True, disruption="recreate")["changed"]


def test_the_result_of_a_name_that_was_not_tried():
    config = {"ExposedPorts": {"9/udp": {}, "3306/tcp": {}, "33060/tcp": {}}}
    target = ContainerState("t" * 64, "target", "exited", raw={"Config": config})
    assert lowest_port(target) == 3306
    name = Name(ContainerState("s" * 64, "source", "running"), "db", target, "172.17.0.2", 3306)
    told = proof_result(name, None, None)
    assert (told["resolves"], told["address_before"], told["gap_ms"]) == (None, "172.17.0.2", None)
