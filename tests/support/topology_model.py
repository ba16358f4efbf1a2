# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random topologies, and what hands do to them, for the model of the engine."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from unittest import mock

from ansible_collections.linklab.docker.plugins.module_utils._apply import hosts, replacement
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import apply
from ansible_collections.linklab.docker.plugins.module_utils._engine import images
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._topology.task import TOPOLOGY_TASK
from container_model import IMAGES, OPTIONS, SERVER
from hypothesis import strategies as st
from linked_engine import LinkedEngine

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Plan
    from engine_model import EngineModel

Json = t.Any

CONTAINERS = ("one", "two", "three", "four")
NETWORKS = ("alpha", "beta", "gamma")
FOREIGN = "elsewhere"
_SUBNETS = {name: f"10.94.{number}.0/24" for number, name in enumerate(NETWORKS)}


def new_engine() -> LinkedEngine:
    engine = LinkedEngine(IMAGES, {"far": {**SERVER, "Id": "sha256:" + "33" * 32}})
    engine.create_network({"Name": FOREIGN, "IPAM": {"Config": [{"Subnet": "10.95.0.0/24"}]}})
    return engine


def plan(engine: EngineModel, task: dict[str, Json]) -> Plan:
    spec = TOPOLOGY_TASK.parse(task)
    return TOPOLOGY_TASK.plan(spec, TOPOLOGY_TASK.observe(t.cast("t.Any", engine), spec))


def carry_out(engine: EngineModel, found: Plan) -> None:
    # Nothing here takes time, and nobody has logged in to a registry.
    nobody = mock.patch.object(images, "_credentials", return_value={})
    written = mock.patch.object(hosts, "run_in", t.cast("LinkedEngine", engine).write)
    with nobody, written, mock.patch.object(replacement, "_watch"):
        apply(t.cast("t.Any", engine), found, TOPOLOGY_TASK.executors())


def result(engine: EngineModel, task: dict[str, Json]) -> dict[str, Json]:
    """Return the module's own return values for a task."""
    spec = TOPOLOGY_TASK.parse(task)
    return TOPOLOGY_TASK.result(spec, TOPOLOGY_TASK.observe(t.cast("t.Any", engine), spec))


def converge(engine: EngineModel, task: dict[str, Json]) -> Plan:
    """Do what the module does, but for the wait; return the plan."""
    found = plan(engine, task)
    carry_out(engine, found)
    return found


# -- random tasks -----------------------------------------------------------------------------------------------------

_aliases = st.lists(st.sampled_from(["db", "www", "cache"]), unique=True, max_size=2)


@st.composite
def endpoints(draw: st.DrawFn, name: str) -> dict[str, Json]:
    """Draw the networks of a container, each with some settings."""
    found: dict[str, Json] = {}
    for network in draw(st.lists(st.sampled_from([*NETWORKS, "bridge"]), unique=True, min_size=1, max_size=3)):
        settings: dict[str, Json] = {}
        if network != "bridge":
            if draw(st.booleans()):
                settings["aliases"] = draw(_aliases)
            if draw(st.booleans()):
                # Each container has an address of its own, so that no two want the same.
                number = 100 + CONTAINERS.index(name)
                settings["ipv4_address"] = _SUBNETS[network].replace("0/24", str(number))
            if draw(st.booleans()):
                settings["driver_opts"] = draw(st.dictionaries(st.just("k"), st.sampled_from("vw")))
        found[network] = settings or None
    return found


@st.composite
def connections(draw: st.DrawFn, name: str) -> dict[str, Json]:
    """Draw how a container is connected."""
    earlier = CONTAINERS[: CONTAINERS.index(name)]
    kind = draw(st.sampled_from(["networks", "networks", "networks", "bridge", "mode", "share"]))
    if kind == "networks":
        return {"networks": draw(endpoints(name))}
    if kind == "share" and earlier:
        return {"network_mode": f"container:{draw(st.sampled_from(earlier))}"}
    if kind == "mode":
        return {"network_mode": draw(st.sampled_from(["bridge", "host", "none"]))}
    links = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
    return {"links": [f"{target}:to-{target}" for target in links]} if links or draw(st.booleans()) else {}


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Json]:
    """Draw the parameters of a task that is possible: links lead to containers of the default bridge."""
    names = draw(st.lists(st.sampled_from(CONTAINERS), unique=True))
    containers: dict[str, Json] = {}
    for name in [one for one in CONTAINERS if one in names]:
        chosen = draw(st.lists(st.sampled_from(["command", "environment", "labels", "restart", "user"]), unique=True))
        options = {option: draw(OPTIONS[option]) for option in chosen}
        wires = draw(connections(name))
        if "links" in wires:
            wires["links"] = [link for link in wires["links"] if _on_bridge(containers.get(link.partition(":")[0]))]
        if wires.get("network_mode", "").startswith("container:") and not _owns_network(containers, wires):
            wires = {}
        before = draw(st.lists(st.sampled_from(sorted(containers)), unique=True)) if containers else []
        image = draw(st.sampled_from(["plain", "server", "far"]))
        containers[name] = {"image": image, **options, **wires, **({"depends_on": before} if before else {})}
    return {
        "name": "lab",
        "networks": {name: {"ipam": {"config": [{"subnet": subnet}]}} for name, subnet in _SUBNETS.items()},
        "containers": containers,
        "state": "present",
        "purge": draw(st.booleans()),
    }


def _owns_network(containers: dict[str, Json], wires: dict[str, Json]) -> bool:
    """Whether the container whose network another one is to share is there, and does not share one itself."""
    options = containers.get(wires["network_mode"].partition(":")[2])
    return options is not None and not options.get("network_mode", "").startswith("container:")


def _on_bridge(options: dict[str, Json] | None) -> bool:
    if options is None:
        return False
    if "networks" in options:
        return "bridge" in options["networks"]
    return options.get("network_mode", "bridge") == "bridge"


@st.composite
def rewired(draw: st.DrawFn, task: dict[str, Json]) -> dict[str, Json]:
    """Draw a task that differs from another one in networks alone; legacy links keep their default bridge."""
    containers = {}
    for name, options in task["containers"].items():
        containers[name] = dict(options)
        if "networks" in options:
            bridge = {"bridge": None} if "bridge" in options["networks"] else {}
            containers[name]["networks"] = {**draw(endpoints(name)), **bridge}
    return {**task, "containers": containers}


@st.composite
def hands(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Draw what somebody does to containers by hand: verb, container, network."""
    verbs = st.sampled_from(["stop", "pause", "remove", "connect", "disconnect", "reconnect"])
    return draw(
        st.lists(
            st.tuples(verbs, st.sampled_from(CONTAINERS), st.sampled_from([*NETWORKS, FOREIGN, "bridge"])), max_size=4
        )
    )


def do_by_hand(engine: EngineModel, deeds: list[tuple[str, str, str]]) -> None:
    """Do it, as far as the engine lets."""
    for verb, name, network in deeds:
        with suppress(EngineError):
            if verb == "stop":
                engine.stop(name)
            elif verb == "pause" and engine.container(name)["State"]["Status"] == "running":
                engine.post(f"/containers/{name}/pause")
            elif verb == "remove":
                engine.remove_container(name, force=True)
            elif verb == "connect":
                engine.connect(network, name, {})
            elif verb == "disconnect":
                engine.disconnect(network, name)
            elif verb == "reconnect":
                engine.disconnect(network, name)
                engine.connect(network, name, {"Aliases": ["byhand"]} if network != "bridge" else {})


def _check_mode(engine: EngineModel, raw: Json, wanted: str) -> None:
    mode = raw["HostConfig"]["NetworkMode"]
    if wanted.startswith("container:"):
        sharer = engine.container(wanted.partition(":")[2])
        assert mode == f"container:{sharer['Id']}"
        # Else it would be in a network namespace that is gone.
        assert raw["State"]["StartedAt"] > sharer["State"]["StartedAt"]
    else:
        assert {"default": "bridge"}.get(mode, mode) == wanted


def _check_networks(raw: Json, wanted: dict[str, Json]) -> None:
    ends = raw["NetworkSettings"]["Networks"]
    # What others attached it to is theirs, and so is the default bridge if it was not created there.
    theirs = {FOREIGN} if raw["HostConfig"]["NetworkMode"] in ("default", "bridge") else {FOREIGN, "bridge"}
    assert set(wanted) <= set(ends) <= set(wanted) | theirs
    for network, settings in wanted.items():
        assert ends[network]["EndpointID"]
        there = {
            "aliases": set(ends[network].get("Aliases") or ()) - {raw["Id"][:12]},
            "ipv4_address": ends[network]["IPAddress"],
            "driver_opts": ends[network].get("DriverOpts") or {},
        }
        for option, value in (settings or {}).items():
            assert there[option] == (set(value) if option == "aliases" else value)


def check(engine: EngineModel, task: dict[str, Json]) -> None:
    """Assert that the engine's containers are as the task says, by what the engine reports about them."""
    for name, options in task["containers"].items():
        raw = engine.container(name)
        assert raw["State"]["Status"] == "running"
        if options.get("network_mode") == "bridge":
            # The engine has no way to change the mode of a container, and the networks are what counts.
            assert {"bridge"} <= set(raw["NetworkSettings"]["Networks"]) <= {"bridge", FOREIGN}
        elif "network_mode" in options:
            _check_mode(engine, raw, options["network_mode"])
        if "networks" in options:
            _check_networks(raw, options["networks"])
        if "links" in options:
            wanted_links = {tuple(link.split(":")) for link in options["links"]}
            there = {alias: engine.raw[to]["Name"][1:] for (one, alias), to in engine.links.items() if one == raw["Id"]}
            assert {(target, alias) for alias, target in there.items()} == wanted_links
        own = {entry.partition("=")[0]: entry.partition("=")[2] for entry in raw["Config"]["Env"]}
        assert own.items() >= options.get("environment", {}).items()
        assert raw["Image"] == engine.image(options["image"])["Id"]
        assert raw["Config"]["Labels"]["linklab.docker.topology"] == task["name"]
