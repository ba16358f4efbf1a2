# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of container_link for tests that let something go wrong with them."""

from __future__ import annotations

import time
import typing as t

from fault_labs import AT_ONCE, loaded, pause
from fault_sweep import Scenario
from kept import Expected
from linklab_engine_conftest import BUSYBOX, MYSQL, MYSQL_PASSWORD

Json = t.Any

TABLE = (
    "CREATE TABLE shop.t AS WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 50)"
    " SELECT n FROM r; SELECT 1"
)


def recreate(lab: Json, _run: Json) -> Json:
    lab.network("net")
    database, client = lab.run("database", **AT_ONCE), loaded(lab, "client")
    return {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}


def recreate_paused(lab: Json, run: Json) -> Json:
    params = recreate(lab, run)
    pause(lab, params["container"])
    return params


def remove(lab: Json, _run: Json) -> Json:
    """A link that goes from a container which is also on a network of its own: the bridge is left for a moment."""
    lab.network("net")
    database = lab.run("database", **AT_ONCE)
    client = loaded(lab, "client", links=[f"{database}:db", f"{database}:stays"])
    return {"container": client, "links": [f"{database}:db"], "state": "absent"}


def stale(lab: Json, _run: Json) -> Json:
    """A link whose target was replaced."""
    lab.network("net")
    database = lab.run("database", **AT_ONCE)
    client = loaded(lab, "client", links=[f"{database}:db"])
    lab.engine.remove_container(database, force=True)
    lab.run("database", **AT_ONCE)
    return {"container": client, "links": [f"{database}:db"], "disruption": "recreate"}


def network_link(lab: Json, _run: Json) -> Json:
    network = lab.network("net")
    database, client = lab.run("database", **AT_ONCE), loaded(lab, "client")
    return {"container": client, "links": [f"{database}:db"], "network": network}


def create(lab: Json, _run: Json) -> Json:
    how = {"image": BUSYBOX, "command": ["sleep", "100000"], "environment": {"A": "1"}}
    return {"container": lab.name("client"), "links": [f"{lab.run('database', **AT_ONCE)}:db"], "create": how}


# -- a real database --------------------------------------------------------------------------------------------------


def sql(lab: Json, container: str, text: str, seconds: float = 60) -> str:
    """Run statements as soon as the server answers, and return what it says."""
    end = time.monotonic() + seconds
    while True:
        code, said = lab.exec(container, "mysql", "-uroot", f"-p{MYSQL_PASSWORD}", "-h127.0.0.1", "-BNe", text)
        if code == 0 or time.monotonic() > end:
            return "" if code else said.splitlines()[-1]
        time.sleep(0.3)


def mysql(lab: Json, _run: Json) -> Json:
    """A database that gets a link; its data are in a volume that has no name."""
    other = lab.run("other", **AT_ONCE)
    database = lab.run("database", image=MYSQL, Env=[f"MYSQL_ROOT_PASSWORD={MYSQL_PASSWORD}", "MYSQL_DATABASE=shop"])
    lab.wait_healthy(database)
    sql(lab, database, TABLE)
    return {"container": database, "links": [f"{other}:o"], "disruption": "recreate"}


def rows_are_there(lab: Json) -> t.Iterator[str]:
    found = sql(lab, lab.name("database"), "SELECT COUNT(*), SUM(n) FROM shop.t").split()
    if found != ["50", "1275"]:
        yield f"the database says {found}"


REPLACES = Expected(replaces=["client"], differs={"client": ("links",)})
SCENARIOS = (
    Scenario("container_link", "recreate", recreate, REPLACES),
    Scenario("container_link", "recreate a paused one", recreate_paused, REPLACES, most=12),
    Scenario("container_link", "remove a link", remove, Expected(differs={"client": ("links",)}, touches=["bridge"])),
    Scenario(
        "container_link",
        "fix a stale link",
        stale,
        Expected(replaces=["client"], differs={"client": ("links",)}, touches=["bridge"]),
    ),
    Scenario("container_link", "network link", network_link, Expected(touches=["net"])),
    Scenario("container_link", "create the source", create),
    Scenario(
        "container_link",
        "recreate a MySQL server",
        mysql,
        Expected(replaces=["database"], differs={"database": ("links",)}),
        only=("error", "cut-after", "kill-after"),
        most=6,
        proof=rows_are_there,
    ),
)
