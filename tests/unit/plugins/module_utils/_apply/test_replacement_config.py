# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a successor is made of, read from descriptions as engines give them."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import (
    Sources,
    create_body,
    wiring,
)
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.state import read_container

Json = t.Any

OLD, NEW, NEWEST = EngineInfo("1.41", "20.10.24"), EngineInfo("1.51", "28.5.2"), EngineInfo("1.54", "29.3.0")
IDENT = "0123456789ab" + "c" * 52
IMAGE = "sha256:" + "1" * 64
SOURCES = Sources({"Config": {}}, IMAGE)


def described(
    config: Json = None, host: Json = None, mounts: Json = (), networks: Json = None, status: str = "running"
) -> Json:
    return {
        "Id": IDENT,
        "Name": "/box",
        "Image": IMAGE,
        "State": {"Status": status},
        "Config": {"Hostname": IDENT[:12], "Image": "img:1", "Cmd": ["serve"], **(config or {})},
        "HostConfig": {"NetworkMode": "default", **(host or {})},
        "Mounts": list(mounts),
        "NetworkSettings": {"Networks": networks if networks is not None else {"bridge": {}}},
    }


def body(raw: Json, sources: Sources = SOURCES) -> Json:
    before = copy.deepcopy(raw)
    made = create_body(read_container(raw, OLD), sources)
    assert raw == before
    return made


def volume(target: str, name: str = "v", **further: Json) -> Json:
    return {"Type": "volume", "Name": name, "Destination": target, "RW": True, **further}


def test_the_engines_own_host_name_is_not_carried_over():
    assert body(described())["Hostname"] == ""
    assert body(described({"Hostname": "mine"}))["Hostname"] == "mine"


@pytest.mark.parametrize("host", [{"NetworkMode": "host"}, {"NetworkMode": "container:x"}, {"UTSMode": "host"}])
def test_a_borrowed_host_name_is_not_carried_over(host):
    made = body(described({"Hostname": "theirs", "Domainname": "d"}, host))
    assert (made["Hostname"], made["Domainname"]) == ("", "")


def test_an_image_is_known_by_its_name_while_that_is_the_same_image():
    assert body(described())["Image"] == "img:1"
    assert body(described(), Sources({}, "sha256:other"))["Image"] == IMAGE
    assert body(described(), Sources({}, ""))["Image"] == IMAGE


def test_an_entrypoint_that_was_taken_away_is_not_brought_back():
    with_entrypoint = Sources({"Config": {"Entrypoint": ["/start"]}}, IMAGE)
    assert body(described({"Entrypoint": None}), with_entrypoint)["Entrypoint"] == [""]
    assert body(described({"Entrypoint": ["/mine"]}), with_entrypoint)["Entrypoint"] == ["/mine"]
    assert body(described({"Entrypoint": None}))["Entrypoint"] is None


def test_links_are_left_to_the_caller():
    assert body(described(host={"Links": ["/a:/box/b"]}))["HostConfig"]["Links"] is None


def test_volumes_without_a_name_are_bound_by_the_name_that_the_engine_made_up():
    mounts = [volume("/anonymous", "a1"), volume("/read-only", "a2", RW=False), volume("/named", "n")]
    host = body(described(host={"Binds": ["n:/named:ro", "/alone"]}, mounts=mounts))["HostConfig"]
    assert host["Binds"] == ["n:/named:ro", "a1:/anonymous:nocopy", "a2:/read-only:ro,nocopy"]


def test_a_mount_without_a_source_gets_one():
    wanted = [{"Type": "volume", "Target": "/a/"}, {"Type": "volume", "Target": "/b", "Source": "b"}]
    host = body(described(host={"Mounts": wanted}, mounts=[volume("/a", "a1"), volume("/b", "b")]))["HostConfig"]
    assert host["Mounts"] == [{**wanted[0], "Source": "a1", "VolumeOptions": {"NoCopy": True}}, wanted[1]]
    assert host["Binds"] is None


def test_what_came_from_another_container_is_bound_by_name_and_its_own_binds_are_not_doubled():
    mounts = [
        volume("/data", "d"),
        {"Type": "bind", "Source": "/srv", "Destination": "/srv", "RW": False, "Propagation": "rprivate"},
        {"Type": "bind", "Source": "/own", "Destination": "/own", "RW": True, "Propagation": "rprivate"},
    ]
    given = {"VolumesFrom": ["there", "gone:ro"], "Binds": ["/own:/own"]}
    host = body(described(host=given, mounts=mounts), Sources({}, IMAGE, frozenset({"there"})))["HostConfig"]
    assert host["VolumesFrom"] == ["there"]
    assert host["Binds"] == ["/own:/own", "d:/data:nocopy", "/srv:/srv:ro,rprivate"]


def wired(info: EngineInfo, mode: str, networks: Json, config: Json = None) -> t.Any:
    return wiring(read_container(described(config, {"NetworkMode": mode}, networks=networks), info), info)


def test_a_container_on_the_bridge_alone_needs_nothing():
    made = wired(OLD, "default", {"bridge": {"NetworkID": "b" * 64, "Aliases": None}})
    assert (made.networking, made.leave, made.join) == ({}, "", ())


def test_the_first_network_comes_with_the_container_and_the_others_are_joined():
    first = {"IPAMConfig": {"IPv4Address": "192.0.2.9"}, "Aliases": ["a", IDENT[:12]], "Links": ["x:y"]}
    made = wired(OLD, "net", {"net": first, "other": {"DriverOpts": {"k": "v"}}})
    assert made.networking == {
        "EndpointsConfig": {"net": {"IPAMConfig": first["IPAMConfig"], "Aliases": ["a"], "Links": ["x:y"]}}
    }
    assert made.join == (("other", {"DriverOpts": {"k": "v"}}),)
    assert made.leave == ""


def test_a_mode_that_names_the_network_by_its_id():
    ident = "d" * 64
    made = wired(OLD, ident, {"net": {"NetworkID": ident, "Aliases": ["a"]}})
    assert made.networking == {"EndpointsConfig": {ident: {"Aliases": ["a"]}}}
    assert (made.leave, made.join) == ("", ())


@pytest.mark.parametrize("mode, leave", [("default", "bridge"), ("gone", "gone"), ("none", "none")])
def test_a_network_that_the_container_left_is_left_again(mode, leave):
    made = wired(OLD, mode, {"other": {}})
    assert (made.leave, made.join) == (leave, (("other", {}),))


def test_a_shared_network_has_no_endpoints():
    made = wired(OLD, "container:abc", {})
    assert (made.networking, made.leave, made.join) == ({}, "", ())


def test_a_mac_address_is_kept_where_it_was_asked_for():
    networks = {"net": {"MacAddress": "02:42:11:22:33:44"}, "other": {"MacAddress": "4e:00:00:00:00:01"}}
    asked = {"MacAddress": "02:42:11:22:33:44"}
    for info, first, other in (
        (OLD, {}, {}),
        (NEW, {"EndpointsConfig": {"net": asked}}, {}),
        (NEWEST, {"EndpointsConfig": {"net": asked}}, {"MacAddress": "4e:00:00:00:00:01"}),
    ):
        made = wired(info, "net", networks, asked)
        assert (made.networking, made.join) == (first, (("other", other),))
    assert wired(NEW, "net", networks).networking == {}
