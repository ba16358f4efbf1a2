# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses a login may go to, from recorded containers."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence, Peer
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.own_addresses import (
    is_on_machine,
    own_addresses,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Network, Subnet
from diagnosis_cases import FULL, Case, evidence_of, on_net, published

Json = t.Any

GATEWAYS = {"10.94.9.1", "10.94.8.5", "fd00:8::1"}
NETWORKS = (
    Network("1", "one", subnets=(Subnet("10.94.9.0/24"),)),
    Network("2", "two", subnets=(Subnet("10.94.8.0/24", "10.94.8.5"), Subnet("fd00:8::/64"), Subnet(""))),
    # Its gateway is a router.
    Network("3", "three", driver="macvlan", subnets=(Subnet("198.51.100.0/24", "198.51.100.1"),)),
)


def pair(host: str = "", change: t.Callable[[Evidence], Evidence] = on_net, **check: Json) -> Evidence:
    case = Case("bridge", "full", "", check={"host": host, "protocol": "mysql", **check}, change=change)
    return replace(evidence_of(case, "20.10"), engine_networks=NETWORKS)


def in_host_mode(side: str, evidence: Evidence) -> Evidence:
    container = replace(getattr(evidence, side).container, network_mode="host", endpoints={})
    return replace(evidence, **{side: Peer(container, container)})


@pytest.mark.parametrize("host", ["", "db", FULL, "192.0.2.1", "10.94.9.1", "127.0.0.1"])
def test_on_a_network_the_targets_alone(host):
    evidence = pair(host)
    assert not is_on_machine(evidence)
    assert own_addresses(evidence) == set(evidence.ends[1].addresses)


def by_port(host: str, source_host: bool = False) -> Evidence:
    """A target that publishes port 90 as 8080, on no network of the source's."""
    case = Case("full", "bridge", "", check={"host": host, "protocol": "mysql", "port": 8080}, change=published)
    evidence = replace(evidence_of(case, "20.10"), engine_networks=NETWORKS)
    return in_host_mode("source", evidence) if source_host else evidence


@pytest.mark.parametrize(
    "host, more",
    [
        ("machine", set()),
        # The task gives it; the machine may have it.
        ("192.0.2.1", {"192.0.2.1"}),
        ("2001:DB8::1", {"2001:db8::1"}),
        # A container may have these.
        ("10.94.9.77", set()),
        ("198.51.100.7", set()),
        ("127.0.0.1", set()),
    ],
)
def test_the_machines_where_the_port_is_published(host, more):
    evidence = by_port(host)
    assert is_on_machine(evidence)
    assert own_addresses(evidence) == {*evidence.ends[1].addresses, *GATEWAYS, *more}


def test_loopback_is_the_machine_for_who_uses_its_network():
    assert "127.0.0.1" in own_addresses(by_port("localhost", source_host=True))
    # Without a published port nothing of the target's is there.
    assert "127.0.0.1" not in own_addresses(in_host_mode("source", pair("localhost")))
    both = in_host_mode("source", in_host_mode("target", pair("localhost")))
    assert "127.0.0.1" in own_addresses(both)


def test_loopback_is_the_targets_for_who_shares_its_network():
    evidence = pair("localhost")
    target = evidence.ends[1]
    assert "127.0.0.1" in own_addresses(replace(evidence, source=Peer(evidence.ends[0].container, target.owner)))
