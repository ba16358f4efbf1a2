# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hints of connectivity on the real engine: pasted and played, after which the pair reaches each other.

More of them are in test_connectivity_state.py.
"""

from __future__ import annotations

import subprocess
import typing as t

import pytest
import yaml

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = t.Any

SERVER = ("nc", "-ll", "-p", "80", "-e", "cat")
PREFIX = "linklab.docker."


@pytest.fixture(scope="module")
def net(shared_lab: Json) -> str:
    return str(shared_lab.network("hints"))


@pytest.fixture(scope="module")
def server(shared_lab: Json, net: str) -> str:
    """A server on port 80 that no test changes."""
    return str(shared_lab.run("hints-server", *SERVER, networks=[net]))


@pytest.fixture(scope="module")
def client(shared_lab: Json, net: str) -> str:
    return str(shared_lab.run("hints-client", networks=[net]))


@pytest.fixture
def paste(module: Callable[..., Json], lab: Json) -> Callable[..., Json]:
    """Play the tasks of a hint, as they are but for the password, and return the result of the last."""

    def play(result: Json, password: str = "") -> Json:
        text = result["diagnosis"]["task"]
        assert text, result["diagnosis"]["hint"]
        last = None
        for task in yaml.safe_load(text.replace("{{ database_password }}", password)):
            (name,) = [key for key in task if key != "name"]
            if name == "ansible.builtin.command":
                subprocess.run(task[name]["argv"], check=True, capture_output=True)
                continue
            options = task[name]
            # What a hint creates goes away with the test, in a range that no other test uses.
            if "create" in options:
                lab.network(str(options["network"]).removeprefix(lab.prefix))
            last = module(name.removeprefix(PREFIX), options)
        return last

    return play


@pytest.mark.parametrize("host", [None, "db"])
def test_only_the_default_bridge(host, lab, connectivity, paste):
    client, server = lab.run("client"), lab.run("server", *SERVER)
    params = {"host": host} if host else {}
    paste(connectivity(client, server, "default_bridge_only", **params))
    connectivity(client, server, **params)


@pytest.mark.parametrize("side", ["source", "target"])
def test_network_mode_none(side, lab, net, connectivity, paste):
    client, server = (lab.run(name, *SERVER, networks=[net]) for name in ("client", "server"))
    box = lab.run("box", *SERVER, network="none")
    ends = (box, server) if side == "source" else (client, box)
    paste(connectivity(*ends, f"{side}_no_network"))
    connectivity(*ends)


def test_network_mode_none_and_the_default_bridge(lab, connectivity, paste):
    client, server = lab.run("client", network="none"), lab.run("server", *SERVER)
    paste(connectivity(client, server, "source_no_network"))
    connectivity(client, server)


def test_the_network_of_another_container(lab, server, client, connectivity, paste):
    net, other = lab.network("net"), lab.network("other")
    owner = lab.run("owner", *SERVER, networks=[other])
    guest = lab.run("guest", network=f"container:{owner}")
    assert paste(connectivity(lab.run("fresh", networks=[net]), guest, "target_shares_network"))["reachable"]
    paste(connectivity(guest, server, "source_shares_network"))
    connectivity(guest, server)
    assert paste(connectivity(client, guest, "target_without_name"))["reachable"]


def test_the_network_of_another_container_on_the_default_bridge(lab, connectivity, paste):
    owner, server = lab.run("owner"), lab.run("server", *SERVER)
    guest = lab.run("guest", network=f"container:{owner}")
    paste(connectivity(guest, server, "default_bridge_only"))
    connectivity(guest, server)


def test_states_that_the_engine_changes(lab, net, client, connectivity, paste):
    server = lab.run("server", *SERVER, networks=[net], start=False)
    paste(connectivity(client, server, "target_created"))
    lab.engine.stop(server, 0)
    paste(connectivity(client, server, "target_exited"))
    lab.engine.post(f"/containers/{server}/pause")
    paste(connectivity(client, server, "target_paused"))
    connectivity(client, server, timeout=5)


def test_legacy_links(lab, connectivity, paste):
    server = lab.run("server", *SERVER)
    client = lab.run("client", links=[f"{server}:db"])
    # Under a name that it does have.
    assert paste(connectivity(client, server, "name_unknown", host="dbs"))["path"] == "legacy_link"
    lab.engine.stop(server, 0)
    paste(connectivity(client, server, "link_target_stopped", host="db"))
    connectivity(client, server, host="db", timeout=5)
    lab.engine.remove_container(server, force=True)
    lab.run("server", *SERVER)
    paste(connectivity(client, server, "link_stale", host="db"))
    connectivity(client, server, host="db", timeout=5)


def test_a_name_that_nobody_has(lab, net, client, connectivity, paste):
    server = lab.run("server", *SERVER, networks=[net])
    paste(connectivity(client, server, "name_unknown", host="front"))
    connectivity(client, server, host="front")


def test_names_of_the_source_itself(lab, client, server, connectivity, paste):
    for itself in ("localhost", "127.0.0.1", lab.inspect(client)["Config"]["Hostname"]):
        result = connectivity(client, server, "resolves_elsewhere", host=itself)
        assert f"{itself} is {client} itself" in result["msg"]
        assert paste(result)["host"] == server


def test_an_alias_of_two(lab, net, client, connectivity, paste):
    one, two = (lab.run(name, *SERVER, networks={net: {"Aliases": ["twice", name]}}) for name in ("one", "two"))
    paste(connectivity(client, one, "alias_shared", host="twice"))
    connectivity(client, one, host="twice")
    assert "two" in lab.inspect(two)["NetworkSettings"]["Networks"][net]["Aliases"]


def test_a_network_link_that_leads_elsewhere(lab, net, server, connectivity, paste):
    other = lab.run("other", *SERVER, networks=[net])
    client = lab.run("client", networks={net: {"Links": [f"{other}:{server}"]}})
    paste(connectivity(client, server, "network_link_shadows"))
    connectivity(client, server)


def test_a_legacy_link_that_leads_elsewhere(lab, net, server, connectivity, paste):
    other = lab.run("other", *SERVER)
    client = lab.run("client", links=[f"{other}:{server}"])
    lab.connect(net, client)
    paste(connectivity(client, server, "hosts_entry_shadows"))
    connectivity(client, server)


def test_the_network_of_the_host_keeps_port_and_protocol(lab, mysql_server, mysql_image, connectivity, paste):
    box = lab.run("box", network="host")
    login = {"user": "root", "password": "root", "database": "shop"}
    params = {"protocol": "mysql", "port": 3306, "login": login, "probe_image": mysql_image}
    result = connectivity(box, mysql_server, "source_host_network", **params)
    assert "database: shop" in result["diagnosis"]["task"]
    proof = paste(result, "root")
    assert proof["path"] == "host"
    assert proof["mysql"]["current_user"] == "root@%"


def test_a_port_that_is_another(lab, net, client, connectivity, paste):
    server = lab.run("server", "nc", "-ll", "-p", "8080", "-e", "cat", networks=[net])
    lab.wait(lambda: ":1F90" in lab.exec(server, "cat", "/proc/net/tcp", "/proc/net/tcp6")[1])
    result = connectivity(client, server, "port_closed")
    assert "protocol: tcp" in result["diagnosis"]["task"]
    assert paste(result)["reachable"]


def test_a_server_that_is_no_mysql_server(lab, net, mysql_image, connectivity, paste):
    server = lab.run("server", "nc", "-ll", "-p", "80", "-e", "echo", "hello", networks=[net])
    client = lab.run("client", "sleep", "1000", image=mysql_image, networks=[net])
    result = connectivity(client, server, "not_mysql", protocol="mysql", login={"password": "hush"})
    assert "hush" not in str(result["diagnosis"])
    assert paste(result)["reachable"]


def test_a_network_that_forbids_its_containers_to_talk(lab, connectivity, paste):
    closed = lab.network("closed", Options={"com.docker.network.bridge.enable_icc": "false"})
    client, server = (lab.run(name, *SERVER, networks=[closed]) for name in ("client", "server"))
    paste(connectivity(client, server, "icc_disabled"))
    connectivity(client, server)


def test_a_resolver_that_was_lost(lab, net, server, connectivity, paste):
    other = lab.run("other")
    client = lab.run("client", links=[f"{other}:o"])
    lab.connect(net, client)
    lab.engine.remove_link(client, "o")
    paste(connectivity(client, server, "resolver_lost"))
    connectivity(client, server)
