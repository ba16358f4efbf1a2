# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: names, and what they lead to."""

from __future__ import annotations

import typing as t

import pytest
import yaml

Json = t.Any

SERVER = ("nc", "-ll", "-p", "80", "-e", "cat")


def address(lab: Json, container: str, network: str) -> str:
    return str(lab.inspect(container)["NetworkSettings"]["Networks"][network]["IPAddress"])


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("names"))


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("names-client", networks=[net]))


def test_an_alias_that_nobody_has(lab, net, client, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["database", "db2"]}})
    result = connectivity(client, server, "name_unknown", host="databse", timeout=30)
    assert "did you mean database?" in result["msg"]
    assert all(name in result["msg"].partition("its names there are")[2] for name in (server, "database", "db2"))
    assert len(result["attempts"]) == 1
    # The task that fixes it keeps the other aliases.
    assert all(name in result["diagnosis"]["task"] for name in ("databse", "database", "db2"))


def test_names_with_dots_and_capitals(lab, net, client, connectivity):
    server = lab.run("Srv.1_x", *SERVER, networks={net: {"Aliases": ["DataBase", "my.db.example"]}})
    for host in ("DataBase", "database", "my.db.example", f"{server}.{net}", None):
        params = {"host": host} if host else {}
        assert connectivity(client, server, **params)["path"] == f"network:{net}"
    connectivity(client, lab.inspect(server)["Id"][:12], protocol="dns")


def test_a_target_on_three_common_networks(lab, net, connectivity):
    networks = [net, lab.network("b"), lab.network("c")]
    client, server = lab.run("client", networks=networks), lab.run("server", *SERVER, networks=networks)
    result = connectivity(client, server)
    assert result["path"] in {f"network:{name}" for name in networks}
    assert set(result["addresses"]) <= {address(lab, server, name) for name in networks}


def test_an_alias_that_two_containers_have(lab, net, client, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["db", "one"]}})
    other = lab.run("other", *SERVER, networks={net: {"Aliases": ["db", "two"]}})
    result = connectivity(client, server, "alias_shared", host="db", protocol="dns")
    assert other in result["msg"]
    assert "- two" in result["diagnosis"]["task"]
    assert "db" not in result["diagnosis"]["task"].split("aliases:")[1]
    connectivity(client, server, host="one")


def test_the_name_of_another_container(lab, net, client, connectivity):
    server = lab.run("server", *SERVER, networks=[net])
    other = lab.run("other", *SERVER, networks={net: {"Aliases": ["db"]}})
    assert other in connectivity(client, server, "resolves_elsewhere", host="db")["msg"]
    assert other in connectivity(client, server, "resolves_elsewhere", host=address(lab, other, net))["msg"]


def test_a_network_link_leads_the_name_to_another(lab, net, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["db"]}})
    other = lab.run("other", *SERVER, networks=[net])
    client = lab.run("client", networks={net: {"Links": [f"{other}:db", f"{server}:right"]}})
    result = connectivity(client, server, "network_link_shadows", host="db")
    assert f"{server}:right" in result["diagnosis"]["task"]
    assert connectivity(client, server, host="right")["path"] == "network_link"


def test_an_extra_host_leads_the_name_elsewhere(lab, net, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["db"]}})
    other = lab.run("other", *SERVER, networks=[net])
    client = lab.run("client", networks=[net], host={"ExtraHosts": [f"db:{address(lab, other, net)}"]})
    result = connectivity(client, server, "hosts_entry_shadows", host="db")
    assert other in result["msg"]
    assert "extra host" in result["diagnosis"]["hint"]


def test_an_extra_host_leads_the_name_back_to_the_source(lab, net, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["db"]}})
    client = lab.run("client", networks=[net], host={"ExtraHosts": ["db:127.0.0.1"]})
    result = connectivity(client, server, "hosts_entry_shadows", host="db")
    assert f"that is {client} itself" in result["msg"]
    assert "extra host" in result["diagnosis"]["hint"]


def test_the_hostname_of_the_source_is_the_name_of_the_target(lab, net, connectivity, module):
    server = lab.run("server", *SERVER, networks=[net])
    client = lab.run("client", networks=[net], Hostname=server)
    result = connectivity(client, server, "hosts_entry_shadows")
    assert f"Create {client} again with another hostname than {server}, or use" in result["diagnosis"]["hint"]
    # The engine's resolver, too, knows the source by its hostname, so that of this target only the address is left.
    (again,) = yaml.safe_load(result["diagnosis"]["task"])
    assert module("connectivity", {**again["linklab.docker.connectivity"], "timeout": 0})["path"] == f"network:{net}"


def test_a_dot_at_the_end_and_capitals_make_no_other_name(lab, net, client, connectivity):
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["web"]}})
    for host in ("WEB.", "web.", f"Web.{net}."):
        assert connectivity(client, server, host=host)["path"] == f"network:{net}"
    other = lab.run("other", *SERVER, networks={net: {"Aliases": ["db"]}})
    shown = connectivity(client, server, "resolves_elsewhere", host="DB.")["diagnosis"]
    assert f"is a name of {other}" in shown["message"]
    (task,) = yaml.safe_load(connectivity(client, server, "name_unknown", host="Nope.")["diagnosis"]["task"])
    assert task["linklab.docker.network_attach"]["endpoints"][0]["aliases"] == ["Nope", "web"]


def test_a_legacy_link_leads_the_name_to_another(lab, net, connectivity):
    other = lab.run("other", *SERVER)
    client = lab.run("client", links=[f"{other}:db"])
    server = lab.run("server", *SERVER, networks={net: {"Aliases": ["db"]}})
    lab.connect(net, client)
    result = connectivity(client, server, "hosts_entry_shadows", host="db")
    assert "container_link" in result["diagnosis"]["task"]
    connectivity(client, server)


def test_the_resolver_is_lost_after_a_link_was_removed(lab, net, connectivity):
    server = lab.run("server", *SERVER)
    client = lab.run("client", links=[f"{server}:db"])
    for container in (client, server):
        lab.connect(net, container)
    connectivity(client, server)
    lab.engine.remove_link(client, "db")
    result = connectivity(client, server, "resolver_lost", timeout=30)
    assert "docker" in result["diagnosis"]["task"]
    assert "restart" in result["diagnosis"]["task"]
    lab.engine.post(f"/containers/{client}/restart?t=0")
    connectivity(client, server)


def test_a_line_that_is_gone_from_the_hosts_file(lab, connectivity):
    server = lab.run("server", *SERVER)
    client = lab.run("client", links=[f"{server}:db"])
    # Docker owns the file, so it cannot be replaced; it can be overwritten.
    lab.exec(client, "sh", "-c", "echo 127.0.0.1 localhost >/etc/hosts")
    assert len(connectivity(client, server, "name_not_resolved", host="db", timeout=2, interval=0.1)["attempts"]) > 1


def test_a_legacy_link_knows_the_name_the_alias_and_the_host_name(lab, connectivity):
    server = lab.run("server", *SERVER, Hostname="the-db")
    client = lab.run("client", links=[f"{server}:db"])
    for host in ("db", "the-db", server):
        assert connectivity(client, server, host=host)["path"] == "legacy_link"
    assert "db" in connectivity(client, server, "name_unknown", host="dbx")["msg"]
