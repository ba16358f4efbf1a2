# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine is killed at each request that changes something, and comes back; or it has no room left.

The engine of this machine is left alone: another one in a container of it is killed (tests/tools/nested_engine), so
these tests want root.
"""

from __future__ import annotations

import os
import typing as t

import container_link_scenarios
import network_attach_scenarios
import pytest
import topology_scenarios
from fault_labs import AT_ONCE, KEEP_COMMAND, loaded
from fault_sweep import Scenario, Sweep, clear_lab
from kept import Expected, lost, take_picture
from linklab_engine_conftest import BUSYBOX, PREFIX, SUBNETS, Lab, run_module
from mortal_engine import Mortal
from socket_proxy import Fault

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

ROOM = "40m"


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    """An engine whose containers go on while it is down."""
    one = Mortal(tmp_path_factory.mktemp("n"), f"{PREFIX}dies-", "--live-restore")
    yield one
    one.down()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    """An engine that has little room for what it stores."""
    folder, tmpfs = tmp_path_factory.mktemp("n"), f"--tmpfs /small:size={ROOM},exec"
    one = Mortal(folder, f"{PREFIX}small-", "--data-root", "/small", run=tmpfs)
    yield one
    one.down()


# -- it dies ----------------------------------------------------------------------------------------------------------


def chosen() -> list[Scenario]:
    modules = (network_attach_scenarios, container_link_scenarios, topology_scenarios)
    names = ("other aliases for three", "recreate", "create", "fix a stale link")
    return [one for module in modules for one in module.SCENARIOS if one.name in names]


@pytest.fixture(scope="module")
def deadly_sweep(nested: Mortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    one = Sweep(
        nested.engine,
        tmp_path_factory.mktemp("sweep"),
        lambda client: Lab(client, f"{PREFIX}{os.urandom(3).hex()}-"),
        SUBNETS,
        extra={
            "engine-dies-before": Fault("cut", strike=nested.kill),
            "engine-dies-after": Fault("cut", after=True, strike=nested.kill),
        },
        workers=1,
        afterwards=nested.wait,
    )
    yield one
    one.close()


@pytest.mark.parametrize("scenario", chosen(), ids=str)
def test_an_engine_that_dies(deadly_sweep, scenario):
    deadly_sweep.check(scenario)


# -- it is full -------------------------------------------------------------------------------------------------------


@pytest.fixture
def full_lab(small: Mortal) -> Iterator[Lab]:
    one = Lab(small.engine, f"{PREFIX}{os.urandom(3).hex()}-")
    yield one
    small.inside("rm -f /small/filler")
    clear_lab(one)


def fill(small: Mortal, leave: int = 0) -> None:
    """Use up all room, but for so many KiB."""
    # dd always fails in the end: the room does.
    small.inside("dd if=/dev/zero of=/small/filler bs=64k 2>/dev/null || true")
    if leave:
        small.inside(f"truncate -s -{leave}K /small/filler")


@pytest.mark.parametrize("leave", [0, 8, 64])
def test_a_source_that_is_recreated_where_there_is_no_room(small, full_lab, leave):
    lab = full_lab
    host = small.engine.connection.docker_host
    lab.network("net")
    database, client = lab.run("database", **AT_ONCE), loaded(lab, "client")
    # Its own files go on to the successor.
    lab.exec(client, "sh", "-c", "head -c 300000 /dev/urandom > /big")
    before = take_picture(lab.engine, lab.prefix)
    task = {"container": client, "links": [f"{database}:db"], "disruption": "recreate", "docker_host": host}
    fill(small, leave)

    result = run_module("container_link", task)

    expected = Expected(replaces=["client"], differs={"client": ("links",)})
    if leave == 0:
        assert "no space left on device" in result["msg"]
        assert client in result["msg"]
        assert "is as it was" in result["msg"] or "is back, running as before" in result["msg"]
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []
    assert lab.inspect(client)["State"]["Status"] == "running"
    small.inside("rm /small/filler")
    assert not run_module("container_link", task).get("failed")
    assert not run_module("container_link", task)["changed"]
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []


def test_a_topology_that_is_made_where_there_is_no_room(small, full_lab):
    lab = full_lab
    box = {"image": BUSYBOX, "command": list(KEEP_COMMAND), "stop_signal": "SIGKILL", "volumes": ["/anonymous"]}
    task = {
        "name": lab.name("lab"),
        "networks": {lab.name("net"): {}},
        "containers": {lab.name("box"): {**box, "networks": [lab.name("net")]}},
        "docker_host": small.engine.connection.docker_host,
    }
    fill(small)

    result = run_module("topology", task)

    assert result["failed"]
    assert "no space left on device" in result["msg"]
    assert lab.prefix in result["msg"]
    small.inside("rm /small/filler")
    assert run_module("topology", task)["changed"]
    assert not run_module("topology", task)["changed"]


def test_an_endpoint_that_is_changed_where_there_is_no_room(small, full_lab):
    lab = full_lab
    params = network_attach_scenarios.reattach(lab, None)
    task = {**params, "docker_host": small.engine.connection.docker_host}
    before = take_picture(lab.engine, lab.prefix)
    fill(small)

    result = run_module("network_attach", task)

    assert result["failed"]
    assert "no space left on device" in result["msg"]
    assert lost(before, take_picture(lab.engine, lab.prefix), Expected(touches=["net"])) == []
    small.inside("rm /small/filler")
    run_module("network_attach", task)
    assert not run_module("network_attach", task)["changed"]
    for name in ("running", "paused", "stopped"):
        end = lab.inspect(lab.name(name))["NetworkSettings"]["Networks"][lab.name("net")]
        assert end["IPAMConfig"]["IPv4Address"]
