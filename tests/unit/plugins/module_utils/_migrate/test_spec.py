# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of link_migrate may say."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import (
    MIGRATE_OPTIONS,
    MigrateSpec,
    parse_migrate,
)


def parse(**given: t.Any) -> MigrateSpec:
    return parse_migrate({**{name: option.get("default") for name, option in MIGRATE_OPTIONS.items()}, **given})


def test_nothing_given_is_everything_without_a_gap():
    spec = parse()
    assert spec.containers is None
    assert spec.network is None
    assert spec.create is not None
    assert not (spec.gap_allowed or spec.leave_bridge or spec.bake)


def test_a_network_that_is_given_is_made_only_if_asked_for():
    assert parse(network=" backend ").network == "backend"
    assert parse(network="backend").create is None
    made = parse(network="backend", create={"internal": True}).create
    assert made is not None
    assert (made.name, made.internal) == ("backend", True)


def test_what_is_given_is_read():
    spec = parse(containers=["/client", " other "], name_gap="allowed", leave_bridge=True, environment="bake")
    assert spec.containers == ("client", "other")
    assert spec.gap_allowed and spec.leave_bridge and spec.bake


@pytest.mark.parametrize(
    "given, part",
    [
        ({"network": " "}, "network: a name or an ID is needed"),
        ({"network": "bridge"}, "names do not resolve on 'bridge'"),
        ({"network": "host"}, "names do not resolve on 'host'"),
        ({"containers": [""]}, "containers: a name or an ID is needed"),
        ({"containers": ["a", "/a"]}, "container named more than once: a"),
    ],
)
def test_what_cannot_be_is_reported(given, part):
    with pytest.raises(SpecError) as refused:
        parse(**given)
    assert part in str(refused.value)
