# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""link_migrate in this process, and what goes on between two containers meanwhile."""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MIGRATE_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._migrate.task import MigrateTask
from ansible_collections.linklab.docker.plugins.module_utils._module.common import CONNECTION_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._module.task import DISRUPTION_OPTION, converge

Json = t.Any

# An echo server that exits when it is asked to.
SERVE = ("sh", "-c", "trap 'exit 0' TERM; nc -ll -p 80 -e cat & wait")
IDLE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
EXPOSED: dict[str, Json] = {"80/tcp": {}}


def migrate(lab: Json, *containers: str, check: bool = False, fails: bool = False, **params: Json) -> Json:
    """Carry a task out in this process, which saves the start of another one; return its result or its message.

    Args:
        containers: full names, never left out, since other tests may have links on the same engine.
    """
    options = {**CONNECTION_OPTIONS, **MIGRATE_OPTIONS, **DISRUPTION_OPTION}
    given = {name: option.get("default") for name, option in options.items()}
    given.update(docker_host=lab.engine.connection.docker_host, containers=list(containers))
    given.update(params)
    warnings: list[str] = []
    try:
        result = converge(given, MigrateTask().task(), check_mode=check, warn=warnings.append)
    except LinklabError as exc:
        assert fails, exc
        return {"msg": str(exc), "actions": [one.name for one in exc.done] if isinstance(exc, ApplyError) else []}
    assert not fails, result
    return {**result, "warnings": warnings}


def begin(lab: Json, container: str, script: str, shell: str = "sh") -> None:
    """Start a script in a container and leave it alone."""
    body = {"Cmd": [shell, "-c", script], "Env": ["MYSQL_PWD=root"]}
    ident = lab.engine.post(f"/containers/{container}/exec", body)["Id"]
    lab.engine.request("POST", f"/exec/{ident}/start", body={"Detach": True})


def lines(lab: Json, container: str, path: str) -> list[str]:
    code, output = lab.exec(container, "cat", path)
    assert code == 0, output
    return str(output).splitlines()


# A connection that goes on: each line that is sent comes back.
OPEN_CONNECTION = (
    "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done | nc {name} 80 > /tmp/echo; echo end >> /tmp/echo"
)


def open_connection(lab: Json, container: str, name: str = "db") -> None:
    begin(lab, container, OPEN_CONNECTION.format(name=name))
    lab.wait(lambda: lab.exec(container, "sh", "-c", "test $(wc -l < /tmp/echo) -gt 5")[0] == 0)


def connection_goes_on(lab: Json, container: str, seconds: float = 4) -> bool:
    """Whether lines still come back over the open connection, or come back again."""
    before = len(lines(lab, container, "/tmp/echo"))
    try:
        lab.wait(lambda: len(lines(lab, container, "/tmp/echo")) > before + 3, seconds)
    except AssertionError:
        return False
    return True


def hosts(lab: Json, container: str) -> str:
    return "\n".join(lines(lab, container, "/etc/hosts"))


def address_of(lab: Json, container: str, network: str) -> str:
    return str(lab.inspect(container)["NetworkSettings"]["Networks"][network]["IPAddress"])


def reaches(lab: Json, source: str, name: str) -> bool:
    """Whether an echo server answers under a name, with a new connection."""
    return bool(lab.exec(source, "sh", "-c", f'test "$(echo hi | nc -w 3 {name} 80)" = hi')[0] == 0)


def resolved(lab: Json, source: str, name: str) -> str:
    """The address that a name leads to in a container; empty if it leads nowhere."""
    code, output = lab.exec(source, "ping", "-c1", "-W1", name)
    del code
    return str(output).partition("(")[2].partition(")")[0] if "(" in output else ""


def links(lab: Json, source: str) -> list[str]:
    return list(lab.inspect(source)["HostConfig"]["Links"] or ())


def restart(lab: Json, container: str) -> None:
    lab.engine.post(f"/containers/{container}/restart", t="1")


def subnet_option(subnet: object) -> Json:
    return {"ipam": {"config": [{"subnet": str(subnet)}]}}
