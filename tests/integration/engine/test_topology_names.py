# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of legacy links in a topology that lead elsewhere by the hosts file, and are led back."""

from __future__ import annotations

import typing as t

import pytest
from topology_run import did

if t.TYPE_CHECKING:
    from topology_run import Topology

# Engine 28 corrects the line itself when a target comes back; 26.1 and older do not.
CORRECTS_LINES = "1.48"


def leads_to_it(topology: Topology, alias: str, target: str) -> bool:
    """Whether the name by which a container knows another one leads there, and not to anybody else."""
    code, output = topology.exec("app", "ping", "-c1", "-W2", alias)
    return code == 0 and f"({topology.raw(target)['NetworkSettings']['Networks']['bridge']['IPAddress']})" in output


def come_back_elsewhere(topology: Topology) -> None:
    """Have the target leave the default bridge and come back to it, while another one takes its address."""
    engine = topology.lab.engine
    engine.disconnect("bridge", topology.full("db"))
    topology.lab.run("squatter")
    engine.connect("bridge", topology.full("db"), {})


def put_into_hosts(text: str) -> t.Callable[[Topology], object]:
    script = f"{{ printf '{text}'; cat /etc/hosts; }} > /h; cat /h > /etc/hosts"
    return lambda topology: topology.exec("app", "sh", "-c", script)


@pytest.mark.parametrize(
    "options, spoil, reason",
    [
        ({}, come_back_elsewhere, "d leads to 1"),
        ({}, lambda topology: topology.exec("app", "sh", "-c", ": > /etc/hosts"), "its hosts file has no line for d"),
        ({}, put_into_hosts(r"192.0.2.9 www d\n"), "d leads to 192.0.2.9 by its hosts file"),
        # Nothing in the container can write the file.
        ({"read_only": True}, come_back_elsewhere, "d leads to 1"),
    ],
    ids=["another address", "no line", "a line before it", "read-only"],
)
def test_a_legacy_link_whose_name_leads_elsewhere_is_put_right_while_both_run(topology, options, spoil, reason):
    wanted = {"db": None, "app": {"links": ["db:d"], **options}}
    topology(wanted)
    assert leads_to_it(topology, "d", "db")
    before = {name: (topology.id(name), topology.raw(name)["State"]["StartedAt"]) for name in wanted}
    spoil(topology)
    if spoil is come_back_elsewhere and topology.lab.engine.info.has(CORRECTS_LINES):
        assert leads_to_it(topology, "d", "db")
        assert not topology(wanted)["changed"]
        return
    assert not leads_to_it(topology, "d", "db")

    planned = topology(wanted, check=True)
    fixed = topology(wanted)

    assert did(fixed) == ["rewrite_hosts none"]
    assert (planned["actions"], planned["diff"]) == (fixed["actions"], fixed["diff"])
    assert fixed["actions"][0]["reason"].startswith(reason)
    assert leads_to_it(topology, "d", "db")
    assert {name: (topology.id(name), topology.raw(name)["State"]["StartedAt"]) for name in wanted} == before
    assert not topology(wanted)["changed"]
