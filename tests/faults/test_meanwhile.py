# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task is about dies after the task has looked and before it acts."""

from __future__ import annotations

import typing as t

import pytest
from fault_labs import AT_ONCE, address, loaded
from kept import Expected, lost, take_picture
from linklab_engine_conftest import BUSYBOX
from socket_proxy import Fault

Json = t.Any

DEATHS: dict[str, t.Callable[[Json, str], object]] = {
    "removed": lambda engine, name: engine.remove_container(name, force=True),
    "killed": lambda engine, name: engine.post(f"/containers/{name}/kill"),
    "paused": lambda engine, name: engine.post(f"/containers/{name}/pause"),
    "renamed": lambda engine, name: engine.rename(name, f"{name}-b"),
}


@pytest.fixture
def run(module: Json, lab: Json, proxy: Json) -> t.Callable[..., Json]:
    """Run a task, and do something just before its n-th request that changes anything; return its result."""

    def call(name: str, params: Json, number: int, deed: t.Callable[[Json], object]) -> Json:
        engine = lab.engine.clone()
        fault = Fault("delay", strike=lambda: deed(engine))
        happened = proxy.spoil(fault, number)
        result = module_result(module, name, {**params, "docker_host": proxy.url})
        engine.close()
        assert happened()
        assert "\n" not in result.get("msg", "")
        return result

    return call


def module_result(module: Json, name: str, params: Json) -> Json:
    from linklab_engine_conftest import run_module

    return run_module(name, params)


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_container_whose_endpoint_is_changed(lab, module, run, death, number):
    network = lab.network("net")
    static = {"IPAMConfig": {"IPv4Address": address(lab, network, 9)}, "Aliases": ["old"]}
    box = lab.run("box", networks={network: static}, **AT_ONCE)
    ident = lab.inspect(box)["Id"]
    task = {"network": network, "endpoints": [{"container": ident, "aliases": ["new"]}]}

    result = run("network_attach", task, number, lambda engine: DEATHS[death](engine, box))

    if death == "removed":
        assert result["failed"]
        assert box in result["msg"] or "does not exist" in result["msg"]
        assert "does not exist" in module("network_attach", task, fails=True)["msg"]
        return
    module("network_attach", task)
    assert not module("network_attach", task)["changed"]
    there = lab.inspect(ident)["NetworkSettings"]["Networks"][network]
    assert there["IPAMConfig"] == static["IPAMConfig"]
    assert "new" in there["Aliases"]


@pytest.mark.parametrize("death", ["removed", "killed"])
@pytest.mark.parametrize("number", range(8))
def test_a_target_of_a_source_that_is_recreated(lab, module, run, death, number):
    lab.network("net")
    database, client = lab.run("database", **AT_ONCE), loaded(lab, "client")
    before = take_picture(lab.engine, lab.prefix)
    task = {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}

    result = run("container_link", task, number, lambda engine: DEATHS[death](engine, database))

    expected = Expected(goes=["database"], replaces=["client"], differs={"client": ("links",)})
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []
    if result.get("failed"):
        assert client in result["msg"]
        assert lab.inspect(client)["State"]["Status"] == "running"
    if death == "removed":
        lab.run("database", **AT_ONCE)
    else:
        lab.engine.start(database)
    module("container_link", task)
    assert not module("container_link", task)["changed"]
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_container_of_a_topology(lab, module, run, number):
    box = {"image": BUSYBOX, "command": ["sleep", "1000"], "stop_signal": "SIGKILL"}
    network = lab.network("net")
    task = {
        "name": lab.name("lab"),
        "networks": {network: {"external": True}},
        "containers": {lab.name(name): {**box, "networks": [network]} for name in ("one", "two")},
    }
    module("topology", task)
    for options in task["containers"].values():
        options["environment"] = {"A": "1"}
    task["disruption"] = "recreate"

    result = run("topology", task, number, lambda engine: DEATHS["removed"](engine, lab.name("one")))

    if result.get("failed"):
        assert lab.prefix in result["msg"]
    module("topology", task)
    assert not module("topology", task)["changed"]
