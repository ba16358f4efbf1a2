# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several at once on one engine: runs of the same task, tasks about one container, and a user's own commands."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from fault_labs import AT_ONCE, KEEP_COMMAND, address, loaded
from kept import Expected, lost, take_picture
from linklab_engine_conftest import BUSYBOX, random_subnet

Json = t.Any
Task = tuple[str, dict[str, Json]]

# How often a race is run: what can go wrong does not each time.
TIMES = range(3)
# What two tasks that want different things may be told.
NOT_AS_WANTED = "every change was made, but this is not as wanted (did something else change it?)"


@pytest.fixture
def together(start: Json) -> t.Callable[..., list[Json]]:
    """Run tasks at the same time and return their results; none may end without one."""

    def call(*tasks: Task) -> list[Json]:
        running = [start(name, params) for name, params in tasks]
        ended = [one.communicate(timeout=200) for one in running]
        for stdout, stderr in ended:
            assert "Traceback" not in stderr + stdout, stderr
        return [json.loads(stdout) for stdout, _stderr in ended]

    return call


def all_well(results: t.Iterable[Json]) -> None:
    assert [one["msg"] for one in results if one.get("failed")] == []


def named(lab: Json, network: str) -> list[str]:
    return [one["Id"] for one in lab.engine.networks() if one["Name"] == network]


def end(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"].get(network)


# -- the same task, several times at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("_time", TIMES)
def test_a_network_that_two_runs_make_and_attach_to(lab, together, module, _time):
    network, subnet = lab.name("net"), str(random_subnet())
    boxes = [lab.run(f"box{number}") for number in range(3)]
    task = {
        "network": network,
        "create": {"ipam": {"config": [{"subnet": subnet}]}},
        "endpoints": [{"container": box, "aliases": ["a"]} for box in boxes],
    }

    all_well(together(*[("network_attach", task)] * 2))

    assert len(named(lab, network)) == 1
    assert not module("network_attach", task)["changed"]


@pytest.mark.parametrize("_time", TIMES)
def test_a_change_that_two_runs_make_keeps_what_neither_names(lab, together, module, _time):
    network = lab.network("net")
    addresses = [address(lab, network, 10 + number) for number in range(2)]
    boxes = [
        lab.run(f"box{number}", networks={network: {"IPAMConfig": {"IPv4Address": wanted}, "Aliases": ["old"]}})
        for number, wanted in enumerate(addresses)
    ]
    task = {"network": network, "endpoints": [{"container": box, "aliases": ["new"]} for box in boxes]}

    all_well(together(*[("network_attach", task)] * 2))

    assert [end(lab, box, network)["IPAddress"] for box in boxes] == addresses
    assert not module("network_attach", task)["changed"]


def test_a_source_that_two_runs_recreate(lab, together, module):
    lab.network("net")
    database, client = lab.run("database", **AT_ONCE), loaded(lab, "client")
    task = {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}
    before = take_picture(lab.engine, lab.prefix)

    all_well(together(*[("container_link", task)] * 2))

    expected = Expected(replaces=["client"], differs={"client": ("links",)})
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []
    assert not module("container_link", task)["changed"]


def lab_of(lab: Json) -> Json:
    box = {"image": BUSYBOX, "command": list(KEEP_COMMAND), "stop_signal": "SIGKILL", "networks": [lab.name("net")]}
    return {
        "name": lab.name("lab"),
        "networks": {lab.name("net"): {"ipam": {"config": [{"subnet": str(random_subnet())}]}}},
        "containers": {lab.name("first"): box, lab.name("second"): {**box, "depends_on": [lab.name("first")]}},
    }


@pytest.mark.parametrize("_time", TIMES)
def test_a_topology_that_two_runs_make_and_remove(lab, together, module, _time):
    task = lab_of(lab)

    all_well(together(*[("topology", task)] * 2))

    assert len(named(lab, lab.name("net"))) == 1
    assert not module("topology", task)["changed"]
    all_well(together(*[("topology", {**task, "state": "absent"})] * 2))
    assert not module("topology", {**task, "state": "absent"})["changed"]


@pytest.mark.parametrize("_time", TIMES)
def test_networks_without_a_subnet_that_three_runs_make(lab, together, module, _time):
    """Nothing but their names keeps an engine from making both: subnets of their own would overlap."""
    networks = [lab.name(name) for name in ("one", "two")]
    task = lab_of(lab)
    task["networks"] = dict.fromkeys(networks)
    for options in task["containers"].values():
        options["networks"] = networks

    all_well(together(*[("topology", task)] * 3))

    assert [len(named(lab, network)) for network in networks] == [1, 1]
    assert not module("topology", task)["changed"]
    all_well(together(*[("topology", {**task, "state": "absent"})] * 3))


@pytest.mark.parametrize("_time", TIMES)
def test_a_network_without_a_subnet_that_three_runs_make_and_attach_to(lab, together, module, _time):
    network = lab.name("net")
    task = {"network": network, "create": {}, "containers": [lab.run("box"), lab.run("stopped", start=False)]}

    all_well(together(*[("network_attach", task)] * 3))

    assert len(named(lab, network)) == 1
    assert not module("network_attach", task)["changed"]


def test_a_topology_that_two_runs_recreate(lab, together, module):
    task = lab_of(lab)
    module("topology", task)
    for options in task["containers"].values():
        options["environment"] = {"NEW": "value"}
    task["disruption"] = "recreate"

    all_well(together(*[("topology", task)] * 2))

    assert not module("topology", task)["changed"]
    assert "NEW=value" in lab.inspect(lab.name("first"))["Config"]["Env"]


# -- different tasks about one container ------------------------------------------------------------------------------


@pytest.mark.parametrize("_time", TIMES)
def test_two_networks_for_one_container(lab, together, module, _time):
    box, networks = lab.run("box"), [lab.network("a"), lab.network("b")]
    tasks = [
        ("network_attach", {"network": one, "endpoints": [{"container": box, "aliases": ["x"]}]}) for one in networks
    ]

    all_well(together(*tasks))

    for name, params in tasks:
        assert not module(name, params)["changed"]


@pytest.mark.parametrize("_time", TIMES)
def test_an_endpoint_that_one_attaches_and_another_detaches(lab, together, module, _time):
    network = lab.network("net")
    box, stays = lab.run("box"), lab.run("stays", networks=[network])
    here = {"network": network, "containers": [box]}
    gone = {**here, "state": "absent"}

    results = together(*[("network_attach", here), ("network_attach", gone)] * 2)

    for result in results:
        # They want different things: either has it for a moment.
        assert not result.get("failed") or NOT_AS_WANTED in result["msg"] or "could not attach" in result["msg"], result
    module("network_attach", here)
    assert end(lab, box, network)["EndpointID"]
    lab.engine.post(f"/containers/{box}/restart", t="0")
    assert not module("network_attach", here)["changed"]
    assert end(lab, stays, network)["EndpointID"]


def test_two_links_for_one_source(lab, together, module):
    lab.network("net")
    client, targets = loaded(lab, "client"), [lab.run(name, **AT_ONCE) for name in ("one", "two")]
    before = take_picture(lab.engine, lab.prefix)
    tasks = [("container_link", {"container": client, "links": [one], "disruption": "recreate"}) for one in targets]

    all_well(together(*tasks))

    for name, params in tasks:
        assert not module(name, params)["changed"]
    expected = Expected(replaces=["client"], differs={"client": ("links",)})
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []


@pytest.mark.parametrize("_time", TIMES)
def test_two_network_links_for_one_source(lab, together, module, _time):
    network = lab.network("net")
    targets = [lab.run(name, networks=[network]) for name in ("old", "one", "two")]
    wanted = address(lab, network, 10)
    settings = {"IPAMConfig": {"IPv4Address": wanted}, "Aliases": ["kept"], "Links": [f"{targets[0]}:old"]}
    client = lab.run("client", networks={network: settings})
    given = {"container": client, "network": network}
    tasks = [("container_link", {**given, "links": [f"{targets[number]}:t{number}"]}) for number in (1, 2)]

    all_well(together(*tasks))

    there = end(lab, client, network)
    assert sorted(there["Links"]) == sorted(f"{target}:{alias}" for target, alias in zip(targets, ("old", "t1", "t2")))
    assert there["IPAMConfig"]["IPv4Address"] == wanted
    assert "kept" in there["Aliases"]
    for name, params in tasks:
        assert not module(name, params)["changed"]


@pytest.mark.parametrize("_time", TIMES)
def test_a_link_for_a_source_that_loses_another(lab, together, module, _time):
    lab.network("net")
    targets = [lab.run(name, **AT_ONCE) for name in ("old", "new")]
    client = loaded(lab, "client")
    old, new = ({"container": client, "links": [target], "disruption": "recreate"} for target in targets)
    module("container_link", old)
    before = take_picture(lab.engine, lab.prefix)
    tasks = [("container_link", new), ("container_link", {**old, "state": "absent"})]

    all_well(together(*tasks))

    for name, params in tasks:
        assert not module(name, params)["changed"]
    expected = Expected(replaces=["client"], differs={"client": ("links",)})
    assert lost(before, take_picture(lab.engine, lab.prefix), expected) == []


# -- the user does something meanwhile --------------------------------------------------------------------------------


class Meanwhile:
    """Does something over and over until it is asked to stop; what the engine says to it is of no interest."""

    def __init__(self, engine: Json) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self, deed: t.Callable[[Json], object]) -> None:
        self._threads.append(threading.Thread(target=self._go_on, args=(deed, self._engine.clone())))
        self._threads[-1].start()

    def _go_on(self, deed: t.Callable[[Json], object], engine: Json) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(EngineError):
                deed(engine)
        engine.close()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def meanwhile(lab: Json) -> t.Iterator[Meanwhile]:
    one = Meanwhile(lab.engine)
    yield one
    one.end()


def deeds(network: str, box: str) -> dict[str, t.Callable[[Json], object]]:
    return {
        "disconnect": lambda engine: engine.disconnect(network, box, force=True),
        "connect": lambda engine: engine.connect(network, box, {"Aliases": ["by-hand"]}),
        "restart": lambda engine: engine.post(f"/containers/{box}/restart", t="0"),
        "pause": lambda engine: (
            engine.post(f"/containers/{box}/pause"),
            engine.post(f"/containers/{box}/unpause"),
        ),
        "rename": lambda engine: (engine.rename(box, f"{box}-b"), engine.rename(f"{box}-b", box)),
    }


@pytest.mark.parametrize("deed", ["disconnect", "connect", "restart", "pause", "rename"])
def test_a_user_who_does_something_to_the_container(lab, together, module, meanwhile, deed):
    network, other = lab.network("net"), lab.network("other")
    box = lab.run("box", networks={other: {"Aliases": ["kept"]}}, **AT_ONCE)
    tasks = [
        ("network_attach", {"network": network, "endpoints": [{"container": box, "aliases": [f"a{number}"]}]})
        for number in range(3)
    ]
    meanwhile.begin(deeds(network, box)[deed])

    for task in tasks:
        (result,) = together(task)
        if result.get("failed"):
            assert "\n" not in result["msg"]
            assert box in result["msg"]
    meanwhile.end()

    if lab.inspect(box)["State"]["Status"] == "paused":
        lab.engine.post(f"/containers/{box}/unpause")
    module(*tasks[-1])
    assert not module(*tasks[-1])["changed"]
    assert "kept" in end(lab, box, other)["Aliases"]
    lab.engine.post(f"/containers/{box}/restart", t="0")


# -- many -------------------------------------------------------------------------------------------------------------


def test_eight_runs_on_forty_containers(lab, together, module):
    network, subnet = lab.name("net"), str(random_subnet())
    boxes = [lab.run(f"box{number}", start=number % 2 == 0) for number in range(40)]
    task = {
        "network": network,
        "create": {"ipam": {"config": [{"subnet": subnet}]}},
        "endpoints": [{"container": box, "aliases": ["a"]} for box in boxes],
    }

    all_well(together(*[("network_attach", task)] * 8))

    assert len(named(lab, network)) == 1
    assert not module("network_attach", task)["changed"]
    assert all(end(lab, box, network) for box in boxes)
