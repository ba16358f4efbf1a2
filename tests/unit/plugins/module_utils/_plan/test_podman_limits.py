# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a plan is refused where the engine is Podman."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint, Network
from ansible_collections.linklab.docker.plugins.module_utils._plan.container_actions import (
    CreateContainer,
    RemoveNetwork,
    StartContainer,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Attach,
    CreateNetwork,
    Detach,
    Disruption,
    Reattach,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.podman_limits import check

WHY = ("a reason", Disruption.NONE)
BOX = ContainerState("1" * 64, "box", "running")
HERE = (*WHY, BOX, "net", "net")


def attach(**settings):
    return Attach(*HERE, EndpointSettings(**settings))


def test_what_works():
    network = CreateNetwork(*WHY, NetworkSpec("net"))
    check([network, attach(), attach(aliases=("db",), links=(), driver_opts={}, gw_priority=0), Detach(*HERE)])
    check([RemoveNetwork(*WHY, Network("2" * 64, "net"))])


@pytest.mark.parametrize(
    "settings",
    [
        {"links": (Link("db", "db"),)},
        {"ipv4_address": "192.0.2.2"},
        {"ipv6_address": "2001:db8::2"},
        {"mac_address": "02:00:00:00:00:01"},
        {"driver_opts": {"a": "b"}},
        {"gw_priority": 1},
    ],
)
def test_settings_that_would_be_ignored_or_forgotten(settings):
    (name,) = settings
    with pytest.raises(Refusal, match=rf"attach box on net .*does not tell, {name}.*Nothing was changed"):
        check([attach(aliases=("db",), **settings)])


@pytest.mark.parametrize(
    "action, message",
    [
        (Reattach(*HERE, EndpointSettings(), Endpoint("net")), "reattach box on net .a reason; .*would lose some"),
        (CreateContainer(*WHY, "box", {}), "create container box .*take them for different"),
        (StartContainer(*WHY, BOX), "start container box .a reason"),
    ],
)
def test_actions_that_do_not_work(action, message):
    with pytest.raises(Refusal, match=f"^the engine is Podman, .*: {message}.*Nothing was changed"):
        check([attach(), action])
