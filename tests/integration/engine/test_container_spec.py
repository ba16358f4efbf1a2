# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers on the real engine are what their options say, by the engine's own description of them."""

from __future__ import annotations

import json
import os
import re
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import Sources, create_body
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import WORDS, ContainerSpec
from ansible_collections.linklab.docker.plugins.module_utils._compose.container_compare import (
    ComparedImages,
    differences,
)
from ansible_collections.linklab.docker.plugins.module_utils._compose.container_successor import successor_config
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._model.state import read_container
from container_model import OPTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_names import IMAGE_NAMES, NO_IMAGE_NAMES

Json = t.Any

# Two values of each option, both unlike the image's own.
TWO_VALUES: dict[str, tuple[Json, Json]] = {
    "command": ("sleep 100", ["sleep", "200"]),
    "entrypoint": (["sleep"], []),
    "environment": ({"A": 1}, {"A": "2", "B": ""}),
    "secret_environment": ({"S": "a"}, {"S": "b"}),
    "user": ("1000:1000", "0"),
    "working_dir": ("/tmp//x/", "/"),
    "hostname": ("one", "two"),
    "init": (True, False),
    "cap_add": (["NET_ADMIN", "cap_sys_time"], []),
    "cap_drop": (["ALL"], ["CHOWN"]),
    "privileged": (True, False),
    "sysctls": ({"net.ipv4.ip_forward": 1}, {}),
    "volumes": (["/tmp:/host:ro", "/anonymous/"], ["/tmp:/host"]),
    "tmpfs": ("/run:size=64m,mode=1777", ["/run"]),
    "ports": (["127.0.0.1:25300:53/udp", "80"], ["80-81"]),
    "healthcheck": ({"test": "true", "interval": "1s", "retries": 2}, {"disable": True}),
    "labels": ({"a": "1"}, {}),
    "restart": ("on-failure:3", "no"),
    "stop_grace_period": ("1m30s", "10s"),
    "stop_signal": ("int", "SIGTERM"),
    "tty": (True, False),
    "stdin_open": (True, False),
    "extra_hosts": ({"a": "10.0.0.1", "b": "::1", "c": "host-gateway"}, []),
    "dns": (["1.1.1.1", "9.9.9.9"], ["9.9.9.9", "1.1.1.1"]),
    "security_opt": (["no-new-privileges", "label:disable"], []),
    "read_only": (True, False),
    "mem_limit": ("64m", "128m"),
    "cpus": (0.5, 1.0),
    "shm_size": ("32m", "64m"),
}


@pytest.fixture
def images_of_tests(mysql_image: str) -> dict[str, str]:
    return {"busybox": os.environ.get("LINKLAB_TEST_BUSYBOX", "linklab-test/busybox:latest"), "mysql": mysql_image}


def parse(options: dict[str, Json]) -> ContainerSpec:
    return ContainerSpec.parse(options, ("test",))


def create(lab: Json, name: str, spec: ContainerSpec) -> Json:
    lab.engine.create_container(lab.name(name), spec.to_api())
    return lab.inspect(lab.name(name))


def images(lab: Json, spec: ContainerSpec) -> ComparedImages:
    image = lab.engine.image(spec.image)
    return ComparedImages(image["Id"], image["Config"])


@pytest.mark.parametrize("image", ["busybox", "mysql"])
@pytest.mark.parametrize("option", sorted(TWO_VALUES))
def test_an_option_reads_back_as_it_was_given_and_another_value_is_noticed(lab, images_of_tests, image, option):
    first, second = TWO_VALUES[option]
    ref = images_of_tests[image]
    spec, other = parse({"image": ref, option: first}), parse({"image": ref, option: second})

    raw = create(lab, "box", spec)

    assert differences(spec, raw, images(lab, spec)) == {}
    assert set(differences(other, raw, images(lab, spec))) == {option}


def test_what_is_not_given_is_the_engines_own_choice(lab, images_of_tests):
    spec = parse({"image": images_of_tests["mysql"]})
    raw = create(lab, "box", spec)
    assert differences(spec, raw, images(lab, spec)) == {}


def test_every_option_is_tried(images_of_tests):
    assert set(TWO_VALUES) == set(WORDS) - {"image", "pull"}
    assert set(OPTIONS) == set(TWO_VALUES)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_options_and_their_successors_read_back_as_they_were_given(lab, images_of_tests, data):
    drawn = []
    for _which in range(2):
        names = data.draw(st.lists(st.sampled_from(sorted(OPTIONS)), unique=True, max_size=8))
        image = data.draw(st.sampled_from(sorted(images_of_tests.values())))
        drawn.append({"image": image, **{name: _own_volumes(lab, data.draw(OPTIONS[name])) for name in names}})
    first, second = (parse({**_startable(one), "restart": one.get("restart", "no")}) for one in drawn)
    try:
        raw = create(lab, "box", first)
        assert differences(first, raw, images(lab, first)) == {}
        base = lab.engine.image(first.image)
        container = read_container(raw, lab.engine.info)
        body = successor_config(second, create_body(container, Sources(base, base["Id"])), base["Config"])
        lab.engine.create_container(lab.name("box2"), body)
        assert differences(second, lab.inspect(lab.name("box2")), images(lab, second)) == {}
    finally:
        lab.clear()
        for volume in lab.engine.get("/volumes", filters=json.dumps({"name": [lab.prefix]}))["Volumes"]:
            lab.engine.delete(f"/volumes/{volume['Name']}")


def _own_volumes(lab: Json, value: Json) -> Json:
    """Give volumes names of this test alone."""
    return [re.sub("^(data|v2):", rf"{lab.prefix}\1:", one) for one in value] if isinstance(value, list) else value


def _startable(options: dict[str, Json]) -> dict[str, Json]:
    """An entrypoint needs a command of its own where the image has none to give, or the engine refuses."""
    return {**options, "command": options.get("command") or ["true"]} if "entrypoint" in options else options


def test_the_names_of_images_are_those_that_the_engine_takes(lab):
    def said(name: str) -> str:
        with pytest.raises(EngineError) as caught:
            lab.engine.create_container(lab.name("never"), {"Image": name})
        return str(caught.value)

    assert [name for name in IMAGE_NAMES if "No such image" not in said(name)] == []
    assert [name for name in NO_IMAGE_NAMES if "No such image" in said(name)] == []
