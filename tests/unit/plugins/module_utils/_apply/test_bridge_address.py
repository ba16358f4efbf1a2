# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses of the bridge have to be held."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.bridge_address import lower_free
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Member, Network, Subnet
from hypothesis import given
from hypothesis import strategies as st


def bridge(*taken: str, subnet: Subnet | None = None) -> Network:
    members = {address: Member(address, address, address) for address in taken}
    subnets = (subnet or Subnet("172.17.0.0/16", "172.17.0.1"), Subnet("fd00::/64", "fd00::1"))
    return Network("b", "bridge", subnets=subnets, members=members)


@pytest.mark.parametrize(
    "taken, address, free",
    [
        (["172.17.0.2"], "172.17.0.2", []),
        (["172.17.0.2", "172.17.0.3"], "172.17.0.3", []),
        (["172.17.0.4"], "172.17.0.4", ["172.17.0.2", "172.17.0.3"]),
        (["172.17.0.3", "172.17.0.5"], "172.17.0.5", ["172.17.0.2", "172.17.0.4"]),
    ],
)
def test_the_lower_ones_that_nobody_has(taken, address, free):
    assert lower_free(bridge(*taken), address) == free


def test_reserved_ones_are_not_free():
    subnet = Subnet("10.0.0.0/24", "10.0.0.1", "10.0.0.4/30", {"router": "10.0.0.5"})
    assert lower_free(bridge(subnet=subnet), "10.0.0.7") == ["10.0.0.4", "10.0.0.6"]


def test_an_address_of_another_network():
    assert lower_free(bridge(), "192.0.2.1") == []


@given(st.sets(st.integers(2, 30)), st.integers(2, 30))
def test_with_these_held_the_lowest_free_one_is_the_own(taken, own):
    others = taken - {own}
    names = {number: f"172.17.0.{number}" for number in range(1, 40)}
    held = lower_free(bridge(*(names[number] for number in others | {own})), names[own])
    busy = {names[1], *held, *(names[number] for number in others)}
    assert next(names[number] for number in range(1, 40) if names[number] not in busy) == names[own]
    assert all(ipaddress.ip_address(one) < ipaddress.ip_address(names[own]) for one in held)
