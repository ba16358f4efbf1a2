# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of topology_info for tests that let something go wrong with them. It only reads."""

from __future__ import annotations

import typing as t

from fault_labs import AT_ONCE
from fault_sweep import Scenario

Json = t.Any


def labelled(lab: Json, _run: Json) -> Json:
    """A topology with an endpoint on a network and a legacy link."""
    name = lab.name("lab")
    ours = {"linklab.docker.topology": name}
    network = lab.network("net")
    target = lab.run("target", Labels=ours, **AT_ONCE)
    lab.run("attached", networks=[network], Labels=ours, **AT_ONCE)
    lab.run("linked", links=[f"{target}:db"], Labels=ours, **AT_ONCE)
    return {"name": name}


SCENARIOS = (Scenario("topology_info", "read a topology", labelled, changes=False),)
