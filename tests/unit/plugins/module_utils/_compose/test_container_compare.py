# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing a container with its description, and making its successor, on a model of the engine's own merging."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import Sources, create_body
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import ContainerSpec
from ansible_collections.linklab.docker.plugins.module_utils._compose.container_compare import (
    HIDDEN,
    ComparedImages,
    differences,
    why,
)
from ansible_collections.linklab.docker.plugins.module_utils._compose.container_successor import successor_config
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.state import read_container
from container_model import IMAGES, PLAIN, SERVER, describe, options
from hypothesis import given, note
from hypothesis import strategies as st

Json = t.Any
INFO = EngineInfo("1.41", "20.10")
ID, NEXT = "ab" * 32, "cd" * 32
ANONYMOUS = "ef" * 32


def parse(**given_options: Json) -> ContainerSpec:
    return ContainerSpec.parse(given_options, ("containers", "web"))


def made(**given_options: Json) -> dict[str, Json]:
    """Return the description of a container of the image C(server) that was created with these options."""
    return describe(parse(**given_options).to_api(), SERVER, "web", ID)


def images(image: dict[str, Json] = SERVER) -> ComparedImages:
    return ComparedImages(image["Id"], image["Config"])


def compare(raw: dict[str, Json], base: dict[str, Json] = SERVER, **wanted: Json) -> dict[str, Json]:
    return differences(parse(**wanted), raw, images(base))


# -- what holds for all -----------------------------------------------------------------------------------------------


@given(options())
def test_what_was_created_is_as_wanted(wanted: dict[str, Json]) -> None:
    image = IMAGES[wanted["image"]]
    raw = describe(parse(**wanted).to_api(), image, "web", ID)
    note(json.dumps(raw, indent=1))
    assert compare(raw, image, **wanted) == {}


@given(options(), options())
def test_a_successor_is_as_wanted_and_keeps_what_is_not_named(first: dict[str, Json], second: dict[str, Json]) -> None:
    before, after = IMAGES[first["image"]], IMAGES[second["image"]]
    raw = describe(parse(**first).to_api(), before, "web", ID)
    body = create_body(read_container(raw, INFO), Sources(before, before["Id"]))
    made_anew = describe(successor_config(parse(**second), body, before["Config"]), after, "web", NEXT)
    note(json.dumps(made_anew, indent=1))
    assert compare(made_anew, after, **second) == {}
    kept = {name: _own(value, before) for name, value in first.items() if name not in second}
    # Together they are the container's environment; a command belongs to its entrypoint.
    if {"environment", "secret_environment"} & set(second):
        kept.pop("environment", None)
        kept.pop("secret_environment", None)
    if {"command", "entrypoint"} & {*first, *second}:
        kept.pop("command", None)
        kept.pop("entrypoint", None)
    # What equals the image's own cannot be told from it, and goes with the image.
    inherited = compare(describe({"HostConfig": {}}, before, "web", ID), before, **kept)
    assert compare(made_anew, after, **{name: value for name, value in kept.items() if name in inherited}) == {}


def _own(value: Json, image: dict[str, Json]) -> Json:
    """Leave out what equals the image's own."""
    inherited = {*image["Config"].get("Env", ()), *(f"{k}={v}" for k, v in image["Config"].get("Labels", {}).items())}
    return {k: v for k, v in value.items() if f"{k}={v}" not in inherited} if isinstance(value, dict) else value


@given(options())
def test_differences_show_no_secret(wanted: dict[str, Json]) -> None:
    secret = {**wanted, "secret_environment": {"PASSWORD": "hunter2"}, "environment": {"PUBLIC": "yes"}}
    found = compare(made(secret_environment={"PASSWORD": "hunter1", "OLD": "hunter0"}), **secret)
    assert "hunter" not in json.dumps(found) + why(found)
    assert found["secret_environment"] == ({"PASSWORD": HIDDEN}, {"PASSWORD": HIDDEN})


# -- single options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "there,wanted,expected",
    [
        ({"user": "a"}, {"user": "b"}, "user is a, wanted b"),
        ({}, {"user": "b"}, "user is app, wanted b"),
        (
            {"environment": {"A": "1", "B": "2"}},
            {"environment": {"A": "3", "C": "4"}},
            "environment differs in A, B, C",
        ),
        ({"environment": {"A": "1"}}, {"environment": {}}, "environment differs in A"),
        # The image's own variable, set to something else and now no more.
        ({"environment": {"VERSION": "2"}}, {"environment": {}}, "environment differs in VERSION"),
        ({"labels": {"a": "1"}}, {"labels": {}}, "labels differ in a"),
        ({}, {"cpus": 0.5}, "cpus is not set, wanted 0.5"),
        ({"cpus": 1.25}, {"cpus": 2}, "cpus is 1.25, wanted 2"),
        ({"mem_limit": "1g"}, {"mem_limit": "1537m"}, "mem_limit is 1g, wanted 1537m"),
        ({"shm_size": "100"}, {"shm_size": "64m"}, "shm_size is 100 bytes, wanted 64m"),
        ({"command": "x y"}, {"command": "x"}, "command is [x, y], wanted [x]"),
        ({"command": "x"}, {"command": []}, "command is [x], wanted [serverd]"),
        ({}, {"entrypoint": []}, "entrypoint is [entry.sh], wanted []"),
        ({"cap_add": ["NET_ADMIN"]}, {"cap_add": []}, "cap_add is [NET_ADMIN], wanted []"),
        ({"ports": ["80"]}, {"ports": ["8080:80"]}, "ports is [80/tcp], wanted [8080:80/tcp]"),
        ({"volumes": ["a1:/a"]}, {"volumes": ["a1:/a:ro"]}, "volumes is [a1:/a], wanted [a1:/a:ro]"),
        ({"tmpfs": ["/run"]}, {"tmpfs": ["/run:size=1m"]}, "tmpfs differs in /run"),
        ({"restart": "always"}, {"restart": "no"}, "restart is always, wanted no"),
        ({}, {"healthcheck": {"interval": "5s"}}, "healthcheck differs in Interval"),
        ({"healthcheck": {"interval": "5s"}}, {"healthcheck": {"retries": 3}}, "healthcheck differs in Interval"),
        ({}, {"healthcheck": {"disable": True}}, "healthcheck differs in Test"),
        ({}, {"stop_signal": "SIGTERM"}, "stop_signal is SIGINT, wanted SIGTERM"),
        ({"dns": ["1.1.1.1", "9.9.9.9"]}, {"dns": ["9.9.9.9", "1.1.1.1"]}, "dns is [1.1.1.1, 9.9.9.9]"),
    ],
)
def test_a_difference_is_reported(there: dict[str, Json], wanted: dict[str, Json], expected: str) -> None:
    assert why(compare(made(**there), **wanted)).startswith(expected)


@pytest.mark.parametrize(
    "there,wanted",
    [
        # What the image brings is nobody's wish.
        ({}, {"environment": {}, "labels": {}, "volumes": []}),
        ({"environment": {"A": "1"}}, {"environment": {"A": 1, "VERSION": "1"}}),
        ({}, {"healthcheck": {"test": ["CMD", "check"], "retries": 3}}),
        ({}, {"healthcheck": {"interval": "1s"}}),
        ({}, {"command": []}),
        ({}, {"stop_grace_period": "10s", "init": False, "restart": "no", "ports": [], "dns": []}),
        # Another container's secrets are not compared if only some variables are given as secret.
        ({"environment": {"A": "1"}, "secret_environment": {"B": "2"}}, {"secret_environment": {"B": "2"}}),
        # Order means nothing to a set.
        ({"cap_add": ["KILL", "CHOWN"], "ports": ["80", "81"]}, {"cap_add": ["CHOWN", "KILL"], "ports": ["81", "80"]}),
    ],
)
def test_the_same_in_other_words_is_no_difference(there: dict[str, Json], wanted: dict[str, Json]) -> None:
    assert compare(made(**there), **wanted) == {}


def test_a_label_of_the_collection_is_nobodys_desired() -> None:
    raw = made(labels={"a": "1"})
    raw["Config"]["Labels"]["linklab.docker.topology"] = "lesson"
    assert compare(raw, labels={"a": "1"}) == {}


def test_the_environment_is_compared_as_a_whole() -> None:
    raw = made(environment={"A": "1"}, secret_environment={"B": "2"})
    # A secret that is not named any more is to go.
    assert why(compare(raw, environment={"A": "1"})) == "environment differs in B"
    assert compare(raw, environment={"B": "2", "A": "1"}) == {}


def test_capabilities_as_newer_engines_write_them() -> None:
    raw = made(cap_add=["NET_ADMIN"])
    raw["HostConfig"]["CapAdd"] = ["CAP_NET_ADMIN"]
    assert compare(raw, cap_add=["net_admin"]) == {}


def test_an_anonymous_volume_that_a_successor_took_over_is_still_anonymous() -> None:
    raw = made(volumes=["/extra"])
    raw["Config"]["Volumes"] = {}
    raw["HostConfig"]["Binds"] = [f"{ANONYMOUS}:/extra:nocopy", f"{ANONYMOUS}:/var/lib/server:nocopy"]
    assert compare(raw, volumes=["/extra"]) == {}
    # Named by the task it is what the task says.
    assert compare(raw, volumes=[f"{ANONYMOUS}:/extra:nocopy"]) == {}


def test_mounts_that_another_client_wrote() -> None:
    raw = made()
    raw["HostConfig"]["Mounts"] = [
        {"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": True},
        {"Type": "bind", "Source": "/srv", "Target": "/srv", "BindOptions": {"Propagation": "rslave"}},
        {"Type": "tmpfs", "Target": "/run"},
        {"Type": "tmpfs", "Target": "/cache/", "TmpfsOptions": {"SizeBytes": 3 << 20, "Mode": 0o700}},
    ]
    assert compare(raw, volumes=["data:/data:ro", "/srv:/srv:rslave"]) == {}
    assert compare(raw, tmpfs=["/run", "/cache:size=3m,mode=700"]) == {}
    assert set(compare(raw, volumes=["data:/data:ro", "/srv:/srv"], tmpfs=["/run", "/cache"])) == {"volumes", "tmpfs"}


@pytest.mark.parametrize("base", [SERVER["Config"], None])
def test_mounts_of_another_client_go_on_as_binds_do(base: Json) -> None:
    extra = {"Type": "volume", "Source": ANONYMOUS, "Target": "/extra"}
    declared = {**extra, "Target": "/var/lib/server"}
    memory = {"Type": "tmpfs", "Target": "/run"}
    body = {"HostConfig": {"Mounts": [extra, declared, memory]}}
    found = successor_config(parse(image="server", volumes=["/extra", "data:/data"]), body, base)
    assert found["HostConfig"]["Mounts"] == [extra, declared, memory]
    assert (found["HostConfig"]["Binds"], found["Volumes"]) == (["data:/data"], {})
    found = successor_config(parse(image="server", volumes=["data:/var/lib/server"], tmpfs=["/cache"]), body, base)
    assert found["HostConfig"]["Mounts"] == ([] if base else [extra])


# -- images -----------------------------------------------------------------------------------------------------------


def test_a_name_that_stands_for_another_image_now_is_a_difference() -> None:
    raw = made(image="server")
    assert differences(parse(image="server"), raw, ComparedImages(PLAIN["Id"], SERVER["Config"])) == {
        "image": ("server (222222222222)", "server (111111111111)")
    }


def test_another_name_of_the_same_image_is_no_difference() -> None:
    raw = made(image="server")
    assert differences(parse(image="mirror/server:1"), raw, images()) == {}


def test_an_image_that_the_engine_does_not_have_is_compared_by_name() -> None:
    raw = made(image="server")
    gone = ComparedImages(None, SERVER["Config"])
    assert differences(parse(image="server:latest"), raw, gone) == {}
    assert differences(parse(image="other"), raw, gone) == {"image": ("server", "other")}


def test_without_its_image_only_what_is_named_can_be_compared() -> None:
    raw = made(environment={"A": "1"}, labels={"l": "1"}, healthcheck={"interval": "5s"}, volumes=["data:/data"])
    gone = ComparedImages(SERVER["Id"], None)
    same = {
        "environment": {"A": "1"},
        "labels": {"l": "1"},
        "healthcheck": {"interval": "5s"},
        "volumes": ["data:/data"],
    }
    assert differences(parse(**same), raw, gone) == {}
    assert set(differences(parse(environment={"A": "2"}, labels={"l": "2"}), raw, gone)) == {"environment", "labels"}


# -- successors -------------------------------------------------------------------------------------------------------


def test_a_new_image_brings_its_own() -> None:
    raw = made(image="server", environment={"A": "1"})
    body = {**raw["Config"], "HostConfig": raw["HostConfig"]}
    found = successor_config(parse(image="plain"), body, SERVER["Config"])
    assert found["Env"] == ["A=1"]
    assert "Cmd" not in found
    assert "Entrypoint" not in found
    assert found["Healthcheck"] is None


def test_anonymous_volumes_go_on_unless_something_else_takes_their_place() -> None:
    raw = made(image="server", volumes=["/extra"])
    binds = [f"{ANONYMOUS}:/extra:nocopy", f"{ANONYMOUS}:/var/lib/server:nocopy"]
    body = {**raw["Config"], "Volumes": {}, "HostConfig": {"Binds": binds}}
    found = successor_config(parse(image="server", volumes=["/extra", "data:/data"]), body, SERVER["Config"])
    assert found["HostConfig"]["Binds"] == ["data:/data", *binds]
    found = successor_config(parse(image="server", volumes=["data:/var/lib/server"]), body, SERVER["Config"])
    assert found["HostConfig"]["Binds"] == ["data:/var/lib/server"]
    # The image is gone, so that nobody can tell what it declares: nothing is lost.
    found = successor_config(parse(image="server", volumes=["data:/data"]), body, None)
    assert found["HostConfig"]["Binds"] == ["data:/data", *binds]


@given(st.sampled_from([SERVER["Config"], None]))
def test_labels_of_the_collection_go_on(base: dict[str, Json] | None) -> None:
    body = {"Labels": {"linklab.docker.topology": "lesson", "old": "1"}, "HostConfig": {}}
    found = successor_config(parse(image="server", labels={"new": "2"}), body, base)
    assert found["Labels"] == {"linklab.docker.topology": "lesson", "new": "2"}
