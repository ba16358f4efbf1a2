# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the names of legacy links lead to their targets, and what is done where they do not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link
from ansible_collections.linklab.docker.plugins.module_utils._model.hosts_lines import found_at, pointed
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint
from ansible_collections.linklab.docker.plugins.module_utils._plan.link_hosts import plan_hosts
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption

LINE = "172.17.0.4\td f00d db\n"


def container(name: str, raw: t.Any = None, **networks: str) -> ContainerState:
    ends = {network: Endpoint(network, ipv4=address) for network, address in networks.items()}
    links = (Link("db", "d"),) if name == "app" else ()
    return ContainerState(name * 12, name, "running", name, endpoints=ends, legacy_links=links, raw=raw or {})


def reason(
    hosts: str, target: ContainerState | None = None, source: ContainerState | None = None, **more: t.Any
) -> str:
    target = target or container("db", bridge="172.17.0.4")
    source = source or container("app", bridge="172.17.0.2")
    found = plan_hosts(source, [LegacyLink("d", "db", target)], hosts, **more)
    assert found is None or (found.disruption, found.aliases) == (Disruption.NONE, ("d",))
    return "" if found is None else found.reason


def test_a_line_that_leads_to_the_target_is_left_alone():
    assert reason(LINE) == ""
    assert reason(LINE, started={"db"}) == ""


@pytest.mark.parametrize(
    "hosts, text",
    [
        ("", "its hosts file has no line for d, its link to db"),
        ("172.17.0.9\td f00d db\n", "d leads to 172.17.0.9 by its hosts file, and db is at 172.17.0.4"),
        ("10.9.9.9 d\n" + LINE, "d leads to 10.9.9.9 by its hosts file, and db is at 172.17.0.4"),
    ],
)
def test_a_line_that_is_missing_or_leads_elsewhere_is_put_right(hosts, text):
    assert reason(hosts) == text


def test_where_the_address_is_not_known_yet_the_line_is_looked_at_later():
    moved = "db comes back to the default bridge, perhaps with another address"
    assert reason(LINE, container("db"), moved={"db"}) == moved


def test_the_engine_corrects_the_line_that_is_there_when_the_target_starts():
    down = container("db", bridge="")
    assert reason("172.17.0.9\td f00d db\n", down, started={"db"}) == ""
    assert reason("", down, started={"db"}) == "its hosts file has no line for d, its link to db"
    # Nobody starts it.
    assert reason("", down) == ""


def test_a_migration_that_is_under_way_may_lead_it_over_another_network():
    target = container("db", bridge="172.17.0.4", mine="10.9.0.4", theirs="10.8.0.4")
    source = container("app", bridge="172.17.0.2", mine="10.9.0.2")
    assert reason("10.9.0.4\td f00d db # linklab.docker\n", target, source) == ""
    assert "leads to 10.8.0.4" in reason("10.8.0.4\td\n", target, source)


def test_what_the_container_itself_says_of_the_name_stands():
    for extra in ("d:10.9.9.9", "d=10.9.9.9"):
        source = container("app", {"HostConfig": {"ExtraHosts": [extra]}}, bridge="172.17.0.2")
        assert reason("10.9.9.9\td\n", source=source) == ""
    source = container("app", {"Mounts": [{"Destination": "/etc/hosts"}]}, bridge="172.17.0.2")
    assert reason("", source=source) == ""


@pytest.mark.parametrize("alias", ["localhost", "ip6-loopback"])
def test_the_names_that_every_container_has_for_itself_stand(alias):
    links = [LegacyLink(alias, "db", container("db", bridge="172.17.0.4"))]
    hosts = f"127.0.0.1\t{alias}\n172.17.0.4\t{alias} f00d db\n"
    assert plan_hosts(container("app", bridge="172.17.0.2"), links, hosts) is None


def test_a_link_that_leads_nowhere_is_no_matter_of_its_hosts_file():
    assert plan_hosts(container("app"), [LegacyLink("d", "db", None)], "") is None


# -- where a link's alias leads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts, found",
    [
        ("172.17.0.4\td f00d db\n", ["172.17.0.4"]),
        ("172.17.0.4\td f00d db\n10.9.9.9 d\n10.9.9.8 www d\n", ["172.17.0.4", "10.9.9.9", "10.9.9.8"]),
        # Another link's target is called like this link's alias.
        ("172.17.0.4\tother f00d d\n", []),
        ("# 172.17.0.4 d\n172.17.0.4 f00d # d\n", []),
    ],
)
def test_all_addresses_of_an_alias_are_found(hosts, found):
    assert found_at(hosts, "d", {"d", "other"}) == found


@pytest.mark.parametrize(
    "hosts, after",
    [
        ("", "172.17.0.4\td f00d db\n"),
        ("127.0.0.1\tlocalhost", "127.0.0.1\tlocalhost\n172.17.0.4\td f00d db\n"),
        ("172.17.0.9\td f00d db\n127.0.0.1\tlocalhost\n", "127.0.0.1\tlocalhost\n172.17.0.4\td f00d db\n"),
        # The right one is kept as it is, and what else a line is about as well.
        ("172.17.0.4 d\n10.9.9.9 d\n10.9.9.8 www d x\n", "172.17.0.4 d\n10.9.9.8\twww x\n"),
        ("172.17.0.9\tother f00d d\n", "172.17.0.9\tother f00d d\n172.17.0.4\td f00d db\n"),
    ],
)
def test_an_alias_is_pointed_to_its_target_alone(hosts, after):
    assert pointed(hosts, "d", ("172.17.0.4",), ("f00d", "db"), {"d", "other"}) == after
    assert pointed(after, "d", ("172.17.0.4",), ("f00d", "db"), {"d", "other"}) == after


def test_a_target_that_is_called_like_its_alias_is_named_once():
    assert pointed("", "db", ("172.17.0.4",), ("", "db")) == "172.17.0.4\tdb\n"
