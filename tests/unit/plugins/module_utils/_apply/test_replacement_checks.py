# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a container cannot be replaced, or linked: each reason with what to do, and none where there is none."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_checks import (
    Dependencies,
    replace_problems,
)
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_config import Sources
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._link.checks import legacy_problems
from ansible_collections.linklab.docker.plugins.module_utils._link.observe import LinkState
from ansible_collections.linklab.docker.plugins.module_utils._link.spec import LinkSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint

IDENT = "0123456789ab" + "c" * 52


def container(name: str = "box", status: str = "running", **fields: t.Any) -> ContainerState:
    raw = {"Config": fields.pop("config", {}), "HostConfig": fields.pop("host", {})}
    networks = fields.pop("networks", ("bridge",))
    ident = fields.pop("id", IDENT if name == "box" else name.encode().hex().ljust(64, "0"))
    return ContainerState(ident, name, status, endpoints={net: Endpoint(net) for net in networks}, raw=raw, **fields)


def dependencies(*others: ContainerState, **fields: t.Any) -> Dependencies:
    there = Dependencies((20, 10), Sources({}), frozenset({"bridge", "net"}), others, ())
    return replace(there, **fields)


def problems(box: ContainerState, there: Dependencies, **options: t.Any) -> list[str]:
    return list(replace_problems(box, there, **options))


def test_a_plain_container_can_be_replaced():
    assert problems(container(), dependencies(container("other"))) == []
    assert problems(container(network_mode="net", networks=["net"]), dependencies()) == []


@pytest.mark.parametrize(
    "box, part",
    [
        (container(config={"Labels": {"com.docker.swarm.task.id": "x"}}), "swarm"),
        (container(config={"Labels": {"com.docker.swarm.service.id": "x"}}), "swarm"),
        (container(host={"AutoRemove": True}), "--rm"),
        (container(status="removing"), "is being removed"),
        (container(status="dead"), "is being removed"),
        (container(networks=["bridge", "gone"]), "its network gone is gone; detach it first"),
        (container(host={"PidMode": "container:abcdef"}), "uses the PidMode of container abcdef"),
    ],
)
def test_what_cannot_be_replaced(box, part):
    (problem,) = problems(box, dependencies())
    assert part in problem


def test_an_image_that_is_gone():
    (problem,) = problems(container(image="img:1"), dependencies(sources=None))
    assert "img:1" in problem


def test_changed_files_that_a_successor_cannot_get():
    (problem,) = problems(container(), dependencies(unwritable=tuple(f"/f{number}" for number in range(12))))
    assert "box cannot become read-only" in problem
    assert "/f9 and 2 more)" in problem


def test_a_network_mode_that_is_gone_matters_to_newer_engines_and_running_containers():
    box = container(network_mode="gone", networks=["net"])
    assert problems(box, dependencies()) == []
    (problem,) = problems(box, dependencies(release=(26, 1)))
    assert "it was created on the network gone" in problem
    assert problems(replace(box, status="exited"), dependencies(release=(26, 1))) == []


@pytest.mark.parametrize("key", ["NetworkMode", "PidMode", "IpcMode"])
@pytest.mark.parametrize("ref", ["box", IDENT, IDENT[:12]])
def test_those_that_share_a_namespace_are_named_unless_they_are_handled(key, ref):
    other = container("other", host={key: f"container:{ref}"})
    (problem,) = problems(container(), dependencies(other))
    assert "other shares its network, processes or memory" in problem
    assert problems(container(), dependencies(other), handled=frozenset({other.id})) == []


def test_a_namespace_that_is_there():
    holder = container("holder")
    assert problems(container(host={"IpcMode": "container:holder"}), dependencies(holder)) == []
    assert problems(container(host={"IpcMode": f"container:{holder.id}"}), dependencies(holder)) == []
    assert problems(container(host={"IpcMode": "container:holder"}), dependencies(replace(holder, status="exited")))


def test_those_that_are_linked_to_it_are_named_unless_they_are_handled():
    legacy = replace(container("legacy"), legacy_links=(Link("box", "b"),))
    ends = {"net": Endpoint("net", settings=EndpointSettings(links=(Link(IDENT[:12], "b"),)))}
    by_id = replace(container("by-id"), endpoints=ends)
    texts = problems(container(), dependencies(legacy, by_id))
    assert "legacy has a legacy link to it" in texts[0]
    assert "by-id has a network link to its ID" in texts[1]
    again = [replace(one, id=f"{one.id[:-1]}2", name=f"{one.name}-2") for one in (legacy, by_id)]
    texts = problems(container(), dependencies(legacy, by_id, *again))
    assert "legacy, legacy-2 have a legacy link to it" in texts[0]
    assert "by-id, by-id-2 have a network link to its ID" in texts[1]
    assert problems(container(), dependencies(legacy, by_id), handled=frozenset({legacy.id, by_id.id})) == []
    by_name = {"net": Endpoint("net", settings=EndpointSettings(links=(Link("box", "b"),)))}
    assert problems(container(), dependencies(replace(by_id, endpoints=by_name))) == []


def test_links_that_would_keep_it_from_starting_again():
    stale, down = LegacyLink("s", "gone", None), LegacyLink("d", "down", container("down", "exited"))
    there = dependencies(links=(stale, down, LegacyLink("u", "up", container("up"))))
    texts = problems(container(), there)
    assert "its link gone:s leads to a container that was removed" in texts[0]
    assert "its link down:d leads to down, which is exited" in texts[1]
    assert len(problems(container(), there, dropped=frozenset({"s"}))) == 1
    assert problems(container(status="exited"), there) == []
    # Off the bridge the engine does not look at them.
    assert problems(container(networks=["net"]), there) == []


# -- legacy links -----------------------------------------------------------------------------------------------------


def legacy(source: ContainerState | None, target: ContainerState, *, starts: bool = True) -> list[str]:
    spec = LinkSpec("box", (Link(target.name, "t"),))
    state = LinkState(EngineInfo("1.41", "20.10.24"), source=source, containers={target.name: target})
    return list(legacy_problems(spec, state, starts=starts))


@pytest.mark.parametrize("source", [None, container(), container(network_mode="bridge"), container(status="exited")])
def test_a_legacy_link_that_can_be_had(source):
    assert legacy(source, container("target")) == []
    assert legacy(source, container("target", "paused")) == []
    assert legacy(source, container("target", "exited"), starts=False) == []


@pytest.mark.parametrize(
    "fields, part",
    [
        ({"network_mode": "host", "networks": ["host"]}, "uses the host's network"),
        ({"network_mode": "container:x", "networks": []}, "shares the network of container x"),
        ({"network_mode": "none", "networks": ["none"]}, "is on the network 'none'"),
        ({"networks": ["net"]}, "is not on the bridge"),
    ],
)
def test_neither_end_may_be_off_the_bridge(fields, part):
    for found in (legacy(container(**fields), container("target")), legacy(container(), container("target", **fields))):
        assert len(found) == 1
        assert part in found[0]


def test_a_source_of_another_network_mode_would_lose_its_links_silently():
    (problem,) = legacy(container(network_mode="net", networks=["net", "bridge"]), container("target"))
    assert "silently drops" in problem


def test_a_target_must_run_where_the_source_is_to_start():
    (problem,) = legacy(container(), container("target", "exited"))
    assert "the target target is exited" in problem


def test_what_gets_another_network_mode_needs_nothing_of_the_old_one():
    box = container(network_mode="container:gone", networks=[], host={"NetworkMode": "container:gone"})
    assert "uses the NetworkMode of container gone" in problems(box, dependencies())[0]
    assert problems(box, dependencies(), moves=True) == []
    box = container(host={"PidMode": "container:gone"})
    assert "uses the PidMode" in problems(box, dependencies(), moves=True)[0]
