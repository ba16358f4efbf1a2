# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which network carries a container's default route: the rule of libnetwork's C(Endpoint.Less)."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.default_route import default_route
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Endpoint


def an_endpoint(name: str, priority: int | None = None, gateway: str = "192.0.2.1") -> Endpoint:
    return Endpoint(name, settings=EndpointSettings(gw_priority=priority), gateway=gateway)


@pytest.mark.parametrize(
    "endpoints, carrier",
    [
        ([], ""),
        ([an_endpoint("b"), an_endpoint("a")], "a"),
        ([an_endpoint("b", 1), an_endpoint("a")], "b"),
        ([an_endpoint("b"), an_endpoint("a", -1)], "b"),
        ([an_endpoint("a", gateway=""), an_endpoint("b")], "b"),
        ([an_endpoint("a", gateway="")], ""),
        ([an_endpoint("inner", 9), an_endpoint("outer")], "outer"),
        ([an_endpoint("inner")], "inner"),
    ],
)
def test_the_first_network_carries_it(endpoints, carrier):
    assert default_route(endpoints, {"inner"}) == carrier
