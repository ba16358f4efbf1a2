# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine does with legacy links, as far as container_link relies on it. No module runs here."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, NotFound

Json = t.Any

SERVE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
OWN_RESOLVER = "127.0.0.11"


@pytest.fixture
def pair(lab: Json) -> tuple[str, str]:
    """A source and its target, linked as C(db)."""
    target = lab.run("target", *SERVE)
    return lab.run("source", *SERVE, links=[f"{target}:db"]), target


def links(lab: Json, source: str) -> list[str]:
    return sorted(lab.inspect(source)["HostConfig"]["Links"] or ())


def leads_to(lab: Json, source: str, alias: str = "db") -> str:
    """The ID of the container that a link leads to; empty if it leads nowhere."""
    try:
        return str(lab.engine.get(f"/containers/{source}/{alias}/json")["Id"])
    except NotFound:
        return ""


def remove(lab: Json, source: str, alias: str = "db") -> int:
    """Ask the engine to remove a link and return its status."""
    try:
        lab.engine.remove_link(source, alias)
    except EngineError as exc:
        return exc.status
    return 204


def works(lab: Json, container: str) -> bool:
    """Whether something can be executed in a container."""
    try:
        return bool(lab.exec(container, "true")[0] == 0)
    except EngineError:
        return False


def hosts(lab: Json, container: str) -> str:
    return str(lab.exec(container, "cat", "/etc/hosts")[1])


def resolver(lab: Json, container: str) -> str:
    return str(lab.exec(container, "cat", "/etc/resolv.conf")[1])


def restart(lab: Json, container: str) -> None:
    lab.engine.post(f"/containers/{container}/restart", t="0")


def test_a_link_reads_the_same_whatever_became_of_its_target(lab, pair):
    source, target = pair
    text, ident = f"/{target}:/{source}/db", lab.inspect(target)["Id"]
    assert (links(lab, source), leads_to(lab, source)) == ([text], ident)

    lab.engine.stop(target)
    assert (links(lab, source), leads_to(lab, source)) == ([text], ident)
    assert not works(lab, source)

    lab.engine.remove_container(target)
    assert (links(lab, source), leads_to(lab, source)) == ([text], "")

    lab.run("target", *SERVE)
    assert (links(lab, source), leads_to(lab, source)) == ([text], "")
    assert not works(lab, source)
    with pytest.raises(EngineError):
        restart(lab, source)


def test_a_link_follows_its_target_and_its_source_to_other_names(lab, pair):
    source, target = pair
    ident = lab.inspect(target)["Id"]
    lab.engine.rename(target, lab.name("other-target"))
    lab.engine.rename(source, lab.name("other-source"))
    source = lab.name("other-source")
    assert links(lab, source) == [f"/{lab.name('other-target')}:/{source}/db"]
    assert leads_to(lab, source) == ident


def test_a_link_by_id_reads_as_one_by_name(lab):
    target = lab.run("target", *SERVE)
    source = lab.run("source", *SERVE, links=[f"{lab.inspect(target)['Id']}:db"])
    assert links(lab, source) == [f"/{target}:/{source}/db"]


def test_a_link_without_target_is_not_to_be_removed(lab, pair):
    source, target = pair
    lab.engine.remove_container(target, force=True)
    assert remove(lab, source) == 404
    lab.run("target", *SERVE)
    assert remove(lab, source) == 404
    assert len(links(lab, source)) == 1


def test_a_link_without_target_goes_once_another_container_lends_it_the_name(lab, pair):
    source, target = pair
    lab.engine.remove_container(target, force=True)
    ident = lab.inspect(source)["Id"]

    lab.run("helper", start=False, links=[f"{ident}:../{source}/db"])
    assert leads_to(lab, source) == ident
    assert remove(lab, source) == 204

    assert links(lab, source) == []
    lab.engine.remove_container(lab.name("helper"))
    assert works(lab, source)
    restart(lab, source)


def test_removing_a_link_on_the_bridge_alone_takes_the_hosts_line_too(lab, pair):
    source, _target = pair
    pid = lab.inspect(source)["State"]["Pid"]
    assert "\tdb " in hosts(lab, source)
    assert remove(lab, source) == 204
    assert "\tdb " not in hosts(lab, source)
    assert lab.inspect(source)["State"]["Pid"] == pid


def test_removing_a_link_on_the_bridge_and_a_network_loses_the_resolver(lab, pair):
    source, _target = pair
    lab.connect(lab.network("net"), source)
    assert OWN_RESOLVER in resolver(lab, source)
    assert remove(lab, source) == 204
    assert OWN_RESOLVER not in resolver(lab, source)
    restart(lab, source)
    assert OWN_RESOLVER in resolver(lab, source)


def test_the_resolver_is_lost_for_a_container_that_left_the_network_before_too(lab, pair):
    source, _target = pair
    network = lab.network("net")
    lab.connect(network, source)
    lab.engine.disconnect(network, source)
    assert OWN_RESOLVER in resolver(lab, source)
    assert remove(lab, source) == 204
    lab.connect(network, source)
    assert OWN_RESOLVER not in resolver(lab, source)


def test_off_the_bridge_the_resolver_stays_and_the_hosts_line_too(lab, pair):
    source, _target = pair
    other = lab.run("other", *SERVE)
    lab.engine.remove_container(source, force=True)
    source = lab.run(
        "source",
        *SERVE,
        links=[f"{lab.name('target')}:db", f"{other}:o"],
        ExposedPorts={"80/tcp": {}},
        host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1"}]}},
    )
    lab.connect(lab.network("net"), source)
    before = lab.inspect(source)["NetworkSettings"]

    lab.engine.disconnect("bridge", source)
    assert remove(lab, source) == 204
    lab.connect("bridge", source)

    assert OWN_RESOLVER in resolver(lab, source)
    assert "\tdb " in hosts(lab, source)
    assert "\to " in hosts(lab, source)
    after = lab.inspect(source)["NetworkSettings"]
    assert after["Ports"].keys() == before["Ports"].keys()
    assert after["Ports"]["80/tcp"]
    assert after["Networks"]["bridge"]["IPAddress"]
    restart(lab, source)
    assert "\tdb " not in hosts(lab, source)
    assert "\to " in hosts(lab, source)


def test_off_the_bridge_a_source_starts_without_its_targets(lab, pair):
    source, target = pair
    lab.connect(lab.network("net"), source)
    lab.engine.disconnect("bridge", source)
    lab.engine.stop(target)
    restart(lab, source)
    assert "\tdb " not in hosts(lab, source)


def test_links_of_a_container_on_a_network_of_its_own_are_dropped_silently(lab):
    target = lab.run("target", *SERVE)
    source = lab.run("source", *SERVE, networks=[lab.network("net")], links=[f"{target}:db"])
    assert links(lab, source) == []
