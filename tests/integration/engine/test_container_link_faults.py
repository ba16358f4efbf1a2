# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_link on the real engine: at once with others, killed, and failed."""

from __future__ import annotations

import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import find_leftovers
from link_run import SERVE, client_with_network, found, link_here, names, resolves
from mortal_client import KilledError, MortalClient

Json = t.Any


@pytest.fixture
def link(lab: Json, monkeypatch: pytest.MonkeyPatch) -> Json:
    return link_here(lab, monkeypatch)


@pytest.fixture
def networked(lab: Json) -> tuple[str, str, str]:
    return client_with_network(lab)


# helper, off the bridge, link removed, on the bridge, (exec, its start), helper removed
@pytest.mark.parametrize("number", range(6))
def test_a_removal_that_was_killed_is_finished_by_the_next_run(lab, link, networked, monkeypatch, number):
    client, database, other = networked
    before = set(lab.inspect(client)["NetworkSettings"]["Networks"])
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._module.task.Engine", MortalClient)
    monkeypatch.setattr(MortalClient, "left", number)
    monkeypatch.setattr(MortalClient, "after", True)
    with pytest.raises(KilledError):
        link(client, links=[f"{database}:db"], state="absent")
    monkeypatch.undo()
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._recovery.journal._PATIENCE", 0)

    done = link(client, links=[f"{database}:db"], state="absent")

    assert found(done) == {"o": other}
    assert set(lab.inspect(client)["NetworkSettings"]["Networks"]) == before
    assert resolves(lab, client, lab.name("peer"))
    assert find_leftovers(lab.engine, client) == ()
    assert not link(client, links=[f"{database}:db"], state="absent")["changed"]


def test_an_engine_that_goes_away_while_a_source_is_recreated(lab, link, module, proxy, monkeypatch):
    """The whole module, cut off when the old container has just been renamed: it cannot put anything back."""
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, StopTimeout=0)
    ident = lab.inspect(client)["Id"]
    params = {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}

    def cut(request: Json) -> str | None:
        # From the second renaming on nothing comes through any more.
        renames = [one for one in proxy.changing if one.path.endswith("/rename") or "/rename?" in one.path]
        return "cut-before" if len(renames) >= 2 else None

    proxy.fault = cut
    failed = module("container_link", {**params, "docker_host": proxy.url}, fails=True)
    assert "Nothing of it is lost; run the task again" in failed["msg"]
    assert {left.role for left in find_leftovers(lab.engine, client)} == {"new", "old"}

    # Users wait longer: it cannot be known that the other run is dead.
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._recovery.journal._PATIENCE", 0.5)
    planned = link(check=True, **params)
    done = link(**params)

    assert names(done) == names(planned) == ["recover", "recreate_container"]
    assert found(done) == {"db": database}
    assert lab.inspect(client)["Id"] != ident
    assert find_leftovers(lab.engine, client) == ()
    assert not module("container_link", params)["changed"]


def test_runs_at_once_converge(lab, link):
    first, second = lab.run("first", *SERVE), lab.run("second", *SERVE)
    client = lab.run("client", *SERVE)

    def run(wanted: str) -> Json:
        return link(client, links=[wanted], disruption="recreate")

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(run, [f"{first}:a", f"{second}:b", f"{first}:a"]))

    assert all(one["changed"] for one in done)
    assert found(link(client, links=[])) == {"a": first, "b": second}
    assert find_leftovers(lab.engine, client) == ()


def test_a_run_that_comes_in_the_middle_of_another_waits_for_it(lab, link, proxy):
    """It looks when nobody has the name: the old container has lost it, and the successor has not got it yet."""
    first, second = lab.run("first", *SERVE), lab.run("second", *SERVE)
    client = lab.run("client", *SERVE)
    nameless = threading.Event()

    def hold(request: Json) -> None:
        if f"/rename?name={client}" in request.path and "linklab" not in request.path:
            nameless.set()
            time.sleep(1)

    proxy.fault = hold
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(link, client, links=[f"{first}:a"], disruption="recreate", docker_host=proxy.url)
        assert nameless.wait(60)
        link(client, links=[f"{second}:b"], disruption="recreate")
        other.result()

    assert found(link(client, links=[])) == {"a": first, "b": second}


def test_removals_at_once_converge(lab, link, networked):
    client, database, other = networked
    with ThreadPoolExecutor(3) as pool:
        wanted = [f"{database}:db", f"{other}:o", f"{database}:db"]
        list(pool.map(lambda one: link(client, links=[one], state="absent"), wanted))
    assert link(client, links=[])["links"] == []
    assert resolves(lab, client, lab.name("peer"))
    assert find_leftovers(lab.engine, client) == ()


def test_a_network_that_changes_while_its_container_is_replaced(lab, link, proxy):
    network, database, client = lab.network("net"), lab.run("database", *SERVE), lab.run("client", *SERVE)
    ident = lab.inspect(client)["Id"]

    def meddle(request: Json) -> None:
        if f"{client}.linklab-new.{ident[:12]}.running" in request.path:
            lab.connect(network, client)

    proxy.fault = meddle
    params = {"links": [f"{database}:db"], "disruption": "recreate"}
    message = link(client, fails=True, docker_host=proxy.url, **params)

    assert "its networks were changed by something else at the same time" in message
    assert "is back, running as before" in message
    assert lab.inspect(client)["Id"] == ident
    link(client, **params)
    assert network in lab.inspect(client)["NetworkSettings"]["Networks"]


def test_a_failure_says_what_was_put_back(lab, link):
    database = lab.run("database", *SERVE)
    client = lab.run("client", "sh", "-c", f"test ! -e /once || exit 9; : > /once; {SERVE[-1]}")
    ident = lab.inspect(client)["Id"]
    lab.wait(lambda: lab.exec(client, "test", "-e", "/once")[0] == 0)

    message = link(client, links=[f"{database}:db"], disruption="recreate", fails=True)

    # The file went on to the successor, which ended because of it; and so does the old container.
    assert "its successor ended at once with exit code 9; its log is empty" in message
    assert f"The old container {client} ({ident[:12]}) is back" in message
    assert lab.inspect(client)["Id"] == ident
