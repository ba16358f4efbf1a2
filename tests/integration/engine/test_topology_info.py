"""topology_info on the real engine: the graph says what is there, of one topology and of all, and costs little."""

from __future__ import annotations

import shutil
import subprocess
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.filter.topology_diagram import FilterModule
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL

Json = t.Any

diagram = FilterModule().filters()["topology_diagram"]


@pytest.fixture
def info(lab, module):
    """Read the graph of the whole engine, of which only what this test made is looked at, or of one topology."""

    def call(name: str | None = None, **params: Json) -> Json:
        found = module("topology_info", {**({"name": name} if name else {}), **params})
        assert not found["changed"]
        if name:
            return found
        return {
            "topologies": found["topologies"],
            "networks": [one for one in found["networks"] if ours(lab, one["name"])],
            "containers": [one for one in found["containers"] if ours(lab, one["name"])],
            "endpoints": [one for one in found["endpoints"] if ours(lab, one["container"])],
            "links": [one for one in found["links"] if ours(lab, one["source"])],
        }

    return call


def ours(lab: Json, name: str) -> bool:
    return name.startswith(lab.prefix)


def by_name(graph: Json) -> dict[str, Json]:
    return {one["name"]: one for one in graph["containers"]}


def ends(graph: Json) -> dict[tuple[str, str], Json]:
    return {(end["container"], end["network"]): end for end in graph["endpoints"]}


def links(graph: Json) -> list[tuple[str, ...]]:
    keys = ("kind", "source", "target", "alias", "network", "stale")
    return [tuple(link[key] for key in keys) for link in graph["links"]]


# -- what it says -----------------------------------------------------------------------------------------------------


def test_nodes_and_endpoints(lab, info):
    net, wall = lab.network("net", Labels={"team": "blue"}), lab.network("wall", Internal=True)
    check = {"Test": ["CMD", "true"], "Interval": 200_000_000}
    healthy = lab.run("healthy", networks={net: {"Aliases": ["db", "alias"]}, wall: {}}, Healthcheck=check)
    stopped = lab.run("stopped", networks={net: {"Aliases": ["old"]}}, start=False)
    lab.wait_healthy(healthy)
    graph = info()

    networks = {one["name"]: one for one in graph["networks"]}
    assert (networks[net]["internal"], networks[net]["labels"], networks[net]["topology"]) == (
        False,
        {"team": "blue"},
        "",
    )
    assert networks[wall]["internal"]
    assert networks[net]["subnets"] == [lab.engine.network(net)["IPAM"]["Config"][0]["Subnet"]]
    found = by_name(graph)
    assert (found[healthy]["status"], found[healthy]["health"], found[healthy]["network_mode"]) == (
        "running",
        "healthy",
        net,
    )
    assert (found[stopped]["status"], found[stopped]["health"]) == ("created", "")
    raw = lab.inspect(healthy)["NetworkSettings"]["Networks"][net]
    end = ends(graph)[healthy, net]
    assert end["aliases"] == ["alias", "db"]
    assert (end["id"], end["ipv4_address"], end["mac_address"]) == (
        raw["EndpointID"],
        raw["IPAddress"],
        raw["MacAddress"],
    )
    assert ends(graph)[stopped, net]["aliases"] == ["old"]
    assert ends(graph)[stopped, net]["ipv4_address"] == ends(graph)[stopped, net]["id"] == ""
    assert set(ends(graph)) == {(healthy, net), (healthy, wall), (stopped, net)}


def test_containers_without_a_network_of_their_own(lab, info):
    lender = lab.run("lender")
    host, alone = lab.run("host", network="host"), lab.run("alone", network="none")
    borrower = lab.run("borrower", network=f"container:{lender}")
    graph = info()
    modes = {name: one["network_mode"] for name, one in by_name(graph).items()}
    assert modes == {lender: "bridge", host: "host", alone: "none", borrower: f"container:{lender}"}
    assert set(ends(graph)) == {(lender, "bridge"), (host, "host"), (alone, "none")}
    lab.engine.remove_container(lender, force=True)
    assert by_name(info())[borrower]["network_mode"].startswith("container:")


def test_legacy_links(lab, info):
    database, cache = lab.run("database"), lab.run("cache")
    client = lab.run("client", links=[f"{database}:db", f"{cache}:c"])
    assert links(info()) == [
        ("legacy", client, cache, "c", "bridge", False),
        ("legacy", client, database, "db", "bridge", False),
    ]
    link = info()["links"][1]
    assert link["target_id"] == lab.inspect(database)["Id"]
    assert link["address"] == lab.inspect(database)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]

    # The link follows a name, not a container that took it over.
    lab.engine.rename(cache, lab.name("renamed"))
    lab.engine.remove_container(database, force=True)
    lab.run("database")
    graph = info()
    assert links(graph) == [
        ("legacy", client, lab.name("renamed"), "c", "bridge", False),
        ("legacy", client, database, "db", "bridge", True),
    ]
    assert (graph["links"][1]["target_id"], graph["links"][1]["address"]) == ("", "")


def test_network_links(lab, info):
    net, other = lab.network("net"), lab.network("other")
    database = lab.run("database", networks=[net])
    elsewhere = lab.run("elsewhere", networks=[other])
    by_id = f"{lab.inspect(database)['Id'][:12]}:i"
    client = lab.run("client", networks={net: {"Links": [f"{database}:db", by_id, f"{elsewhere}:e", "nobody:n"]}})
    assert links(info()) == [
        ("network", client, database, "db", net, False),
        ("network", client, elsewhere, "e", net, True),
        ("network", client, database, "i", net, False),
        ("network", client, "nobody", "n", net, True),
    ]
    # What is said to be stale does not resolve, and the rest does.
    for alias, code in (("db", 0), ("i", 0), ("e", 1), ("n", 1)):
        assert min(lab.exec(client, "nslookup", alias)[0], 1) == code


def test_no_variable_and_no_command_is_reported(lab, module):
    lab.run("secret", "sh", "-c", "echo hush-hush; sleep 1000", Env=["PASSWORD=hush-hush"])
    assert "hush-hush" not in str(module("topology_info", {}, check=True))


# -- one topology -----------------------------------------------------------------------------------------------------


def test_one_topology_and_what_it_is_connected_with(lab, info):
    name, label = lab.name("shop"), {TOPOLOGY_LABEL: lab.name("shop")}
    net, outer = lab.network("net", Labels=label), lab.network("outer")
    database = lab.run("database", networks=[net], Labels=label)
    web = lab.run("web", networks={net: {"Links": [f"{database}:db"]}, outer: {}}, Labels=label)
    intruder = lab.run("intruder", networks=[net, outer])
    client = lab.run("client", networks={outer: {"Links": [f"{web}:w"]}})
    lab.run("neighbour", networks=[outer])
    lab.run("other", Labels={TOPOLOGY_LABEL: lab.name("other")})
    graph = info(name)
    assert set(graph["topologies"]) >= {name, lab.name("other")}
    assert {one["name"]: one["topology"] for one in graph["networks"]} == {net: name, outer: ""}
    assert {one["name"]: one["topology"] for one in graph["containers"]} == {
        database: name,
        web: name,
        intruder: "",
        client: "",
    }
    assert set(ends(graph)) == {(database, net), (web, net), (web, outer), (intruder, net)}
    assert [link[:4] for link in links(graph)] == [("network", client, web, "w"), ("network", web, database, "db")]
    nothing = info(lab.name("shpo"))
    assert [nothing[key] for key in ("networks", "containers", "endpoints", "links")] == [[], [], [], []]


def test_what_the_module_topology_made_is_the_graph_that_its_options_promise(lab, module, info):
    image = lab.inspect(lab.run("image", start=False))["Config"]["Image"]
    box = {"image": image, "command": "sleep 1000", "stop_grace_period": "0s"}
    front, back, web, app, db = (lab.name(short) for short in ("front", "back", "web", "app", "db"))
    # Subnets of an engine's own choice would use its address pools up.
    subnets = [lab.engine.network(lab.network(short))["IPAM"]["Config"][0]["Subnet"] for short in ("a", "b")]
    for short in ("a", "b"):
        lab.engine.remove_network(lab.name(short))
    wanted = {
        "name": lab.name("shop"),
        "networks": {
            front: {"ipam": {"config": [{"subnet": subnets[0]}]}},
            back: {"ipam": {"config": [{"subnet": subnets[1]}]}, "internal": True},
        },
        "containers": {
            web: {**box, "networks": [front], "depends_on": [app]},
            app: {**box, "networks": {front: {"aliases": ["www"]}, back: None}, "links": [f"{db}:sql"]},
            db: {**box, "networks": {back: {"aliases": ["store"]}}},
        },
    }
    module("topology", wanted)
    there = info(lab.name("shop"))
    for end in there["endpoints"]:
        end["ipv4_address"] = ""
    for one in there["containers"]:
        one["status"] = ""
    assert diagram(there) == diagram(wanted)
    assert diagram(there, "dot") == diagram(wanted, "dot")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=diagram(there, "dot").encode(), capture_output=True, check=True)


# -- how it is read ---------------------------------------------------------------------------------------------------


def test_a_topology_costs_one_request_for_each_of_its_containers(lab, info, proxy):
    label = {TOPOLOGY_LABEL: lab.name("shop")}
    database = lab.run("database", Labels=label)
    lab.run("client", Labels=label, links=[f"{database}:db"])
    lab.run("stranger")
    assert len(info(lab.name("shop"), docker_host=proxy.url)["containers"]) == 2
    # The version, both lists, images that claim to be of a topology, and two containers.
    assert len(proxy.requests) == 6
    assert proxy.changing == []


def test_a_container_that_is_removed_between_the_list_and_its_description_is_left_out(lab, module, proxy):
    net = lab.network("net")
    gone, stays = lab.run("gone", networks=[net]), lab.run("stays", networks=[net])
    ident = lab.inspect(gone)["Id"]

    def remove(request: Json) -> None:
        if f"/containers/{ident}/json" in request.path:
            lab.engine.clone().remove_container(gone, force=True)

    proxy.fault = remove
    graph = module("topology_info", {"docker_host": proxy.url})
    assert stays in by_name(graph)
    assert gone not in by_name(graph)
    assert gone not in {end["container"] for end in graph["endpoints"]}


def test_an_engine_that_does_not_answer_is_one_message(module, tmp_path):
    result = module("topology_info", {"docker_host": f"unix://{tmp_path}/none"}, fails=True)
    assert "no Docker Engine at" in result["msg"]
