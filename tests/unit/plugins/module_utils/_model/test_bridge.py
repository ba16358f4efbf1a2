# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default bridge."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.bridge import (
    DEFAULT_BRIDGE,
    NAMELESS,
    on_default_bridge,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint


@pytest.mark.parametrize("networks, found", [((), False), (("lab",), False), ((DEFAULT_BRIDGE, "lab"), True)])
def test_who_is_on_it(networks, found):
    endpoints = {name: Endpoint(name) for name in networks}
    assert on_default_bridge(ContainerState("1" * 64, "db", "running", endpoints=endpoints)) == found


def test_nobody_has_a_name_there():
    assert DEFAULT_BRIDGE in NAMELESS
