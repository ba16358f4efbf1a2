# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection takes for its own on a real engine: what it made, and nothing that an image only claims."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine import exec as engine_exec
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from labelled_images import LabelledImages
from link_run import SERVE, link_here
from topology_run import did

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

# As every release wrote them, so not taken from the code.
NOTE, TOPOLOGY = "linklab.docker.endpoints", "linklab.docker.topology"
HELPER, EXCHANGE = "linklab.docker.helper", "linklab.docker.exchange"


@pytest.fixture
def image(lab: Json) -> Iterator[LabelledImages]:
    images = LabelledImages(lab)
    yield images
    images.clear()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a run for dead at once."""
    for place in (
        "_recovery.journal._PATIENCE",
        "_recovery.endpoint_notes._PATIENCE",
        "_recovery.endpoint_notes._PATIENCE_EACH",
    ):
        monkeypatch.setattr(f"ansible_collections.linklab.docker.plugins.module_utils.{place}", 0)


def noted(lab: Json, victim: str, network: str, **settings: Json) -> Json:
    return {"container": lab.inspect(victim)["Id"], "name": victim, "network": network, "settings": settings}


def note_name(lab: Json, victim: str, network: str) -> str:
    key = f"{lab.inspect(victim)['Id']} {lab.engine.network(network)['Id']}"
    return f"linklab-endpoints-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def networks_of(lab: Json, container: str) -> set[str]:
    return set(lab.inspect(container)["NetworkSettings"]["Networks"])


def is_there(lab: Json, ref: str) -> bool:
    try:
        lab.inspect(ref)
    except NotFound:
        return False
    return True


def intact(lab: Json, before: Json) -> bool:
    """Whether a container is as it was, with its volumes."""
    now = lab.inspect(before["Id"])
    assert [mount["Name"] for mount in now["Mounts"]] == [mount["Name"] for mount in before["Mounts"]]
    for mount in before["Mounts"]:
        lab.engine.get(f"/volumes/{mount['Name']}")
    return bool(now["State"]["Status"] == before["State"]["Status"])


# -- what an image claims ---------------------------------------------------------------------------------------------


def test_an_image_cannot_have_a_container_attached_elsewhere(lab, image, module):
    net, other = lab.network("net"), lab.network("other")
    victim = lab.run("victim", networks=[net])
    label = json.dumps([noted(lab, victim, other, Aliases=["bank"])])
    stranger = lab.inspect(lab.run("stranger", image=image({NOTE: label}, Volumes={"/data": {}})))
    done = module("network_attach", {"network": net, "containers": [victim]})
    assert not done["changed"]
    assert networks_of(lab, victim) == {net}
    assert intact(lab, stranger)


def test_a_container_of_such_an_image_that_looks_like_a_note_is_none_either(lab, image, module):
    net, other = lab.network("net"), lab.network("other")
    victim = lab.run("victim", networks=[net])
    label = json.dumps([noted(lab, victim, other)])
    body = {"Image": image({NOTE: label}), "Entrypoint": ["none"], "HostConfig": {"NetworkMode": "none"}}
    name = note_name(lab, victim, other)
    lab.engine.create_container(name, body)
    try:
        assert not module("network_attach", {"network": net, "containers": [victim]})["changed"]
        assert networks_of(lab, victim) == {net}
        assert is_there(lab, name)
    finally:
        lab.engine.remove_container(name, force=True)


@pytest.mark.parametrize("task", [{"state": "absent"}, {"purge": True}], ids=["absent", "purge"])
def test_a_topology_does_not_remove_what_an_image_claims_to_be_its_own(lab, image, topology, task):
    claim = image({TOPOLOGY: lab.name("lab")}, Volumes={"/data": {}})
    topology({"web": {"networks": ["front"]}}, ["front"])
    stranger = lab.inspect(lab.run("stranger", image=claim))
    there = topology({"web": {"networks": ["front"]}}, ["front"])
    assert there["orphans"] == []
    wanted = {} if "state" in task else {"containers": {"web": {"networks": ["front"]}}, "networks": ["front"]}
    done = topology(**wanted, **task)
    assert did(done) == ([] if wanted else ["remove_container none", "remove_network none"])
    assert intact(lab, stranger)


def test_topology_info_does_not_believe_an_image(lab, image, module):
    stranger = lab.run("stranger", image=image({TOPOLOGY: lab.name("lab")}))
    own = lab.run("own", Labels={TOPOLOGY: lab.name("own")})
    info = module("topology_info", {})
    assert lab.name("lab") not in info["topologies"]
    assert lab.name("own") in info["topologies"]
    found = {one["name"]: one["topology"] for one in info["containers"]}
    assert (found[stranger], found[own]) == ("", lab.name("own"))
    assert module("topology_info", {"name": lab.name("lab")})["containers"] == []


def test_an_image_that_claims_to_be_of_the_topology_is_refused_beforehand(lab, image, topology, proxy):
    claim = image({TOPOLOGY: lab.name("lab")})
    refused = topology({"web": {"image": claim}}, fails=True, docker_host=proxy.url)
    assert f"has the label {TOPOLOGY}={lab.name('lab')} itself" in refused["msg"]
    assert "docker commit --change" in refused["msg"]
    assert proxy.changing == []
    # As one that was committed from a container of another lab: its containers still get a mark of their own.
    other = image({TOPOLOGY: "another"})
    assert topology({"web": {"image": other}})["changed"]
    assert not topology({"web": {"image": other}})["changed"]
    assert did(topology(state="absent")) == ["remove_container none"]


def test_volumes_get_no_label_from_an_image(lab, image):
    claim = image({TOPOLOGY: lab.name("lab")}, Volumes={"/data": {}})
    (mount,) = lab.inspect(lab.run("box", image=claim))["Mounts"]
    assert TOPOLOGY not in (lab.engine.get(f"/volumes/{mount['Name']}")["Labels"] or {})


def test_an_image_cannot_have_its_containers_cleared_away_as_helpers(lab, image, monkeypatch):
    monkeypatch.setattr(engine_exec, "_ABANDONED_SECONDS", -1)
    victim = lab.run("victim")
    stranger = lab.run("stranger", image=image({HELPER: lab.inspect(victim)["Id"]}), start=False)
    labelled = lab.run("labelled", Labels={HELPER: lab.inspect(victim)["Id"]}, start=False)
    engine_exec.remove_abandoned(lab.engine)
    assert is_there(lab, stranger)
    assert is_there(lab, labelled)


@pytest.mark.usefixtures("at_once")
def test_an_image_says_nothing_about_what_takes_the_place_of_links(lab, image, monkeypatch):
    link = link_here(lab, monkeypatch)
    net, database = lab.network("net"), lab.run("database", *SERVE)
    # A link that is gone is all it would take; the IDs are those of a container that is there when the image is made.
    label = json.dumps({"aliases": ["gone"], "endpoint": noted(lab, database, net, Aliases=["bank"])})
    client = lab.run("client", *SERVE, image=image({EXCHANGE: label}), links=[f"{database}:db"])
    mark = f"{client}.linklab-unlink.{lab.inspect(client)['Id'][:12]}"
    lab.engine.create_container(mark, {"Image": lab.inspect(client)["Image"], "Entrypoint": ["none"]})
    done = link(client, links=[f"{database}:db"], state="absent")
    assert [action["action"] for action in done["actions"]] == ["recover", "remove_link"]
    assert networks_of(lab, database) == networks_of(lab, client) == {"bridge"}
    assert not is_there(lab, mark)


@pytest.mark.usefixtures("at_once")
def test_a_container_that_is_only_called_like_a_mark_of_a_removal_stays(lab, monkeypatch):
    link = link_here(lab, monkeypatch)
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db"])
    called = f"{client}.linklab-unlink.{lab.inspect(client)['Id'][:12]}"
    body = {"Image": lab.inspect(client)["Image"], "Entrypoint": ["sh"], "Volumes": {"/data": {}}}
    lab.engine.create_container(called, body)
    stranger = lab.inspect(called)
    try:
        done = link(client, links=[f"{database}:db"], state="absent")
        assert [action["action"] for action in done["actions"]] == ["remove_link"]
        assert intact(lab, stranger)
        link(client, links=[f"{database}:db"], disruption="recreate")
        assert intact(lab, stranger)
    finally:
        lab.engine.remove_container(called, force=True, volumes=True)


@pytest.mark.usefixtures("at_once")
def test_a_mark_is_about_no_other_container_of_the_same_name(lab, monkeypatch):
    """Whoever was off the bridge when the run died was removed since; the one that has the name never was on it."""
    link = link_here(lab, monkeypatch)
    net = lab.network("net")
    database, client = lab.run("database", *SERVE, networks=[net]), lab.run("client", *SERVE, networks=[net])
    mark = f"{client}.linklab-unlink.{'0' * 12}"
    lab.engine.create_container(mark, {"Image": lab.inspect(client)["Image"], "Entrypoint": ["none"]})
    done = link(client, network=net, links=[f"{database}:db"])
    assert [action["action"] for action in done["actions"]] == ["recover", "reattach"]
    assert networks_of(lab, client) == {net}
    assert not is_there(lab, mark)


@pytest.mark.usefixtures("at_once")
def test_a_topology_leaves_alone_what_may_be_anybodys(lab, topology, proxy):
    topology({"web": {"networks": ["front"]}}, ["front"])
    web = topology.full("web")
    other = lab.inspect(lab.run("other", start=False))["Id"]
    lab.engine.rename(other, f"{web}.linklab-old.{'0' * 12}.running")
    for check in (True, False):
        failed = topology({"web": {"networks": ["front"]}}, ["front"], fails=True, check=check, docker_host=proxy.url)
        assert "belongs to another container than the one that has this name now" in failed["msg"]
        assert "Nothing was changed" in failed["msg"]
    assert proxy.changing == []


# -- what the collection made, also before this version ---------------------------------------------------------------


@pytest.mark.usefixtures("at_once")
def test_a_note_that_a_run_left_is_acted_on(lab, module):
    net = lab.network("net")
    victim, bystander = lab.run("victim"), lab.run("bystander", networks=[net])
    end = noted(lab, victim, net, Aliases=["kept"], IPAMConfig={})
    body = {
        "Image": lab.inspect(victim)["Image"],
        "Entrypoint": ["none"],
        "Labels": {NOTE: json.dumps([end])},
        "HostConfig": {"NetworkMode": "none"},
    }
    name = note_name(lab, victim, net)
    lab.engine.create_container(name, body)
    done = module("network_attach", {"network": net, "containers": [victim, bystander]})
    assert [action["action"] for action in done["actions"]] == ["attach", "recover"]
    assert "kept" in lab.inspect(victim)["NetworkSettings"]["Networks"][net]["Aliases"]
    assert not is_there(lab, name)


def test_a_topology_of_an_earlier_release_is_still_owned(lab, topology):
    label = {TOPOLOGY: lab.name("lab")}
    net = lab.network("front", Labels=label)
    for name in ("web", "gone"):
        lab.run(name, "sleep", "100000", networks=[net], Labels=label, StopTimeout=0)
    topology.made["front"] = lab.engine.network(net)["IPAM"]["Config"][0]["Subnet"]
    there = topology({"web": {"networks": ["front"]}}, ["front"])
    assert not there["changed"]
    assert there["orphans"] == [lab.name("gone")]
    assert did(topology(state="absent")) == ["remove_container none", "remove_container none", "remove_network none"]


def test_helpers_of_an_earlier_release_are_cleared_away(lab, monkeypatch):
    monkeypatch.setattr(engine_exec, "_ABANDONED_SECONDS", -1)
    victim = lab.run("victim")
    name = f"linklab-helper-{hashlib.sha256(lab.prefix.encode()).hexdigest()[:12]}"
    body = {
        "Image": lab.inspect(victim)["Image"],
        "Entrypoint": ["sh", "-c", "exec sleep 60"],
        "Labels": {HELPER: lab.inspect(victim)["Id"]},
        "HostConfig": {"AutoRemove": True, "LogConfig": {"Type": "none"}, "CapDrop": ["ALL"]},
    }
    lab.engine.create_container(name, body)
    engine_exec.remove_abandoned(lab.engine)
    assert not is_there(lab, name)


@pytest.mark.usefixtures("at_once")
def test_what_a_dead_run_holds_addresses_with_goes_at_once(lab, monkeypatch):
    """It was killed while its source was off the bridge."""
    link = link_here(lab, monkeypatch)
    net = lab.network("net")
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db"])
    lab.connect(net, client)
    ident = lab.inspect(client)["Id"]
    mark = f"{client}.linklab-unlink.{ident[:12]}"
    lab.engine.create_container(mark, {"Image": lab.inspect(client)["Image"], "Entrypoint": ["none"]})
    holder = f"linklab-helper-{ident[:12]}"
    body = {
        "Image": lab.inspect(client)["Image"],
        "Entrypoint": ["sh", "-c", "exec sleep 60"],
        "Labels": {HELPER: ident},
        "HostConfig": {"AutoRemove": True, "LogConfig": {"Type": "none"}, "CapDrop": ["ALL"], "Init": True},
    }
    lab.engine.create_container(holder, body)
    lab.engine.start(holder)
    link(client, links=[f"{database}:db"], state="absent")
    assert not is_there(lab, mark)
    assert not is_there(lab, holder)
