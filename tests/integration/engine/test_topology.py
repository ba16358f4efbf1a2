# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: what it makes, what it changes live, what it keeps and what it refuses."""

from __future__ import annotations

import sys
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from topology_run import did

Json = t.Any

THREE_TIERS = {
    "web": {"networks": ["front"], "depends_on": ["app"]},
    "app": {"networks": ["front", "back"], "depends_on": ["db"]},
    "db": {"networks": {"back": {"aliases": ["database"]}}},
}


# -- making a topology ------------------------------------------------------------------------------------------------


def test_a_topology_is_made_whole_and_a_second_run_changes_nothing(topology, module, proxy):
    wanted = (THREE_TIERS, {"front": None, "back": {"internal": True}})
    foreseen = module("topology", topology.task(*wanted, docker_host=proxy.url), check=True, diff=True)
    assert proxy.changing == []

    made = module("topology", topology.task(*wanted), diff=True)
    again = module("topology", topology.task(*wanted, docker_host=proxy.url))

    assert made["changed"]
    assert not again["changed"]
    assert proxy.changing == []
    assert foreseen["actions"] == made["actions"]
    assert foreseen["diff"] == made["diff"]
    assert did(made) == ["create_network none"] * 2 + ["create_container none"] * 3
    assert topology.exec("app", "ping", "-c1", "-W2", "database")[0] == 0
    assert topology.exec("web", "ping", "-c1", "-W2", topology.full("app"))[0] == 0
    assert topology.exec("web", "ping", "-c1", "-W2", "database")[0] != 0
    for name in THREE_TIERS:
        assert topology.raw(name)["Config"]["Labels"] == {TOPOLOGY_LABEL: topology.lab.name("lab")}
        assert made["containers"][topology.full(name)]["id"] == topology.id(name)
    assert made["containers"] == again["containers"]
    ends = again["containers"][topology.full("db")]["networks"]
    assert ends[topology.full("back")]["aliases"] == ["database"]
    assert set(made["networks"]) == {topology.full("front"), topology.full("back")}


def test_who_depends_on_a_healthy_container_starts_after_its_first_good_check(topology):
    check = {"test": "test -e /ready", "interval": "200ms"}
    slow = {"command": ["sh", "-c", "sleep 1; touch /ready; sleep 100000"], "healthcheck": check}
    topology({"db": slow, "app": {"depends_on": {"db": "healthy"}}})
    db, app = topology.raw("db"), topology.raw("app")
    assert db["State"]["Health"]["Status"] == "healthy"
    good = next(one for one in db["State"]["Health"]["Log"] if one["ExitCode"] == 0)
    assert app["State"]["StartedAt"] > good["End"][:19]


def test_wait_healthy_returns_as_soon_as_all_are(topology):
    check = {"test": "test -e /ready", "interval": "200ms"}
    slow = {"command": ["sh", "-c", "sleep 1; touch /ready; sleep 100000"], "healthcheck": check}
    result = topology({"one": slow, "two": slow, "three": None}, wait="healthy", wait_timeout=30)
    assert {one["health"] for one in result["containers"].values()} == {"healthy", ""}


def test_a_container_that_does_not_become_healthy_is_reported_with_its_last_words(topology):
    check = {"test": "echo no luck; exit 1", "interval": "100ms", "retries": 1}
    sick = {"command": ["sh", "-c", "echo hello from sick; sleep 100000"], "healthcheck": check}
    result = topology({"sick": sick, "well": None}, wait="healthy", wait_timeout=2, fails=True)
    assert f"{topology.full('sick')} did not become healthy within 2 s: its health is unhealthy" in result["msg"]
    assert "its healthcheck said: no luck" in result["msg"]
    assert "its log ends: hello from sick" in result["msg"]
    assert topology.full("well") not in result["msg"]
    assert result["changed"]


def test_a_container_that_ends_while_it_is_waited_for_is_reported_with_its_exit_code(topology):
    check = {"test": "true", "interval": "30s"}
    brief = {"command": ["sh", "-c", "echo no configuration; sleep 0.3; exit 7"], "healthcheck": check}
    result = topology({"brief": brief}, wait="healthy", fails=True)
    assert f"{topology.full('brief')} does not become healthy: it ended with exit code 7" in result["msg"]
    assert "its log ends: no configuration" in result["msg"]


def test_a_container_that_cannot_start_leaves_nothing_of_itself(topology):
    result = topology({"bad": {"command": "/no/such/program"}, "good": None}, fails=True)
    assert f"could not create container {topology.full('bad')}" in result["msg"]
    assert "Nothing of it stays" in result["msg"]
    with pytest.raises(NotFound):
        topology.raw("bad")


def test_an_image_that_is_not_available_is_one_message_and_nothing_is_made(topology):
    begin = time.monotonic()
    containers = {"far": {"image": f"{topology.lab.prefix}no-such-image", "networks": ["front"]}}
    result = topology(containers, ["front"], fails=True, timeout=20)
    assert "no-such-image, which the engine does not have" in result["msg"]
    assert time.monotonic() - begin < 60
    with pytest.raises(NotFound):
        topology.lab.engine.network(topology.full("front"))

    never = topology({"far": {**containers["far"], "pull": "never"}}, ["front"], fails=True)
    assert "pull: never" in never["msg"]
    assert "Nothing was changed." in never["msg"]


# -- changing it while it runs ----------------------------------------------------------------------------------------


def test_networks_aliases_addresses_and_links_change_on_the_same_containers(topology):
    networks = ["front", "back"]
    topology({"web": {"networks": ["front"]}, "db": {"networks": ["front"]}}, networks)
    ids = {name: (topology.id(name), topology.raw(name)["State"]["Pid"]) for name in ("web", "db")}
    address = f"{topology.made['back'].rpartition('.')[0]}.{int(topology.made['back'].rpartition('.')[2][:-3]) + 9}"

    wanted = {
        "web": {"networks": ["front", "back"], "links": ["db:d"]},
        "db": {"networks": {"back": {"aliases": ["database"], "ipv4_address": address}}},
    }
    result = topology(wanted, networks)

    assert sorted(did(result)) == sorted(["attach none"] * 2 + ["detach none"])
    assert topology.ends("web") == {"front", "back"}
    assert topology.ends("db") == {"back"}
    assert topology.exec("web", "ping", "-c1", "-W2", "d")[0] == 0
    assert result["containers"][topology.full("db")]["networks"][topology.full("back")]["ipv4_address"] == address

    # A change of what is there costs a moment without it, and keeps what is not named.
    wanted["db"]["networks"]["back"] = {"aliases": ["store"]}
    refused = topology(wanted, networks, disruption="none", fails=True)
    assert "needs more than disruption=none allows" in refused["msg"]
    result = topology(wanted, networks)
    assert did(result) == ["reattach reconnect"]
    assert topology.aliases("db", "back") == {"store"}
    assert result["containers"][topology.full("db")]["networks"][topology.full("back")]["ipv4_address"] == address
    assert {name: (topology.id(name), topology.raw(name)["State"]["Pid"]) for name in ("web", "db")} == ids


def test_what_the_engine_changes_while_it_runs_is_no_reason_to_recreate(topology):
    topology({"web": {"restart": "no", "cpus": 0.5, "mem_limit": "64m"}})
    before = topology.id("web")
    result = topology({"web": {"restart": "on-failure:3", "cpus": 1, "mem_limit": "512m"}}, disruption="none")
    host = topology.raw("web")["HostConfig"]
    assert did(result) == ["update_container none"]
    assert topology.id("web") == before
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert (host["NanoCpus"], host["Memory"]) == (10**9, 512 * 1024**2)


def test_a_recreate_needs_the_cap_and_loses_nothing(topology, proxy):
    data = f"{topology.full('data')}:/data"
    first = {"networks": {"front": {"aliases": ["www"]}}, "volumes": [data, "/anonymous"], "environment": {"A": "1"}}
    topology({"web": first}, ["front"])
    before = topology.id("web")
    topology.exec("web", "sh", "-c", "echo kept > /data/file; echo kept > /anonymous/file")

    second = {**first, "environment": {"A": "2"}, "networks": {"front": {}}}
    refused = topology({"web": second}, ["front"], fails=True, docker_host=proxy.url)
    assert "environment differs in A" in refused["msg"]
    assert "set disruption: recreate" in refused["msg"]
    assert proxy.changing == []

    result = topology({"web": second}, ["front"], disruption="recreate")
    assert did(result) == ["recreate_container recreate"]
    assert topology.id("web") != before
    assert topology.exec("web", "sh", "-c", "echo $A; cat /data/file /anonymous/file")[1] == "2\nkept\nkept\n"
    assert topology.aliases("web", "front") == {"www"}
    assert topology.raw("web")["Config"]["Labels"] == {TOPOLOGY_LABEL: topology.lab.name("lab")}
    assert not topology({"web": second}, ["front"])["changed"]


def test_an_image_that_was_rebuilt_under_the_same_name_is_noticed(topology):
    engine, tag = topology.lab.engine, topology.lab.prefix.strip("-")
    first = engine.image(topology.image)["Id"]
    engine.post(f"/images/{topology.image}/tag", repo=tag, tag="latest")
    try:
        topology({"web": {"image": tag}})
        assert not topology({"web": {"image": f"{tag}:latest"}})["changed"]
        # The label of its container's topology goes, or the image would claim what is made of it.
        labels = {"new": "1", TOPOLOGY_LABEL: ""}
        engine.post("/commit", {"Labels": labels}, container=topology.full("web"), repo=tag, tag="latest")
        found = topology({"web": {"image": tag}}, check=True, disruption="recreate")
        assert did(found) == ["recreate_container recreate"]
        assert found["actions"][0]["reason"].startswith(f"image is {tag} ({first[7:19]}), wanted {tag} (")
    finally:
        topology.lab.clear()
        engine.delete(f"/images/{tag}", force="true")


def test_containers_change_between_network_modes(topology):
    networks = ["front"]
    for wanted, ends in (
        ({"network_mode": "none"}, {"none"}),
        ({"networks": {"front": {"aliases": ["www"]}}}, {"front"}),
        ({"network_mode": "host"}, {"host"}),
        ({"network_mode": "container:other"}, set()),
        ({"network_mode": "bridge"}, {"bridge"}),
    ):
        topology({"web": wanted, "other": None}, networks, disruption="recreate")
        assert topology.ends("web") == ends
        assert not topology({"web": wanted, "other": None}, networks)["changed"]


# -- what hands did ---------------------------------------------------------------------------------------------------


def test_what_was_changed_by_hand_is_brought_back(topology):
    wanted = {
        "web": {"networks": {"front": {"aliases": ["www"]}}},
        "app": {"networks": ["front", "back"]},
        "db": {"networks": ["back"]},
        "gone": {"networks": ["back"]},
    }
    networks = ["front", "back"]
    topology(wanted, networks)
    engine, foreign = topology.lab.engine, topology.lab.network("foreign")
    engine.disconnect(topology.full("front"), topology.full("web"))
    engine.connect(topology.full("front"), topology.full("web"), {"Aliases": ["other"]})
    engine.connect(topology.full("back"), topology.full("web"), {})
    engine.connect(foreign, topology.full("web"), {"Aliases": ["guest"]})
    engine.post(f"/containers/{topology.full('app')}/pause")
    engine.stop(topology.full("db"))
    engine.remove_container(topology.full("gone"), force=True)
    before = topology.id("web")

    result = topology(wanted, networks)

    assert sorted(did(result)) == sorted(
        ["reattach reconnect", "detach none", "start_container none", "start_container none", "create_container none"]
    )
    assert topology.aliases("web", "front") == {"www"}
    assert topology.ends("web") == {"front", "foreign"}
    assert topology.aliases("web", "foreign") == {"guest"}
    assert topology.id("web") == before
    assert {topology.raw(name)["State"]["Status"] for name in wanted} == {"running"}
    assert not topology(wanted, networks)["changed"]


def test_without_networks_a_container_is_left_where_others_put_it(topology):
    """The lesson of networks: two containers run first, and are attached to a network on the fly."""
    network = topology.lab.network("later")
    made = topology({"db": None, "client": None})
    assert topology.ends("client") == {"bridge"}
    for name in ("db", "client"):
        topology.lab.engine.connect(network, topology.full(name), {})
    again = topology({"db": None, "client": None})
    assert not again["changed"]
    assert {name: one["id"] for name, one in again["containers"].items()} == {
        name: one["id"] for name, one in made["containers"].items()
    }
    assert topology.ends("client") == {"bridge", "later"}


# -- legacy links -----------------------------------------------------------------------------------------------------


def test_legacy_links_are_made_fixed_and_removed(topology):
    wanted = {"db": None, "app": {"links": ["db:d"]}}
    made = topology(wanted)
    assert made["containers"][topology.full("app")]["links"] == [f"{topology.full('db')}:d"]
    assert topology.exec("app", "ping", "-c1", "-W2", "d")[0] == 0

    # Replaced under its name by hand, which breaks every exec and every start of the source.
    topology.lab.engine.remove_container(topology.full("db"), force=True)
    refused = topology(wanted, fails=True)
    assert "leads to a container that was removed" in refused["msg"]
    fixed = topology(wanted, disruption="recreate")
    assert did(fixed) == ["remove_link reconnect", "create_container none", "recreate_container recreate"]
    assert topology.exec("app", "ping", "-c1", "-W2", "d")[0] == 0

    # Replaced by the task itself.
    wanted["db"] = {"environment": {"A": "1"}}
    replaced = topology(wanted, disruption="recreate")
    assert did(replaced) == ["remove_link reconnect", "recreate_container recreate", "recreate_container recreate"]
    assert topology.exec("app", "ping", "-c1", "-W2", "d")[0] == 0

    before = topology.id("app")
    wanted["app"] = {"links": []}
    assert did(topology(wanted)) == ["remove_link reconnect"]
    assert topology.id("app") == before
    assert topology.raw("app")["HostConfig"]["Links"] is None
    assert not topology(wanted)["changed"]


def test_both_ends_of_a_legacy_link_are_brought_back_to_the_bridge(topology):
    """Without it every exec in the source fails, or the link leads nowhere."""
    wanted = {"db": None, "app": {"links": ["db:d"]}, "other": None}
    topology(wanted)
    for name in wanted:
        topology.lab.engine.disconnect("bridge", topology.full(name))
        topology.lab.engine.connect(topology.lab.network(f"of-{name}"), topology.full(name), {})
    result = topology(wanted)
    assert [action["subject"] for action in result["actions"]] == [
        *(f"{topology.full(name)} on bridge" for name in ("db", "app")),
        topology.full("app"),
    ]
    assert did(result) == ["attach none", "attach none", "rewrite_hosts none"]
    assert topology.exec("app", "ping", "-c1", "-W2", "d")[0] == 0
    assert topology.ends("app") == {"bridge", "of-app"}
    assert topology.ends("other") == {"of-other"}
    assert not topology(wanted)["changed"]


# -- what is refused --------------------------------------------------------------------------------------------------


def test_what_others_made_is_neither_adopted_nor_touched(topology, proxy):
    topology.lab.run("web")
    network = topology.lab.network("front")
    before = topology.lab.inspect(topology.full("web"))
    wanted = ({"web": {"networks": ["front"]}, "new": None}, ["front"])
    refused = topology(*wanted, fails=True, disruption="recreate", docker_host=proxy.url)
    assert f"container {topology.full('web')} exists and is not of topology" in refused["msg"]
    assert f"network {network} exists and is not of topology" in refused["msg"]
    absent = topology(*wanted, state="absent", docker_host=proxy.url)
    assert not absent["changed"]
    assert any("stays" in warning for warning in absent["warnings"])
    assert proxy.changing == []
    assert topology.lab.inspect(topology.full("web")) == before
    # Said to be theirs, the network may be used.
    topology({"mine": {"networks": ["front"]}}, {"front": {"external": True}})
    assert topology.ends("mine") == {"front"}


def test_a_network_whose_settings_differ_needs_a_reconnect_with_the_reason(topology, proxy):
    topology({"web": {"networks": ["front"]}}, ["front"])
    wanted = ({"web": {"networks": ["front"]}}, {"front": {"internal": True}})
    refused = topology(*wanted, fails=True, disruption="none", docker_host=proxy.url)
    assert "internal False becomes True" in refused["msg"]
    assert proxy.changing == []


@pytest.mark.parametrize(
    "options,message",
    [
        ({"imagee": "x"}, "there is no option 'imagee' (did you mean image"),
        ({"networks": ["frnot"]}, "(did you mean"),
        (
            {"healthcheck": {"intervall": "1s"}},
            "healthcheck: there is no option 'intervall' (did you mean interval?)",
        ),
        ({"restart": "sometimes"}, "no restart policy"),
        ({"network_mode": "host", "ports": ["80"]}, "excludes ports"),
        ({"cpus": "many"}, "cpus"),
        ({"cap_add": ["NET_ADMN"]}, "cap_add: 'NET_ADMN' is not a Linux capability (did you mean NET_ADMIN"),
    ],
)
def test_bad_input_is_one_message(topology, module, proxy, options, message):
    result = module("topology", topology.task({"web": options}, ["front"], docker_host=proxy.url), fails=True)
    assert message in result["msg"]
    assert proxy.changing == []


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_nowhere(topology):
    secret = "correct-horse-battery"
    first = {"secret_environment": {"PASSWORD": secret}, "environment": {"PUBLIC": "shown"}}
    conftest = sys.modules[type(topology.lab).__module__]
    outputs = []
    for wanted, params in (
        (first, {}),
        (first, {}),
        ({**first, "secret_environment": {"PASSWORD": f"{secret}2"}}, {"disruption": "recreate"}),
        ({**first, "secret_environment": {"PASSWORD": f"{secret}3"}}, {}),
        ({**first, "secret_enviroment": {"PASSWORD": secret}}, {}),
        ({**first, "command": "/no/such"}, {"disruption": "recreate"}),
    ):
        arguments = dict(topology.task({"web": wanted}, **params), _ansible_diff=True, _ansible_inject_invocation=True)
        process = conftest.start_module("topology", arguments)
        outputs.append("".join(process.communicate(timeout=60)))
    assert "PASSWORD" in outputs[3]
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in outputs[0]
    assert not [output for output in outputs if secret in output]
    assert topology.exec("web", "sh", "-c", "echo $PASSWORD")[1] == f"{secret}2\n"
