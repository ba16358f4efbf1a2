# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of topology for tests that let something go wrong with them."""

from __future__ import annotations

import typing as t

from fault_labs import AT_ONCE, KEEP_COMMAND, wait_kept
from fault_sweep import Scenario
from kept import Expected
from linklab_engine_conftest import BUSYBOX, random_subnet

Json = t.Any


def small(lab: Json) -> Json:
    """Two networks, a database with volumes, and a client that depends on it."""
    front, back = (lab.name(name) for name in ("front", "back"))
    base = {"image": BUSYBOX, "command": list(KEEP_COMMAND), "stop_signal": "SIGKILL", "stop_grace_period": "1s"}
    database, volume = lab.name("database"), f"{lab.name('volume')}:/named"
    return {
        "name": lab.name("lab"),
        "networks": {name: {"ipam": {"config": [{"subnet": str(random_subnet())}]}} for name in (front, back)},
        "containers": {
            database: {**base, "volumes": [volume, "/anonymous"], "networks": {back: {"aliases": ["db"]}}},
            lab.name("client"): {**base, "networks": [front, back], "depends_on": [database]},
        },
    }


def existing(lab: Json, run: Json) -> Json:
    """Make the small lab, and put something of the user's next to it."""
    params = small(lab)
    done = run("topology", params)
    assert not done.failed, done
    for name in params["containers"]:
        wait_kept(lab, name)
    lab.run("guest", networks={lab.name("back"): {"Aliases": ["guest"]}}, **AT_ONCE)
    lab.connect(lab.network("own"), lab.name("database"), Aliases=["by-hand"])
    return params


def create(lab: Json, _run: Json) -> Json:
    return small(lab)


def modify(lab: Json, run: Json) -> Json:
    """Aliases of one, networks of the other: nothing that needs a recreate."""
    params = existing(lab, run)
    database, client = params["containers"].values()
    front, back = params["networks"]
    database["networks"] = {back: {"aliases": ["db", "database"]}, front: {}}
    client["networks"] = [back]
    return params


def recreate(lab: Json, run: Json) -> Json:
    params = existing(lab, run)
    params["containers"][lab.name("database")]["environment"] = {"NEW": "value"}
    return {**params, "disruption": "recreate"}


def replace_network(lab: Json, run: Json) -> Json:
    """Another subnet for one network, another MTU for the other; somebody else's container is on the first."""
    params = existing(lab, run)
    front, back = params["networks"].values()
    back["ipam"]["config"][0]["subnet"] = str(random_subnet())
    front["driver_opts"] = {"com.docker.network.driver.mtu": "1400"}
    return params


def absent(lab: Json, run: Json) -> Json:
    params = existing(lab, run)
    lab.engine.disconnect(lab.name("back"), lab.name("guest"))
    return {**params, "state": "absent"}


SCENARIOS = (
    Scenario("topology", "create", create),
    Scenario("topology", "modify while it runs", modify, Expected(touches=["front", "back"])),
    Scenario("topology", "recreate", recreate, Expected(replaces=["database"], differs={"database": ("config",)})),
    Scenario(
        "topology", "replace networks", replace_network, Expected(goes=["front", "back"], touches=["front", "back"])
    ),
    Scenario("topology", "absent", absent, Expected(goes=["database", "client", "front", "back"])),
)
