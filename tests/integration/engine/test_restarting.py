# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers that the engine starts again and again, on the real engine."""

from __future__ import annotations

import io
import tarfile
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply import restarting
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import NETWORK_EXECUTORS, apply
from ansible_collections.linklab.docker.plugins.module_utils._apply.topology import topology_executors
from ansible_collections.linklab.docker.plugins.module_utils._attach.observe import observe_attach
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, Refusal
from ansible_collections.linklab.docker.plugins.module_utils._migrate.observe import observe_migrate
from ansible_collections.linklab.docker.plugins.module_utils._migrate.plan import plan_migrate
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import parse_migrate
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import plan_attach
from ansible_collections.linklab.docker.plugins.module_utils._topology.observe import observe_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.plan import plan_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import parse_topology

Json = t.Any

# Ends at once until somebody puts a file there.
CRASH = "[ -e /ok ] && exec sleep 100000; exit 3"


def crashing(lab: Json, name: str, *networks: str, links: t.Sequence[str] = ()) -> str:
    """Start a container that ends and is started again each time; return it in a pause of some seconds."""
    policy = {"RestartPolicy": {"Name": "always"}}
    return await_pause(lab, lab.run(name, "sh", "-c", CRASH, networks=networks, links=links, host=policy))


def await_pause(lab: Json, container: str) -> str:
    """The pauses begin with a tenth of a second and double: the sixth takes three."""
    lab.wait(lambda: lab.inspect(container)["RestartCount"] >= 5 and paused(lab, container), 40, "a pause")
    return container


def paused(lab: Json, container: str) -> bool:
    return bool(lab.inspect(container)["State"]["Status"] == "restarting")


def let_run(lab: Json, container: str) -> None:
    """Let a container run from its next start on."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("ok"))
    path = f"/containers/{container}/archive"
    lab.engine.request("PUT", path, params={"path": "/"}, data=packed.getvalue())


def networks_of(lab: Json, container: str) -> set[str]:
    return set(lab.inspect(container)["NetworkSettings"]["Networks"])


def carry_out(lab: Json, network: str, container: str, *, present: bool = True, **settings: Json) -> None:
    spec = AttachSpec(network, None, (DesiredEndpoint(container, EndpointSettings(**settings)),), present=present)
    apply(lab.engine, plan_attach(spec, observe_attach(lab.engine, spec)), NETWORK_EXECUTORS)


def test_it_is_attached_in_its_pause_and_changed_once_it_runs(lab):
    network, other = lab.network("net"), lab.network("other")
    container = crashing(lab, "box", network)
    let_run(lab, container)

    carry_out(lab, other, container)
    carry_out(lab, network, container, aliases=("a",))

    lab.wait(lambda: not paused(lab, container))
    ends = lab.inspect(container)["NetworkSettings"]["Networks"]
    assert ends[other]["IPAddress"]
    assert "a" in ends[network]["Aliases"]


def test_one_that_does_not_start_in_time_is_reported_with_code_and_count(lab, monkeypatch):
    monkeypatch.setattr(restarting, "PATIENCE", 0.3)
    network = lab.network("net")
    container = crashing(lab, "box", network)

    with pytest.raises(ApplyError) as failure:
        carry_out(lab, network, container, present=False)

    assert f"{container} restarts again and again (exit code 3, " in str(failure.value)
    assert "is not connected" not in str(failure.value)


def test_a_topology_replaces_one_and_takes_it_off_a_network(lab, module):
    desired = {"image": "linklab-test/busybox", "restart": "always", "networks": [lab.name("a"), lab.name("b")]}
    networks = {lab.name("a"): {}, lab.name("b"): {}}
    params: Json = {"name": lab.name("t"), "networks": networks, "disruption": "recreate"}
    box = lab.name("box")
    crashes = {**params, "containers": {box: {**desired, "command": ["sh", "-c", CRASH]}}, "wait_timeout": 1}
    assert "started again and again" in module("topology", crashes, fails=True)["msg"]
    # The file keeps the old one running while it is detached; the new one does not need it.
    let_run(lab, await_pause(lab, box))

    spec = parse_topology(
        {**params, "containers": {box: {**desired, "command": "sleep 1000", "networks": [lab.name("a")]}}}
    )
    apply(lab.engine, plan_topology(spec, observe_topology(lab.engine, spec)), topology_executors())

    assert networks_of(lab, box) == {lab.name("a")}
    assert lab.inspect(box)["State"]["Status"] == "running"


@pytest.mark.parametrize("end", ["source", "target"])
def test_link_migrate_says_that_it_restarts(lab, end):
    target = lab.run("target") if end == "source" else crashing(lab, "target")
    make = crashing if end == "source" else lab.run
    source = make(lab, "source", links=[f"{target}:db"]) if end == "source" else make("source", links=[f"{target}:db"])
    spec = parse_migrate(
        {
            "containers": [source],
            "network": None,
            "create": None,
            "name_gap": "forbidden",
            "leave_bridge": False,
            "environment": "report",
        }
    )
    await_pause(lab, source if end == "source" else target)

    with pytest.raises(Refusal) as refusal:
        plan_migrate(spec, observe_migrate(lab.engine, spec))

    assert "restarts again and again (exit code 3, " in str(refusal.value)
    assert "shell" not in str(refusal.value)
