# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_link can be asked for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._link.spec import LinkSpec, parse_link
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link

DEFAULTS: dict[str, t.Any] = {
    "container": "client",
    "links": ["database"],
    "network": "bridge",
    "create": None,
    "state": "present",
    "purge": False,
}


def parse(**params: t.Any) -> LinkSpec:
    return parse_link({**DEFAULTS, **params})


def test_links_with_and_without_an_alias():
    spec = parse(container=" /client ", links=["database", "database:db", "database"])
    assert spec.container == "client"
    assert spec.links == (Link("database", "database"), Link("database", "db"))
    assert spec.targets == ("database",)


def test_a_source_to_be_created():
    spec = parse(create={"image": "mysql", "environment": {"A": "1"}})
    assert spec.create is not None
    assert spec.create.to_api()["Env"] == ["A=1"]


@pytest.mark.parametrize(
    "params, message",
    [
        ({"container": " "}, "container: a name or an ID is needed"),
        ({"network": " "}, "network: a name or an ID is needed"),
        ({"network": "host"}, "there are no links on the network 'host'"),
        ({"network": "none"}, "there are no links on the network 'none'"),
        ({"links": None}, "links: name at least one link"),
        ({"links": ["a:b:c"]}, "is not a name"),
        ({"links": [""]}, "is not a name"),
        ({"links": ["a:x", "b:x"]}, "two links have the alias 'x'"),
        ({"links": ["client:me"]}, "leads to the container itself"),
        ({"create": {}}, "create: the image is needed"),
        ({"create": {"image": "m", "environment": {"A": True}}}, "create.environment"),
    ],
)
def test_what_cannot_be_asked_for(params, message):
    with pytest.raises(SpecError) as error:
        parse(**params)
    assert message in str(error.value)


@pytest.mark.parametrize("params", [{"links": []}, {"purge": True}, {"create": {"image": "m"}}])
def test_no_links_at_all_can_be_meant(params):
    assert parse(**{"links": None, **params}).links == ()
