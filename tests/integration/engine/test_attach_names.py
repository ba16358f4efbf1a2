# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aliases and links next to those of others, and names that two containers have, on the real engine."""

from __future__ import annotations

import typing as t

Json = t.Any


def names(lab: Json, container: str, network: str) -> tuple[set[str], set[str]]:
    """Return the aliases that somebody asked for, and the links."""
    raw = lab.inspect(container)
    end = raw["NetworkSettings"]["Networks"][network]
    return set(end["Aliases"] or ()) - {raw["Id"][:12]}, set(end["Links"] or ())


def test_added_aliases_and_links_in_twelve_steps(lab, module):
    """Create, modify and go back, each in check mode and for real, and each twice."""
    network = lab.network("net")
    container, target = lab.run("box"), lab.run("target", networks=[network])
    lab.connect(network, container, Aliases=["theirs"], Links=[f"{target}:t"])
    one, two = {"aliases": ["a"], "links": [f"{target}:x"]}, {"aliases": ["b", "theirs"], "links": [f"{target}:t"]}

    def step(desired: Json, check: bool) -> Json:
        return module(
            "network_attach", {"network": network, "endpoints": [{"container": container, **desired}]}, check=check
        )

    added = {"aliases_mode": "add", "links_mode": "add"}
    theirs = ({"theirs"}, {f"{target}:t"})
    all_of_them = ({"theirs", "a", "b"}, {f"{target}:t", f"{target}:x"})
    for desired, before, after in (
        ({**one, **added}, theirs, ({"theirs", "a"}, all_of_them[1])),
        ({**two, **added}, ({"theirs", "a"}, all_of_them[1]), all_of_them),
        ({"aliases": ["theirs"], "links": [f"{target}:t"]}, all_of_them, theirs),
    ):
        foreseen = step(desired, True)
        assert names(lab, container, network) == before
        done = step(desired, False)
        assert (done["changed"], done["actions"], done["diff"]) == (True, foreseen["actions"], foreseen["diff"])
        assert names(lab, container, network) == after
        assert not step(desired, True)["changed"]
        assert not step(desired, False)["changed"]


def test_what_was_added_goes_on_through_a_change_of_something_else(lab, module):
    network = lab.network("net")
    container = lab.run("box", networks={network: {"Aliases": ["theirs"]}})
    desired = {"container": container, "aliases": ["mine"], "aliases_mode": "add"}
    module("network_attach", {"network": network, "endpoints": [desired]})
    module("network_attach", {"network": network, "endpoints": [{"container": container, "driver_opts": {"k": "v"}}]})
    assert names(lab, container, network)[0] == {"theirs", "mine"}


def test_a_topology_adds_as_well(lab, module):
    box, network = lab.name("box"), lab.name("net")

    def params(*aliases: str) -> Json:
        end = {"aliases": list(aliases), "aliases_mode": "add"}
        desired = {"image": "linklab-test/busybox", "command": "sleep 1000", "networks": {network: end}}
        return {"name": lab.name("t"), "networks": {network: None}, "containers": {box: desired}}

    module("topology", params("a"))
    module("topology", params("b"))
    assert names(lab, box, network)[0] == {"a", "b"}
    assert not module("topology", params("a"))["changed"]


def test_an_alias_that_is_a_name_of_another_member_is_warned_of(lab, module, proxy):
    network = lab.network("net")
    other = lab.run("other", networks={network: {"Aliases": ["db"]}})
    desired = {"container": lab.run("box"), "aliases": ["db", other]}
    params = {"network": network, "endpoints": [desired]}
    for check in (True, False):
        warnings = module("network_attach", params, check=check)["warnings"]
        assert sum(f"where {other} is found under it already" in text for text in warnings) == 2, warnings
    # The name is on the network's own list; that another container has the alias, only its own description tells.
    proxy.requests.clear()
    (warning,) = module("network_attach", {**params, "docker_host": proxy.url})["warnings"]
    assert f"has the alias {other} on {network}, where {other} is found under it already" in warning
    assert not any(other in request.kind for request in proxy.requests)


def test_a_topology_warns_of_a_name_on_a_network_of_others(lab, module):
    network = lab.network("net")
    other = lab.run("other", networks={network: {"Aliases": ["db"]}})
    desired = {"image": "linklab-test/busybox", "networks": {network: {"aliases": ["db", "mine"]}}}
    params = {
        "name": lab.name("t"),
        "networks": {network: {"external": True}},
        "containers": {lab.name(n): desired for n in "xy"},
    }
    warnings = module("topology", params, check=True)["warnings"]
    # One for each of the two; what the task gives to both is shared on purpose.
    assert len(warnings) == 2, warnings
    assert all(f"gets the alias db on {network}, where {other}" in text for text in warnings)


def test_a_link_to_a_member_of_an_external_network_is_no_news(lab, module):
    network = lab.network("net")
    other = lab.run("other", networks=[network])
    box = lab.name("box")
    desired = {"image": "linklab-test/busybox", "command": "sleep 1000", "networks": [network], "links": [f"{other}:o"]}
    params = {"name": lab.name("t"), "networks": {network: {"external": True}}, "containers": {box: desired}}
    assert module("topology", params)["warnings"] == []
    assert module("topology", params)["warnings"] == []
    code, output = lab.exec(box, "nslookup", "o")
    assert code == 0, output


def test_words_of_other_tools_are_answered_with_ours(module):
    """Ansible refuses what is unknown, below create as well; the topology reads its containers itself."""
    subnet = {"network": "n", "create": {"subnet": "10.0.0.0/24"}}
    assert (
        "create.subnet (did you mean ipam: {config: [{subnet: ...}]}?)"
        in module("network_attach", subnet, fails=True)["msg"]
    )
    link = {"container": "c", "links": ["a"], "create": {"image": "i", "env_file": "f"}}
    assert "create.env_file (did you mean environment" in module("container_link", link, fails=True)["msg"]
    topology = {"name": "t", "containers": {"box": {"image": "i", "container_name": "x"}}}
    assert "did you mean the name as the key under containers?" in module("topology", topology, fails=True)["msg"]
    assert "services (did you mean containers?)" in module("topology", {"name": "t", "services": {}}, fails=True)["msg"]


def test_a_link_to_a_container_in_host_mode_is_refused(lab, module):
    network, host = lab.network("net"), lab.run("host", network="host")
    links = [f"{host}:h"]
    desired = {"image": "linklab-test/busybox", "networks": [network], "links": links}
    outside = {network: {"external": True}}
    for name, params in (
        ("network_attach", {"network": network, "endpoints": [{"container": lab.run("box"), "links": links}]}),
        ("topology", {"name": lab.name("t"), "networks": outside, "containers": {lab.name("new"): desired}}),
    ):
        refused = module(name, params, fails=True)
        assert "can never resolve" in refused["msg"]
        assert "uses the host's network" in refused["msg"]
