# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of connectivity for tests that let something go wrong with them. It changes nothing: nothing may be changed."""

from __future__ import annotations

import typing as t

from fault_labs import AT_ONCE
from fault_sweep import Scenario

Json = t.Any


def served(lab: Json, network: str) -> str:
    server = lab.run("server", "httpd", "-f", "-p", "80", networks=[network], **AT_ONCE)
    lab.wait(lambda: ":0050 " in lab.exec(server, "cat", "/proc/net/tcp", "/proc/net/tcp6")[1])
    return str(server)


def task(source: str, target: str, **more: Json) -> Json:
    return {"source": source, "target": target, "protocol": "tcp", "port": 80, "timeout": 0, **more}


def reached(lab: Json, _run: Json) -> Json:
    network = lab.network("net")
    return task(lab.run("client", networks=[network], **AT_ONCE), served(lab, network))


def not_reached(lab: Json, _run: Json) -> Json:
    """Two that share no network, which the task expects: the cause is looked for."""
    server = served(lab, lab.network("net"))
    return task(lab.run("client", **AT_ONCE), server, expect="unreachable")


def no_such_name(lab: Json, _run: Json) -> Json:
    network = lab.network("net")
    server = served(lab, network)
    return task(
        lab.run("client", networks=[network], **AT_ONCE), server, host="db", expect="unreachable", cause="name_unknown"
    )


def by_a_helper(lab: Json, _run: Json) -> Json:
    """A source that cannot run anything by itself: a helper next to it does."""
    network = lab.network("net")
    server = served(lab, network)
    # Nobody can start a second process there.
    source = lab.run("client", networks=[network], host={"PidsLimit": 1}, **AT_ONCE)
    return task(source, server)


SCENARIOS = (
    Scenario("connectivity", "reached", reached, changes=False),
    Scenario("connectivity", "not reached, as expected", not_reached, changes=False),
    Scenario("connectivity", "no such name, as expected", no_such_name, changes=False),
    Scenario("connectivity", "reached by a helper", by_a_helper, changes=False),
)
