# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MAC addresses of a topology's containers: had at creation, kept, and refused where no engine would give them."""

from __future__ import annotations

import typing as t

from topology_run import did

if t.TYPE_CHECKING:
    from topology_run import Topology


def macs(topology: Topology, name: str) -> dict[str, str]:
    ends = topology.raw(name)["NetworkSettings"]["Networks"]
    return {network.removeprefix(topology.lab.prefix): end["MacAddress"] for network, end in ends.items()}


def test_a_new_container_gets_its_mac_addresses_and_keeps_them(topology):
    engine, networks = topology.lab.engine, ["front", "back"]
    wanted = {"front": "02:42:0a:00:00:01", "back": "02:42:0a:00:00:02"}
    if not engine.info.speaks("1.44"):
        box = {"networks": {name: {"mac_address": mac} for name, mac in wanted.items()}}
        refused = topology({"web": box}, networks, fails=True)["msg"]
        assert "mac_address needs API 1.44 (Docker Engine 25.0)" in refused
        del wanted["back"]
    box = {"networks": {name: {"mac_address": wanted.get(name)} for name in networks}}
    topology({"web": box}, networks)
    assert macs(topology, "web").items() >= wanted.items()
    assert not topology({"web": box}, networks)["changed"]

    engine.stop(topology.full("web"), 0)
    assert did(topology({"web": box}, networks)) == ["start_container none"]
    assert macs(topology, "web").items() >= wanted.items()

    box["environment"] = {"A": "1"}
    assert did(topology({"web": box}, networks, disruption="recreate")) == ["recreate_container recreate"]
    assert macs(topology, "web").items() >= wanted.items()
    assert not topology({"web": box}, networks)["changed"]


def test_another_mac_address_is_had_with_a_successor_or_refused(topology, proxy):
    info, first, second = topology.lab.engine.info, "02:42:0a:00:00:01", "02:42:0a:00:00:02"
    topology({"web": {"networks": {"front": {"mac_address": first}}}}, ["front"])
    box = {"networks": {"front": {"mac_address": second}}}
    if not info.speaks("1.54"):
        proxy.requests.clear()
        message = topology({"web": box}, ["front"], docker_host=proxy.url, fails=True)["msg"]
        assert "mac_address needs API 1.54" in message
        assert proxy.changing == []
    if info.speaks("1.44"):
        box["environment"] = {"A": "1"}
        topology({"web": box}, ["front"], disruption="recreate")
        assert macs(topology, "web") == {"front": second}
        assert not topology({"web": box}, ["front"])["changed"]
