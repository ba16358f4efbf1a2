# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_link on the real engine: what it makes, what it keeps, what it notices."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import find_leftovers
from link_run import SERVE, client_with_network, found, link_here, names, resolves

Json = t.Any

MYSQL_READY = 90


@pytest.fixture
def link(lab: Json, monkeypatch: pytest.MonkeyPatch) -> Json:
    return link_here(lab, monkeypatch)


@pytest.fixture
def twice(link: Json, proxy: Json) -> Json:
    """Carry a task out in check mode, which must send nothing that changes anything, then for real, then again."""

    def call(container: str, **params: Json) -> Json:
        proxy.requests.clear()
        planned = link(container, check=True, docker_host=proxy.url, **params)
        assert proxy.changing == []
        done = link(container, **params)
        for key in ("changed", "actions", "disruption", "diff", "recreated"):
            assert done[key] == planned[key]
        again = link(container, **params)
        assert not again["changed"], again
        assert (again["container"], again["links"]) == (done["container"], done["links"])
        return done

    return call


def text(lab: Json, container: str, path: str) -> str:
    code, output = lab.exec(container, "cat", path)
    assert code == 0, output
    return str(output)


# -- legacy links -----------------------------------------------------------------------------------------------------


def test_a_source_is_created_with_its_links(lab, twice):
    database = lab.run("database", *SERVE, Env=["MYSQL_ROOT_PASSWORD=geheim", "LANG=C"])
    image = lab.inspect(database)["Config"]["Image"]
    client = lab.name("client")

    made = twice(client, links=[database, f"{database}:db"], create={"image": image, "command": list(SERVE)})

    assert names(made) == ["create_container"]
    assert found(made) == {database: database, "db": database}
    address = lab.inspect(database)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert [(one["kind"], one["address"], one["stale"]) for one in made["links"]] == [("legacy", address, False)] * 2
    assert f"{address}\tdb " in text(lab, client, "/etc/hosts")
    warning = " ".join(made["warnings"])
    assert "MYSQL_ROOT_PASSWORD" in warning
    assert "LANG" not in warning
    assert "geheim" not in warning


def test_a_source_that_exists_is_not_recreated_unless_that_is_allowed(lab, link, module, proxy):
    database, client = lab.run("database", *SERVE), lab.run("client", *SERVE)
    before = lab.inspect(client)

    params = {"container": client, "links": [database], "docker_host": proxy.url}
    message = module("container_link", params, fails=True)["msg"]

    assert message.startswith("nothing was changed, because this needs more than disruption=reconnect allows")
    assert f"recreate container {client} (recreate): links: +{database}:{database}" in message
    assert "A network link needs no recreate" in message
    assert "set disruption: recreate" in message
    assert proxy.changing == []
    assert lab.inspect(client)["State"] == before["State"]


def test_a_recreate_adds_links_and_keeps_the_others(lab, twice):
    first, second = lab.run("first", *SERVE), lab.run("second", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{first}:kept", f"{first}:moved"])
    before = lab.inspect(client)["Id"]

    done = twice(client, links=[f"{second}:moved", f"{second}:new"], disruption="recreate")

    assert names(done) == ["recreate_container"]
    assert done["recreated"]
    assert done["container"]["id"] != before
    assert done["container"]["status"] == "running"
    assert found(done) == {"kept": first, "moved": second, "new": second}
    assert f"-{first}:moved" in done["actions"][0]["reason"]
    assert find_leftovers(lab.engine, client) == ()


def test_a_recreate_with_purge_leaves_the_named_links_alone(lab, twice):
    first, second = lab.run("first", *SERVE), lab.run("second", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{first}:old"])

    done = twice(client, links=[f"{second}:new"], purge=True, disruption="recreate")

    assert found(done) == {"new": second}


def test_a_name_that_leads_elsewhere_is_put_right_while_the_source_runs(lab, link, twice):
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db"])
    before = lab.inspect(client)
    address = lab.inspect(database)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert not link(client, links=[f"{database}:db"])["changed"]
    assert lab.exec(client, "sh", "-c", "sed 's/.*\tdb .*/192.0.2.9\tdb/' /etc/hosts > /h; cat /h > /etc/hosts")[0] == 0

    fixed = twice(client, links=[f"{database}:db"])

    assert [(one["action"], one["disruption"]) for one in fixed["actions"]] == [("rewrite_hosts", "none")]
    assert fixed["actions"][0]["reason"] == f"db leads to 192.0.2.9 by its hosts file, and {database} is at {address}"
    assert f"{address}\tdb {lab.inspect(database)['Config']['Hostname']} {database}\n" in text(
        lab, client, "/etc/hosts"
    )
    assert "192.0.2.9" not in text(lab, client, "/etc/hosts")
    after = lab.inspect(client)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])


def test_links_are_compared_by_the_container_they_lead_to(lab, link):
    database = lab.run("database", *SERVE)
    ident = lab.inspect(database)["Id"]
    client = lab.run("client", *SERVE, links=[f"{ident}:db"])

    for ref in (database, ident, ident[:12]):
        assert not link(client, links=[f"{ref}:db"])["changed"]
    lab.engine.rename(database, lab.name("renamed"))
    assert not link(client, links=[f"{lab.name('renamed')}:db"])["changed"]
    other = lab.run("database", *SERVE)
    message = link(client, links=[f"{other}:db"], fails=True)
    assert f"links: +{other}:db -{lab.name('renamed')}:db" in message


def test_a_source_that_is_named_by_its_id_may_get_another(lab, link):
    database, client = lab.run("database", *SERVE), lab.run("client", *SERVE)
    ident = lab.inspect(client)["Id"]

    done = link(ident, links=[f"{database}:db"], disruption="recreate")

    assert done["container"] == {"id": lab.inspect(client)["Id"], "name": client, "status": "running"}
    assert done["container"]["id"] != ident


def test_a_stopped_source_stays_stopped_and_one_that_never_ran_is_started_where_create_is_given(lab, link):
    database, client = lab.run("database", *SERVE), lab.run("client", *SERVE)
    lab.engine.stop(client)
    lab.engine.stop(database)
    done = link(client, links=[f"{database}:db"], disruption="recreate")
    assert done["container"]["status"] == "created"
    lab.engine.start(database)

    create = {"image": lab.inspect(client)["Config"]["Image"]}
    started = link(client, links=[f"{database}:db"], create=create)
    assert names(started) == ["start_container"]
    assert started["container"]["status"] == "running"

    new = lab.run("new", *SERVE, start=False)
    both = link(new, links=[f"{database}:db"], create=create, disruption="recreate")
    assert names(both) == ["recreate_container"]
    assert both["container"]["status"] == "running"


def test_links_are_removed_while_the_source_runs(lab, twice):
    first, second = lab.run("first", *SERVE), lab.run("second", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{first}:a", f"{first}:b", f"{second}:c", f"{second}:d"])
    before = lab.inspect(client)

    named = twice(client, links=[f"{first}:a", f"{second}:b", "nobody:c"], state="absent")
    assert names(named) == ["remove_link"]
    assert named["disruption"] == "reconnect"
    assert found(named) == {"b": first, "c": second, "d": second}
    purged = twice(client, links=[f"{second}:d"], purge=True)
    assert found(purged) == {"d": second}
    assert found(twice(client, links=[], state="absent", purge=True)) == {}

    after = lab.inspect(client)
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert lab.name("") not in text(lab, client, "/etc/hosts")


def test_absent_of_what_is_not_there_is_no_change(lab, link):
    client = lab.run("client", *SERVE)
    for container in (client, lab.name("nobody")):
        for network in ("bridge", lab.name("no-net")):
            assert not link(container, links=["no-such:alias"], network=network, state="absent")["changed"]


@pytest.fixture
def networked(lab: Json) -> tuple[str, str, str]:
    return client_with_network(lab)


def test_a_removed_link_costs_no_container_its_resolver(lab, twice, networked):
    client, database, other = networked
    before = lab.inspect(client)
    assert resolves(lab, client, lab.name("peer"))

    done = twice(client, links=[f"{database}:db"], state="absent")

    assert [warning for warning in done["warnings"] if "keeps" not in warning] == []
    assert found(done) == {"o": other}
    assert resolves(lab, client, lab.name("peer"))
    assert "127.0.0.11" in text(lab, client, "/etc/resolv.conf")
    hosts = text(lab, client, "/etc/hosts")
    assert "\tdb " not in hosts
    assert "\to " in hosts
    assert len(hosts.splitlines()) == len(set(hosts.splitlines()))
    after = lab.inspect(client)
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert set(after["NetworkSettings"]["Networks"]) == set(before["NetworkSettings"]["Networks"])
    lab.engine.post(f"/containers/{client}/restart")
    assert resolves(lab, client, "o")


def test_a_container_without_a_shell_keeps_the_name_until_it_restarts(lab, link, networked):
    client, database, _other = networked
    assert lab.exec(client, "rm", "/bin/sh")[0] == 0

    done = link(client, links=[f"{database}:db"], state="absent")

    assert any("the name db still stands in the hosts file" in warning for warning in done["warnings"])
    assert "127.0.0.11" in text(lab, client, "/etc/resolv.conf")


def test_a_link_costs_a_database_none_of_its_tables(lab, module):
    """Real MySQL, its data on a volume that has no name."""
    mysql = ["mysql", "-uroot", "-proot", "-h127.0.0.1", "-N", "-e"]
    cache = lab.run("cache", *SERVE)
    server = lab.run("server", image="mysql:latest", Env=["MYSQL_ROOT_PASSWORD=root"])
    lab.wait_healthy(server, MYSQL_READY)
    statement = "CREATE DATABASE shop; CREATE TABLE shop.items (name TEXT); INSERT INTO shop.items VALUES ('kept')"
    assert lab.exec(server, *mysql, statement)[0] == 0
    volume = [mount["Name"] for mount in lab.inspect(server)["Mounts"]]

    params = {"container": server, "links": [f"{cache}:c"], "disruption": "recreate"}
    done = module("container_link", params)

    assert done["recreated"]
    lab.wait_healthy(server, MYSQL_READY)
    assert "kept" in lab.exec(server, *mysql, "SELECT name FROM shop.items")[1]
    assert [mount["Name"] for mount in lab.inspect(server)["Mounts"]] == volume
    assert not module("container_link", params)["changed"]


# -- stale links ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stale(lab: Json) -> tuple[str, str]:
    """A running client whose link leads to a container that was removed, and its namesake."""
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db"])
    lab.engine.remove_container(database, force=True)
    lab.run("database", *SERVE)
    with pytest.raises(EngineError):
        lab.exec(client, "true")
    return client, database


def test_a_stale_link_is_noticed_and_fixed(lab, link, twice, stale):
    client, database = stale
    message = link(client, links=[f"{database}:db"], fails=True)
    assert f"the target of {database}:db was replaced, so that the link leads nowhere" in message

    done = twice(client, links=[f"{database}:db"], disruption="recreate")

    assert names(done) == ["remove_link", "recreate_container"]
    assert not done["links"][0]["stale"]
    assert done["links"][0]["target_id"] == lab.inspect(database)["Id"]
    assert resolves(lab, client, "db")


@pytest.mark.parametrize("namesake", [True, False])
def test_a_stale_link_is_removed_while_its_source_runs(lab, link, twice, stale, namesake):
    client, database = stale
    if not namesake:
        lab.engine.remove_container(database, force=True)
    pid = lab.inspect(client)["State"]["Pid"]

    other = link(client, links=[])
    assert any("cannot start again" in warning for warning in other["warnings"]) or other["links"][0]["stale"]
    done = twice(client, links=[f"{database}:db"], state="absent")

    assert names(done) == ["remove_link"]
    assert done["links"] == []
    assert lab.exec(client, "true")[0] == 0
    assert lab.inspect(client)["State"]["Pid"] == pid
    assert find_leftovers(lab.engine, client) == ()
    lab.engine.post(f"/containers/{client}/restart")


def test_a_stale_link_that_the_task_does_not_name(lab, link, twice, stale):
    client, database = stale
    cache = lab.run("cache", *SERVE)

    warned = link(client, links=[])
    done = twice(client, links=[f"{cache}:c"], disruption="recreate")

    assert any(f"the target of its link {database}:db was removed" in warning for warning in warned["warnings"])
    # A container of that name is there: the link leads to it now.
    assert found(done) == {"db": database, "c": cache}
    lab.engine.remove_container(database, force=True)
    lost = link(client, links=[f"{cache}:c2"], disruption="recreate")
    assert any(f"the link {database}:db of {client} is not carried over" in warning for warning in lost["warnings"])
    assert found(lost) == {"c": cache, "c2": cache}


def test_a_target_that_stopped_is_reported_where_nothing_is_to_be_done(lab, link):
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db"])
    lab.engine.stop(database)
    told = link(client, links=[f"{database}:db"])
    assert not told["changed"]
    assert f"{database} is exited: until it runs, {client} cannot start again" in told["warnings"][0]


# -- network links ----------------------------------------------------------------------------------------------------


def test_both_ends_of_a_network_link_are_attached_while_they_run(lab, twice):
    network = lab.network("net")
    database, client, third = lab.run("database", *SERVE), lab.run("client", *SERVE), lab.run("third", *SERVE)
    lab.connect(network, third)
    before = [lab.inspect(name)["State"]["Pid"] for name in (database, client)]

    done = twice(client, links=[f"{database}:db"], network=network)

    assert sorted(names(done)) == ["attach", "attach"]
    assert done["disruption"] == "none"
    assert not done["recreated"]
    assert [(one["kind"], one["alias"], one["target"]) for one in done["links"]] == [("network", "db", database)]
    assert resolves(lab, client, "db")
    assert not resolves(lab, third, "db")
    assert [lab.inspect(name)["State"]["Pid"] for name in (database, client)] == before


def test_network_links_are_merged_and_keep_the_rest_of_the_endpoint(lab, twice, link):
    network = lab.network("net")
    first, second = lab.run("first", *SERVE, networks=[network]), lab.run("second", *SERVE)
    short = lab.inspect(first)["Id"][:12]
    settings = {"Aliases": ["a"], "Links": [f"{short}:by-id", "not-there-yet:later", f"{first}:moved"]}
    client = lab.run("client", *SERVE, networks={network: settings})

    for ref in (first, short, lab.inspect(first)["Id"]):
        assert not link(client, links=[f"{ref}:by-id"], network=network)["changed"]
    merged = twice(client, links=[f"{second}:moved"], network=network)
    assert merged["disruption"] == "reconnect"
    assert found(merged) == {"by-id": first, "later": "not-there-yet", "moved": second}
    assert {one["alias"]: one["stale"] for one in merged["links"]}["later"]
    assert "a" in lab.inspect(client)["NetworkSettings"]["Networks"][network]["Aliases"]

    fewer = twice(client, links=[f"{first}:by-id", f"{first}:moved"], network=network, state="absent")
    assert found(fewer) == {"later": "not-there-yet", "moved": second}
    assert found(twice(client, links=[f"{first}:f"], network=network, purge=True)) == {"f": first}
    assert found(twice(client, network=network, purge=True, state="absent")) == {}
    assert network in lab.inspect(client)["NetworkSettings"]["Networks"]


def test_a_source_is_created_with_network_links(lab, twice):
    network = lab.network("net")
    database = lab.run("database", *SERVE)
    client = lab.name("client")
    image = lab.inspect(database)["Config"]["Image"]

    done = twice(client, links=[f"{database}:db"], network=network, create={"image": image, "command": list(SERVE)})

    assert names(done) == ["attach", "create_container"]
    assert set(lab.inspect(client)["NetworkSettings"]["Networks"]) == {network}
    assert resolves(lab, client, "db")


@pytest.mark.parametrize("given", [False, True], ids=["plain", "create"])
def test_a_plan_says_whether_a_source_that_has_exited_is_started_by_its_recreate(lab, twice, given):
    database, client = lab.run("database", *SERVE), lab.run("client", *SERVE)
    lab.engine.stop(client, 1)
    create = {"image": lab.inspect(database)["Config"]["Image"], "command": list(SERVE)} if given else None

    done = twice(client, links=[database], create=create, disruption="recreate")

    (action,) = done["actions"]
    state = "started" if given else "only created, not started"
    assert action["reason"].endswith(f"; it is exited, so its successor is {state}")
    assert lab.inspect(client)["State"]["Status"] == ("running" if given else "created")


def test_the_first_example_of_the_documentation_is_a_client_alone(lab, link, mysql_image):
    text = (Path(__file__).resolve().parents[3] / "plugins/modules/container_link.py").read_text(encoding="utf-8")
    first = yaml.safe_load(text.partition('EXAMPLES = r"""')[2].partition('"""')[0])[0]["linklab.docker.container_link"]
    database = lab.run("database", "sleep", "infinity", image=mysql_image)

    link(lab.name("client"), links=[database], create={**first["create"], "image": mysql_image})

    assert first["links"] == ["database"]
    assert lab.exec(lab.name("client"), "getent", "hosts", database)[0] == 0
    client = lab.inspect(lab.name("client"))
    assert (client["Path"], client["Args"]) == ("sleep", ["infinity"])
    assert not any("PASSWORD" in entry for entry in client["Config"]["Env"])
