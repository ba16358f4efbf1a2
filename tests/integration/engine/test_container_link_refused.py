# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_link on the real engine: what it refuses, without having changed anything."""

from __future__ import annotations

import typing as t

import pytest
from link_run import SERVE
from nested import BUSYBOX
from refusal import refusal

Json = t.Any


@pytest.fixture
def refused(lab: Json, module: Json, proxy: Json) -> Json:
    """Run the module, which must fail without having changed anything, and return its message."""

    def call(container: str, *links: str, **params: Json) -> str:
        given = {"container": container, "links": list(links), "disruption": "recreate"}
        return refusal(module, proxy, "container_link", {**given, **params})

    return call


def test_what_does_not_exist_is_named_all_at_once(lab, refused):
    lab.run("database", start=False)
    message = refused(lab.name("clint"), lab.name("databas"), f"{lab.name('cache')}:c")
    for part in ("clint does not exist", f"databas does not exist (did you mean {lab.name('database')}", "cache does"):
        assert part in message
    assert "option create" in message


def test_a_network_that_does_not_exist(lab, refused):
    lab.network("network")
    message = refused(lab.run("client"), lab.run("database"), network=lab.name("netwerk"))
    # Networks of other tests may have names that are near as well.
    assert f"(did you mean {lab.name('network')}" in message
    assert "linklab.docker.network_attach" in message


@pytest.mark.parametrize(
    "links, part",
    [
        (["a:x", "b:x"], "two links have the alias 'x'"),
        (["client"], "leads to the container itself"),
        (["a b"], "is not a name"),
    ],
)
def test_links_that_cannot_be(lab, refused, links, part):
    assert part in refused("client", *links)


def test_a_link_to_itself_by_id(lab, refused):
    client = lab.run("client", start=False)
    assert "leads to the container itself" in refused(client, f"{lab.inspect(client)['Id']}:me")


def test_an_image_that_is_not_available(lab, refused, module):
    database = lab.run("database", *SERVE)
    message = refused(lab.name("client"), database, create={"image": "no-such:image", "pull": "never"})
    assert "the engine does not have the image no-such:image" in message


def test_targets_that_cannot_be_linked_to(lab, refused):
    network = lab.network("net")
    client, stopped = lab.run("client", *SERVE), lab.run("stopped", start=False)
    off = lab.run("off", networks=[network])
    hosts, alone = lab.run("hosts", network="host", start=False), lab.run("alone", network="none", start=False)
    inside = lab.run("inside", network=f"container:{off}", start=False)

    message = refused(client, stopped, off, hosts, alone, inside)

    assert f"the target {stopped} is created, and a container cannot start" in message
    assert f"the target {off} is not on the bridge" in message
    assert f"{hosts} uses the host's network" in message
    assert f"{alone} is on the network 'none'" in message
    assert f"{inside} shares the network of container" in message


def test_sources_that_cannot_be_linked(lab, refused):
    network = lab.network("net")
    database = lab.run("database", *SERVE)
    own, off = lab.run("own", networks=[network], start=False), lab.run("off", start=False)
    lab.engine.disconnect("bridge", off)

    assert "the engine silently drops the legacy links of such a container" in refused(own, database)
    assert f"{off} is not on the bridge" in refused(off, database)
    assert "uses the host's network" in refused(lab.run("hosts", network="host", start=False), database)


def test_a_source_that_cannot_be_replaced(lab, refused):
    database = lab.run("database", *SERVE)
    client = lab.run("client", *SERVE, host={"AutoRemove": True})
    assert "--rm" in refused(client, database)


def test_host_ports_that_the_engine_chose_are_reported_before_they_move(lab, module):
    target = lab.run("target")
    host = {"PortBindings": {"80/tcp": [{"HostPort": ""}]}}
    source = lab.run("source", StopSignal="SIGKILL", ExposedPorts={"80/tcp": {}}, host=host)
    task = {"container": source, "links": [f"{target}:db"], "disruption": "recreate"}

    (told,) = [text for text in module("container_link", task, check=True)["warnings"] if "host ports" in text]

    assert told == f"the engine chose the host ports of {source} for 80/tcp, and chooses others when it is recreated"
    assert told in module("container_link", task)["warnings"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_legacy_link_takes_no_name_that_every_container_has_for_itself(lab, refused, exists):
    database = lab.run("database")
    client = lab.run("client") if exists else lab.name("client")
    create = {} if exists else {"create": {"image": BUSYBOX}}
    message = refused(client, f"{database}:localhost", **create)
    assert f"link {database}:localhost: every container has localhost for itself" in message
