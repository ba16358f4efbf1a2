# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of link_migrate for tests that let something go wrong with them."""

from __future__ import annotations

import typing as t

from fault_labs import AT_ONCE, loaded
from fault_sweep import Scenario
from kept import Expected

Json = t.Any


def migrate(lab: Json, _run: Json) -> Json:
    """A client with a link, which is on a network of its own already, and keeps its settings there."""
    network = lab.network("net")
    database = lab.run("database", **AT_ONCE)
    client = loaded(lab, "client", links=[f"{database}:db"])
    return {"containers": [client], "network": network}


def leave_bridge(lab: Json, run: Json) -> Json:
    return {**migrate(lab, run), "leave_bridge": True}


CHANGES = Expected(differs={"client": ("links",)}, touches=["bridge", "net"])
SCENARIOS = (
    Scenario("link_migrate", "move a client", migrate, CHANGES),
    Scenario("link_migrate", "move a client and leave the bridge", leave_bridge, CHANGES),
)
