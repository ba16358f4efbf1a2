# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""link_migrate on the real engine: a MySQL pair under continuous queries, and all the ways containers are linked."""

from __future__ import annotations

import typing as t
from contextlib import suppress

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from migrate_run import (
    EXPOSED,
    IDLE,
    SERVE,
    address_of,
    begin,
    connection_goes_on,
    hosts,
    lines,
    links,
    migrate,
    open_connection,
    reaches,
    resolved,
    restart,
)

Json = t.Any

MYSQL_READY = 120

# One session: an answer every 50 ms, each with the connection's number.
SESSION = (
    'i=0; while :; do echo "SELECT CONNECTION_ID(), $i;"; i=$((i+1)); sleep 0.05; done'
    " | mysql -n -N -uroot -h db --skip-reconnect > /tmp/session 2>&1"
)
# New connections by name, with the time of their begin and their end in milliseconds.
FRESH = (
    "while :; do s=$(date +%s%3N); o=$(mysql -N -uroot -h db --connect-timeout=3 -e 'SELECT 1' 2>&1)"
    ' && r=ok || r=failed; echo "$r $s $(date +%s%3N) $o" >> /tmp/fresh; sleep 0.02; done'
)


pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture
def net(lab: Json) -> str:
    return str(lab.network("zz-net"))


@pytest.fixture
def pair(lab: Json) -> tuple[str, str]:
    """A client that finds an echo server as C(db)."""
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED, Env=["DB_PASSWORD=geheim", "LANG=C"])
    return lab.run("source", *IDLE, links=[f"{target}:db"]), target


@pytest.fixture
def twice(lab: Json, proxy: Json) -> Json:
    """Carry a task out in check mode, which must send nothing that changes anything, then for real, then again."""

    def call(*containers: str, **params: Json) -> Json:
        proxy.requests.clear()
        planned = migrate(lab, *containers, check=True, docker_host=proxy.url, **params)
        assert [str(one) for one in proxy.changing] == []
        done = migrate(lab, *containers, **params)
        for key in ("changed", "actions", "disruption", "diff", "networks"):
            assert done[key] == planned[key]
        again = migrate(lab, *containers, **params)
        assert not again["changed"], again
        return done

    return call


def names(result: Json) -> list[str]:
    return [action["action"] for action in result["actions"]]


# -- a MySQL pair under continuous queries ----------------------------------------------------------------------------


@pytest.fixture
def database(lab: Json) -> tuple[str, str]:
    """A MySQL client with one open session, and with new connections all the time; and its server."""
    server = lab.run("database", image="mysql:latest", Env=["MYSQL_ROOT_PASSWORD=root"])
    lab.wait_healthy(server, MYSQL_READY)
    client = lab.run("client", image="mysql:latest", Entrypoint=["sleep", "100000"], links=[f"{server}:db"])
    begin(lab, client, SESSION, "bash")
    begin(lab, client, FRESH, "bash")
    for path in ("/tmp/session", "/tmp/fresh"):
        lab.wait(lambda path=path: lab.exec(client, "bash", "-c", f"(($(wc -l < {path}) > 20))")[0] == 0)
    return client, server


def logs_in(lab: Json, client: str) -> bool:
    return bool(lab.exec(client, "mysql", "-uroot", "-proot", "-hdb", "-e", "SELECT 1")[0] == 0)


def session_goes_on(lab: Json, client: str) -> bool:
    """Whether the one session answers, and is still the same."""
    before = len(lines(lab, client, "/tmp/session"))
    lab.wait(lambda: len(lines(lab, client, "/tmp/session")) > before + 5, 10, "the session")
    return len({line.split("\t")[0] for line in lines(lab, client, "/tmp/session")}) == 1


def failures(lab: Json, client: str) -> list[tuple[int, int, str]]:
    """Begin, end and message of the new connections that failed, up to now."""
    # They come one after the other: once one has begun after now, none of before is still under way.
    now = int(lab.exec(client, "date", "+%s%3N")[1])
    lab.wait(lambda: int(lines(lab, client, "/tmp/fresh")[-1].split()[1]) > now, 10, "the next connection")
    found = [line.split(" ", 3) for line in lines(lab, client, "/tmp/fresh")]
    return [(int(begun), int(ended), "".join(rest)) for how, begun, ended, *rest in found if how == "failed"]


def restarts_work(lab: Json, client: str, server: str) -> None:
    """Both containers restart, one after the other, and all still works."""
    restart(lab, server)
    lab.wait(lambda: logs_in(lab, client), MYSQL_READY, "a login after the server's restart")
    restart(lab, client)
    assert logs_in(lab, client)


def test_without_a_gap_no_session_ends_and_no_new_connection_fails(lab, module, net, database):
    client, server = database

    done = module("link_migrate", {"containers": [client], "network": net})

    assert session_goes_on(lab, client)
    assert failures(lab, client) == []
    (name,) = done["names"]
    assert name["gap_ms"] == 0
    assert name["resolves"] and name["reachable"]
    assert name["port"] == 3306
    assert name["address"] == address_of(lab, server, net) != name["address_before"]
    assert links(lab, client) == []
    assert not module("link_migrate", {"containers": [client], "network": net})["changed"]
    restarts_work(lab, client, server)


def test_with_a_gap_no_session_ends_and_new_connections_fail_within_it_alone(lab, module, net, database):
    client, server = database

    done = module("link_migrate", {"containers": [client], "network": net, "name_gap": "allowed"})

    assert names(done) == ["attach", "exchange_links"]
    assert session_goes_on(lab, client)
    (name,) = done["names"]
    assert name["gap_ms"] > 0
    # From the first that began to the last that did. Where the gap is short, there may be none.
    begun = [begin for begin, _end, _message in failures(lab, client)]
    assert not begun or begun[-1] - begun[0] <= name["gap_ms"]
    assert links(lab, client) == []
    restarts_work(lab, client, server)


def test_off_the_bridge_no_new_connection_fails(lab, module, net, database):
    client, server = database

    done = module("link_migrate", {"containers": [client], "network": net, "leave_bridge": True})

    assert names(done)[-3:] == ["leave_bridge", "remove_links", "leave_bridge"]
    assert failures(lab, client) == []
    for one in (client, server):
        assert set(lab.inspect(one)["NetworkSettings"]["Networks"]) == {net}
    restarts_work(lab, client, server)


# -- ways of being linked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["forbidden", "allowed"])
def test_a_connection_that_is_open_goes_on(lab, twice, net, pair, gap):
    source, target = pair
    open_connection(lab, source)
    before = [lab.inspect(one)["State"] for one in pair]

    done = twice(source, network=net, name_gap=gap)

    assert connection_goes_on(lab, source)
    assert [lab.inspect(one)["State"] for one in pair] == before
    assert resolved(lab, source, "db") == address_of(lab, target, net)
    for name in (target, lab.inspect(target)["Id"][:12]):
        assert resolved(lab, source, name) == address_of(lab, target, net)
    assert reaches(lab, source, "db")
    assert done["names"][0]["reachable"]
    assert "\tdb " not in hosts(lab, source)


@pytest.mark.parametrize("gap", ["forbidden", "allowed"])
def test_all_that_a_container_is_linked_with(lab, twice, net, gap):
    """A chain, several links of one source, several sources of one target, a link by ID, an alias for two targets."""
    back = lab.run("back", *SERVE, ExposedPorts=EXPOSED)
    other = lab.run("other", *SERVE, ExposedPorts=EXPOSED)
    ident = lab.inspect(back)["Id"]
    middle = lab.run("middle", *SERVE, ExposedPorts=EXPOSED, links=[f"{ident}:db", f"{other}:o"])
    front = lab.run("front", *IDLE, links=[f"{middle}:m", f"{other}:db", f"{back}:b"])
    wanted = {
        (middle, "db"): back,
        (middle, "o"): other,
        (front, "m"): middle,
        (front, "db"): other,
        (front, "b"): back,
    }

    done = twice(middle, front, network=net, name_gap=gap, leave_bridge=True)

    for (source, name), target in wanted.items():
        assert resolved(lab, source, name) == address_of(lab, target, net), (source, name)
        assert reaches(lab, source, name)
    assert {(one["source"], one["name"]): one["target"] for one in done["names"]} == wanted
    for one in (back, other, middle, front):
        assert links(lab, one) == []
        assert set(lab.inspect(one)["NetworkSettings"]["Networks"]) == {net}
        restart(lab, one)
    for (source, name), target in wanted.items():
        assert resolved(lab, source, name) == address_of(lab, target, net), (source, name)


def test_a_source_that_has_the_name_of_its_own_link(lab, twice, net):
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED)
    source = lab.run("me", *IDLE, links=[f"{target}:{lab.name('me')}"])
    twice(source, network=net)
    assert resolved(lab, source, source) == address_of(lab, target, net)


@pytest.mark.parametrize("gap", ["forbidden", "allowed"])
def test_names_that_only_the_hosts_file_has(lab, twice, net, gap):
    """The target was renamed since the source started, and somebody added a name to its line."""
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED)
    source = lab.run("source", *IDLE, links=[f"{target}:db"])
    lab.engine.rename(target, renamed := lab.name("renamed"))
    assert (
        lab.exec(source, "sh", "-c", r"sed 's/^\(.*\tdb .*\)$/\1 mydb/' /etc/hosts > /h; cat /h > /etc/hosts")[0] == 0
    )

    twice(source, network=net, name_gap=gap, leave_bridge=True)

    restart(lab, source)
    for name in ("db", target, renamed, "mydb"):
        assert resolved(lab, source, name) == address_of(lab, renamed, net), name


def test_links_whose_names_cross(lab, twice, net):
    one, two = lab.run("one", *SERVE, ExposedPorts=EXPOSED), lab.run("two", *SERVE, ExposedPorts=EXPOSED)
    source = lab.run("source", *IDLE, links=[f"{one}:{two}", f"{two}:{one}"])

    refused = migrate(lab, source, network=net, check=True, fails=True)
    assert "so that it leads to two containers; set name_gap: allowed" in refused["msg"]

    twice(source, network=net, name_gap="allowed")
    assert resolved(lab, source, one) == address_of(lab, two, net)
    assert resolved(lab, source, two) == address_of(lab, one, net)


def test_a_stopped_source_with_a_stopped_target(lab, twice, net, pair):
    source, target = pair
    lab.engine.stop(source, 1)
    lab.engine.stop(target, 1)

    done = twice(source, network=net, leave_bridge=True)

    assert done["disruption"] == "none"
    lab.engine.start(source)
    lab.engine.start(target)
    assert resolved(lab, source, "db") == address_of(lab, target, net)


def test_a_running_source_whose_target_is_stopped(lab, twice, net, pair):
    """Nothing can be executed in it; a helper writes its hosts file."""
    source, target = pair
    lab.engine.stop(target, 1)
    twice(source, network=net)
    assert "\tdb " not in hosts(lab, source)
    lab.engine.start(target)
    assert resolved(lab, source, "db") == address_of(lab, target, net)


def test_a_paused_source(lab, twice, net, pair):
    source, target = pair
    lab.engine.post(f"/containers/{source}/pause")
    twice(source, network=net)
    lab.engine.post(f"/containers/{source}/unpause")
    assert resolved(lab, source, "db") == address_of(lab, target, net)


def test_a_source_without_a_shell(lab, twice, net, pair):
    source, target = pair
    open_connection(lab, source)
    assert lab.exec(source, "rm", "/bin/sh")[0] == 0
    twice(source, network=net)
    assert resolved(lab, source, "db") == address_of(lab, target, net)
    assert connection_goes_on(lab, source)


def test_what_no_shell_can_prove_is_no_failure(lab, twice, net, scratch):
    target = lab.run("target", "/nc", "-ll", "-p", "80", "-e", "/nc", image=scratch, ExposedPorts=EXPOSED)
    source = lab.run("source", "/sleep", "1000", image=scratch, links=[f"{target}:db"])
    done = twice(source, network=net, name_gap="allowed")
    (name,) = done["names"]
    assert (name["resolves"], name["reachable"]) == (None, None)
    assert name["msg"].startswith(f"not tried, since neither {source} nor")


def test_a_target_that_is_removed_meanwhile_is_named(lab, net, pair, proxy):
    source, target = pair

    def remove(request: Json) -> None:
        """Once the link is gone, and the source comes back to the bridge."""
        if request.path.endswith("/connect") and not links(lab, source):
            with suppress(NotFound):
                lab.engine.clone().delete(f"/containers/{target}", force="1")

    proxy.fault = remove
    (name,) = migrate(lab, source, network=net, docker_host=proxy.url)["names"]
    assert name["resolves"] is None
    assert name["msg"] == f"not tried, since {target} was removed"


def test_a_source_on_a_network_of_its_own_keeps_its_resolver(lab, twice, net, pair):
    source, target = pair
    mine = lab.network("mine")
    lab.connect(mine, source)
    lab.run("peer", *IDLE, networks=[mine])
    for gap in ("allowed", "forbidden"):
        twice(source, network=net, name_gap=gap)
    assert resolved(lab, source, lab.name("peer"))
    assert resolved(lab, source, "db") == address_of(lab, target, net)


def test_a_second_run_leaves_the_bridge(lab, twice, net, pair):
    source, target = pair
    twice(source, network=net)
    done = twice(source, target, network=net, leave_bridge=True)
    assert names(done) == ["leave_bridge", "leave_bridge"]
    assert done["disruption"] == "reconnect"
    assert reaches(lab, source, "db")


def test_check_mode_says_why_it_tries_no_name(lab, net, pair):
    source, _target = pair
    messages = {one["msg"] for one in migrate(lab, source, network=net, check=True)["names"]}
    assert messages == {"not tried, since check mode changes nothing that could be tried"}


def test_the_address_on_the_bridge_stays_where_lower_ones_are_free(lab, net):
    """The engine gives the lowest free one, so that a connection over the bridge would end."""
    lower = lab.run("lower", *IDLE)
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED)
    source = lab.run("source", *IDLE, links=[f"{target}:db"])
    open_connection(lab, source)
    before = address_of(lab, source, "bridge")
    lab.engine.remove_container(lower, force=True)

    done = migrate(lab, source, network=net)

    assert address_of(lab, source, "bridge") == before
    assert connection_goes_on(lab, source)
    assert not any("connections that were open" in text for text in done["warnings"])


def test_networks_are_named_after_what_is_linked(lab, twice, pair):
    source, target = pair
    name = f"links-{target}"
    try:
        done = twice(source)
        assert done["networks"] == [name]
        assert reaches(lab, source, "db")
    finally:
        lab.clear()
        lab.engine.remove_network(name)


# -- what is reported --------------------------------------------------------------------------------------------------


def test_the_environment_is_reported_by_names_alone(lab, module, net, pair):
    source, _target = pair
    result = module("link_migrate", {"containers": [source], "network": net}, check=True, diff=True)
    environment = result["containers"][0]["environment"]
    seen = {line.partition("=")[0] for line in lab.exec(source, "cat", "/proc/1/environ")[1].split("\0")}
    assert "DB_ENV_DB_PASSWORD" in environment["secrets"]
    assert set(environment["variables"]) == {name for name in seen if name.startswith("DB_")}
    assert "geheim" not in str(result)


def test_published_ports_are_kept_and_those_that_change_are_reported(lab, twice, net):
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED)
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18923"}], "81/tcp": [{"HostIp": "127.0.0.1"}]}
    ports = {"ExposedPorts": {"80/tcp": {}, "81/tcp": {}}, "host": {"PortBindings": bindings}}
    source = lab.run("source", *IDLE, links=[f"{target}:db"], **ports)

    done = twice(source, network=net, leave_bridge=True)

    text = "\n".join(done["warnings"])
    assert f"the engine chose the host ports of {source} for 81/tcp, and chooses others" in text
    assert f"the default route and the published ports of {source} move off the bridge" in text
    after = lab.inspect(source)["NetworkSettings"]["Ports"]
    assert after["80/tcp"][0]["HostPort"] == "18923"
    assert after["81/tcp"]
    gateway = lab.inspect(source)["NetworkSettings"]["Networks"][net]["Gateway"]
    assert gateway in lab.exec(source, "ip", "route")[1]


def test_the_environment_is_baked_into_a_source_that_may_be_recreated(lab, twice, net, pair, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.linklab.docker.plugins.module_utils._apply.replacement.SETTLE_SECONDS", 0.5
    )
    source, target = pair
    before = lab.inspect(source)["Id"]
    assert "disruption=reconnect allows" in migrate(lab, source, network=net, environment="bake", fails=True)["msg"]
    assert lab.inspect(source)["Id"] == before

    done = twice(source, network=net, environment="bake", leave_bridge=True, disruption="recreate")

    assert names(done) == ["attach", "recreate_container", "leave_bridge"]
    assert lab.inspect(source)["Id"] != before
    environment = lab.exec(source, "env")[1]
    assert "DB_PORT_80_TCP_ADDR=db\n" in environment
    assert "DB_ENV_DB_PASSWORD=geheim\n" in environment
    assert "geheim" not in str(done)
    assert links(lab, source) == []
    assert set(lab.inspect(source)["NetworkSettings"]["Networks"]) == {net}
    assert resolved(lab, source, "db") == address_of(lab, target, net)
    restart(lab, source)
    assert "DB_PORT_80_TCP_ADDR=db\n" in lab.exec(source, "env")[1]


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(lab: Json, proxy: Json) -> Json:
    def call(*containers: str, **params: Json) -> str:
        message = str(migrate(lab, *containers, fails=True, docker_host=proxy.url, **params)["msg"])
        assert [str(one) for one in proxy.changing] == []
        assert "\n" not in message
        return message

    return call


def test_what_is_not_there(lab, refused, pair):
    source, _target = pair
    message = refused(source.replace("source", "sorce"), network=lab.name("nowhere"))
    assert f"does not exist (did you mean {source}" in message
    assert "To have it made, add 'create: {}'" in refused(source, network=lab.name("nowhere"))


def test_containers_that_cannot_move(lab, refused, net, pair):
    source, target = pair
    host = lab.run("host", network="host", start=False)
    assert f"{host} uses the host's network" in refused(source, host, network=net)
    lab.engine.remove_container(target, force=True)
    assert f"the target of the link {target}:db of {source} was removed" in refused(source, network=net)


def test_a_cap_of_none(lab, refused, net, pair):
    assert "disruption=none allows" in refused(pair[0], network=net, disruption="none")
    with pytest.raises(NotFound):
        lab.engine.network(lab.name("no-net"))


def test_a_port_that_would_not_be_published_any_more(lab, refused, pair):
    source, target = pair
    other = lab.run(
        "other",
        *IDLE,
        links=[f"{target}:db"],
        ExposedPorts=EXPOSED,
        host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1"}]}},
    )
    inside = lab.network("inside", Internal=True)
    message = refused(source, other, network=inside, leave_bridge=True)
    assert f"{other} publishes 80/tcp, which is lost off the bridge" in message
