# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of Podman's answers."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.podman import (
    is_podman,
    with_endpoint_ids,
    with_own_name,
)


@pytest.mark.parametrize(
    "components, podman",
    [([{"Name": "Engine"}], False), ([{"Name": "Podman Engine"}, {"Name": "Conmon"}], True), (None, False)],
)
def test_podman_is_known_by_its_components(components, podman):
    assert is_podman({"ApiVersion": "1.41", "Components": components}) is podman


def test_an_endpoint_has_its_mac_address_for_an_id():
    ends = [{"EndpointID": "", "MacAddress": "02:00:00:00:00:01"}, {"EndpointID": "own"}, {"MacAddress": ""}, {}]
    with_endpoint_ids(ends)
    assert [end["EndpointID"] for end in ends] == ["02:00:00:00:00:01", "own", "", ""]


def test_the_default_network_has_the_name_that_containers_know():
    networks = [{"Name": "bridge"}, {"Name": "other"}]
    with_own_name(networks)
    assert networks == [{"Name": "podman"}, {"Name": "other"}]
