# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The traps on the way off a legacy link: each one sprung by hand, and not by link_migrate.

The resolver that is lost, and stale links, are in test_legacy_link_facts.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from migrate_run import (
    EXPOSED,
    IDLE,
    SERVE,
    address_of,
    connection_goes_on,
    hosts,
    links,
    migrate,
    open_connection,
    reaches,
    resolved,
    restart,
)

Json = t.Any


pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture
def net(lab: Json) -> str:
    return str(lab.network("zz-net"))


@pytest.fixture
def pair(lab: Json) -> tuple[str, str]:
    """A client that finds an echo server as C(db)."""
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED)
    return lab.run("source", *IDLE, links=[f"{target}:db"]), target


@pytest.fixture
def joined(lab: Json, net: str, pair: tuple[str, str]) -> tuple[str, str]:
    """Both on the network, by hand."""
    source, target = pair
    lab.connect(net, target, Aliases=["db"])
    lab.connect(net, source)
    return source, target


def works(lab: Json, container: str) -> bool:
    try:
        return bool(lab.exec(container, "true")[0] == 0)
    except EngineError:
        return False


def test_the_line_of_a_link_wins_over_the_network_and_is_dead_off_the_bridge(lab, net, joined):
    source, target = joined
    assert resolved(lab, source, "db") == address_of(lab, target, "bridge")
    before = address_of(lab, target, "bridge")
    lab.engine.disconnect("bridge", source)
    assert resolved(lab, source, "db") == before
    assert not reaches(lab, source, "db")


def test_no_dead_line_is_left(lab, net, joined):
    source, _target = joined
    migrate(lab, source, network=net, leave_bridge=True)
    for one in joined:
        addresses = {end["IPAddress"] for end in lab.inspect(one)["NetworkSettings"]["Networks"].values()}
        text = [line for line in hosts(lab, one).splitlines() if line.startswith(("10.", "172."))]
        assert {line.split()[0] for line in text} <= addresses
    assert reaches(lab, source, "db")


def test_a_target_that_leaves_first_breaks_every_exec_and_the_restart_of_its_source(lab, net, joined):
    source, target = joined
    lab.engine.disconnect("bridge", target)
    assert not works(lab, source)
    with pytest.raises(EngineError):
        restart(lab, source)


def test_nothing_that_is_executed_fails_meanwhile(lab, net, pair, proxy):
    """Before each request of the migration, and after the last one."""
    source, _target = pair
    failed = []

    def look(request: Json) -> None:
        if request.changes and not works(lab, source):
            failed.append(str(request))

    proxy.fault = look
    migrate(lab, source, network=net, leave_bridge=True, docker_host=proxy.url)
    assert failed == []
    assert works(lab, source)
    restart(lab, source)


def test_a_connection_over_the_bridge_ends_where_its_source_leaves_for_good(lab, net, pair):
    """It is bound to the address that is gone. So leaving is asked for, and not done by itself."""
    source, _target = pair
    open_connection(lab, source)
    migrate(lab, source, network=net)
    assert connection_goes_on(lab, source)
    migrate(lab, source, network=net, leave_bridge=True)
    assert not connection_goes_on(lab, source)
    assert reaches(lab, source, "db")


def test_a_lower_free_address_is_what_a_container_comes_back_to_the_bridge_with(lab, pair):
    lower = lab.run("lower", *IDLE)
    upper = lab.run("upper", *IDLE)
    before = address_of(lab, upper, "bridge")
    lab.engine.remove_container(lower, force=True)
    lab.engine.disconnect("bridge", upper)
    lab.connect("bridge", upper)
    assert address_of(lab, upper, "bridge") != before


def test_a_failed_connect_leaves_a_phantom_that_the_next_restart_fails_on_and_the_migration_fixes(lab, net, pair):
    source, target = pair
    taken = lab.run("taken", *IDLE, networks=[net])
    with pytest.raises(EngineError):
        lab.connect(net, target, IPAMConfig={"IPv4Address": address_of(lab, taken, net)})
    assert net in lab.inspect(target)["NetworkSettings"]["Networks"]

    done = migrate(lab, source, network=net)

    assert any("half made" in action["reason"] for action in done["actions"])
    assert reaches(lab, source, "db")
    restart(lab, target)
    assert reaches(lab, source, "db")


def test_the_resolver_is_there_after_each_way(lab, net, pair):
    """By hand it is lost if the link goes while the source is on the bridge and on a network."""
    source, target = pair
    other = lab.run("other", *IDLE, links=[f"{target}:db"])
    third = lab.run("third", *IDLE, links=[f"{target}:db"])
    lab.connect(net, third)
    lab.engine.remove_link(third, "db")
    assert "127.0.0.11" not in lab.exec(third, "cat", "/etc/resolv.conf")[1]

    migrate(lab, source, network=net)
    migrate(lab, other, network=net, name_gap="allowed")

    for one in (source, other):
        assert "127.0.0.11" in lab.exec(one, "cat", "/etc/resolv.conf")[1]
        assert links(lab, one) == []
        assert reaches(lab, one, "db")
