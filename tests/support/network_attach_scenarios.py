# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of network_attach for tests that let something go wrong with them."""

from __future__ import annotations

import typing as t

from fault_labs import address, pause
from fault_sweep import Scenario
from kept import Expected
from linklab_engine_conftest import random_subnet

Json = t.Any


def create(lab: Json, _run: Json) -> Json:
    """A network that is made, for a running, a stopped and a paused container."""
    subnet = random_subnet()
    return {
        "network": lab.name("net"),
        "create": {"ipam": {"config": [{"subnet": str(subnet)}]}, "labels": {"of": "the task"}},
        "containers": [lab.run("stopped", start=False)],
        "endpoints": [
            {"container": lab.run("running"), "aliases": ["a", "b"], "ipv4_address": str(subnet[9])},
            {"container": pause(lab, lab.run("paused")), "aliases": ["c"]},
        ],
    }


def several(lab: Json, network: str) -> dict[str, str]:
    """A running, a stopped and a paused container on a network, each with something to lose."""
    made = {}
    for number, name in enumerate(("running", "stopped", "paused")):
        settings = {"IPAMConfig": {"IPv4Address": address(lab, network, 10 + number)}, "Aliases": [f"old-{name}"]}
        made[name] = lab.run(name, networks={network: settings}, start=name != "stopped")
    pause(lab, made["paused"])
    lab.connect(lab.network("other"), made["running"], Aliases=["untouched"])
    return made


def reattach(lab: Json, _run: Json) -> Json:
    """Endpoints with other aliases, which keep the addresses that they were given."""
    network = lab.network("net")
    made = several(lab, network)
    return {
        "network": network,
        "endpoints": [{"container": one, "aliases": [f"new-{name}"]} for name, one in made.items()],
    }


def swap(lab: Json, _run: Json) -> Json:
    """Two containers that take each other's address, and keep their aliases."""
    network = lab.network("net")
    ends = [
        {"Aliases": [alias], "IPAMConfig": {"IPv4Address": address(lab, network, 10 + number)}}
        for number, alias in enumerate(("a", "b"))
    ]
    one, two = (lab.run(name, networks={network: end}) for name, end in zip(("one", "two"), ends, strict=True))
    desired_endpoints = [
        {"container": one, "ipv4_address": address(lab, network, 11)},
        {"container": two, "ipv4_address": address(lab, network, 10)},
    ]
    return {"network": network, "endpoints": desired_endpoints}


def purge(lab: Json, _run: Json) -> Json:
    network = lab.network("net")
    several(lab, network)
    return {"network": network, "containers": [lab.run("named")], "purge": True}


def absent(lab: Json, _run: Json) -> Json:
    network = lab.network("net")
    return {"network": network, "containers": list(several(lab, network).values()), "state": "absent"}


TOUCHES = Expected(touches=["net"])
SCENARIOS = (
    Scenario("network_attach", "create the network, attach three", create, TOUCHES),
    Scenario("network_attach", "other aliases for three", reattach, TOUCHES),
    Scenario("network_attach", "two swap their addresses", swap, TOUCHES),
    Scenario("network_attach", "purge", purge, TOUCHES),
    Scenario("network_attach", "absent", absent, TOUCHES),
)
