# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile images, names and servers: what others made is data."""

from __future__ import annotations

import json
import typing as t

import pytest
from labelled_images import LabelledImages

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = t.Any

MARKS = ("endpoints", "exchange", "helper", "topology", "link_migrate")


@pytest.fixture
def image(lab: Json) -> Iterator[LabelledImages]:
    images = LabelledImages(lab)
    yield images
    images.clear()


# -- images -----------------------------------------------------------------------------------------------------------


def claims(lab: Json, victim: str, network: str) -> Iterator[str]:
    """Yield what a label of an image may say, true IDs included."""
    end = {"container": lab.inspect(victim)["Id"], "name": victim, "network": network, "settings": {"Aliases": ["x"]}}
    yield json.dumps([end])
    yield json.dumps({"aliases": ["gone"], "endpoint": end})
    yield lab.inspect(victim)["Id"]
    yield lab.name("lab")
    yield ""
    yield "{" * 1000


def tasks(lab: Json, victim: str, network: str) -> Iterator[tuple[str, Json]]:
    yield "network_attach", {"network": network, "containers": [victim], "state": "absent"}
    yield "container_link", {"container": victim, "links": [], "purge": True}
    yield "link_migrate", {"containers": [victim], "network": network}
    check = {"source": victim, "target": victim, "protocol": "dns", "timeout": 0}
    yield "connectivity", {**check, "expect": "unreachable", "cause": "name_unknown"}
    yield "topology", {"name": lab.name("lab"), "state": "absent", "volumes": True}
    yield "topology", {"name": lab.name("lab"), "containers": {}, "purge": True}
    yield "topology_info", {}


def test_no_label_of_an_image_has_any_module_change_anything(lab, image, module: Callable[..., Json]):
    network = lab.network("net")
    victim = lab.run("victim")
    strangers = [
        lab.run(f"stranger-{number}", image=image(dict.fromkeys((f"linklab.docker.{m}" for m in MARKS), claim)))
        for number, claim in enumerate(claims(lab, victim, network))
    ]
    before = [lab.inspect(name) for name in (victim, *strangers)]
    for name, params in tasks(lab, victim, network):
        assert not module(name, params)["changed"], name
    for was in before:
        now = lab.inspect(was["Id"])
        assert now["State"]["StartedAt"] == was["State"]["StartedAt"]
        assert set(now["NetworkSettings"]["Networks"]) == set(was["NetworkSettings"]["Networks"])
