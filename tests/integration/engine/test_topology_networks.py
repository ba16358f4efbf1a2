# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a topology's networks cannot be, told before anything is made."""

from __future__ import annotations

import ipaddress

import pytest
from topology_run import BOX, run


def test_what_a_network_cannot_have_is_reported_before_anything_is_made(topology, proxy):
    six = [{"subnet": str(topology.subnets())}, {"subnet": "fd00:94:77::/64"}]
    for network, message in (
        ({"driver": "brigde"}, "the engine has no driver brigde (did you mean bridge?)"),
        ({"ipam": {"config": six}}, "the engine ignores the IPv6 subnet fd00:94:77::/64 without enable_ipv6: true"),
    ):
        refused = topology({"web": {"networks": ["front"]}}, {"front": network}, docker_host=proxy.url, fails=True)
        assert message in refused["msg"]
    assert proxy.changing == []


def test_an_address_in_a_subnet_that_the_engine_chose_is_reported_before_anything_is_made(topology, proxy):
    if topology.lab.engine.info.speaks("1.52"):
        pytest.skip("this engine gives such addresses")
    name = topology.full("auto")
    task = {"name": topology.lab.name("lab"), "networks": {name: None}, "docker_host": proxy.url}
    fixed = {"image": topology.image, **BOX, "networks": {name: {"ipv4_address": "172.31.255.9"}}}
    assert "needs a subnet to be in" in run(task | {"containers": {topology.full("web"): fixed}})["msg"]
    assert proxy.changing == []
    made = run(task)
    subnet = ipaddress.ip_network(made["networks"][name]["subnets"][0])
    fixed["networks"][name]["ipv4_address"] = str(subnet[9])
    proxy.requests.clear()
    assert "of the engine's choice" in run(task | {"containers": {topology.full("web"): fixed}})["msg"]
    assert proxy.changing == []


def test_a_network_called_default_is_reported_in_check_mode_too(topology, proxy, module):
    task = {"name": topology.lab.name("lab"), "networks": {"default": None}, "docker_host": proxy.url}
    for check in (True, False):
        assert "networks.default: the engine makes no network of the name default" in run(task, check=check)["msg"]
    given = {"network": "default", "create": {}, "containers": [], "docker_host": proxy.url}
    assert "the engine makes no network of the name default" in module("network_attach", given, fails=True)["msg"]
    assert proxy.changing == []
