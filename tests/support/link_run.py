# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module container_link on the real engine, and read what comes of it."""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._errors import LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._link.task import LinkTask
from ansible_collections.linklab.docker.plugins.module_utils._module.common import CONNECTION_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._module.task import converge

if t.TYPE_CHECKING:
    import pytest

Json = t.Any

# A shell that exits when it is asked to, so that nothing waits for a grace period.
SERVE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")


def link_here(lab: Json, monkeypatch: pytest.MonkeyPatch) -> Json:
    """Return what carries a task out in this process, which saves the start of another one.

    It returns the task's result, or the message of its failure.
    """
    monkeypatch.setattr(
        "ansible_collections.linklab.docker.plugins.module_utils._apply.replacement.SETTLE_SECONDS", 0.5
    )
    defaults = {name: option.get("default") for name, option in CONNECTION_OPTIONS.items()}
    defaults["docker_host"] = lab.engine.connection.docker_host
    defaults.update(links=None, network="bridge", create=None, state="present", purge=False, disruption="reconnect")

    def call(container: str, *, check: bool = False, fails: bool = False, **params: Json) -> Json:
        warnings: list[str] = []
        given = {**defaults, "container": container, **params}
        try:
            result = converge(given, LinkTask().task(), check_mode=check, warn=warnings.append)
        except LinklabError as exc:
            assert fails, exc
            return str(exc)
        assert not fails, result
        return {**result, "warnings": warnings}

    return call


def client_with_network(lab: Json) -> tuple[str, str, str]:
    """Run a database, and a client that is linked to it and also on a network of its own, where the database is not."""
    network = lab.network("net")
    database, other = lab.run("database", *SERVE), lab.run("other", *SERVE)
    client = lab.run("client", *SERVE, links=[f"{database}:db", f"{other}:o"])
    lab.connect(network, client, Aliases=["c"])
    lab.run("peer", *SERVE, networks=[network])
    return client, database, other


def names(result: Json) -> list[str]:
    return [action["action"] for action in result["actions"]]


def found(result: Json) -> dict[str, str]:
    """The links of a result: alias to target."""
    return {one["alias"]: one["target"] for one in result["links"]}


def resolves(lab: Json, container: str, name: str) -> bool:
    return bool(lab.exec(container, "ping", "-c1", "-W2", name)[0] == 0)
