# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers with null where a map, a list or a text is usual: engines do that, each in other places."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._engine.readiness import assess
from ansible_collections.linklab.docker.plugins.module_utils._errors import LinklabError
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    read_container,
    read_network,
    read_summary,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import AttachState, plan_attach
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import ENGINES, Recorded

Json = t.Any
Path = tuple[t.Union[str, int], ...]

# Without these there is no thing to talk about.
NEVER = ("Id", "Name", "Names")


def places(value: Json, path: Path = ()) -> t.Iterator[Path]:
    """Yield where something stands in an answer."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        # An element of a list is never null.
        if key not in NEVER and isinstance(key, str):
            yield (*path, key)
        yield from places(inner, (*path, key))


def with_nulls(value: Json, nulls: t.Iterable[Path]) -> Json:
    found = copy.deepcopy(value)
    for path in nulls:
        there = found
        for key in path[:-1]:
            there = there[key] if there is not None else None
        if there is not None:
            there[path[-1]] = None
    return found


def things(kind: str) -> list[tuple[str, str]]:
    return [(engine, name) for engine in ENGINES for name in Recorded(engine).raw[kind]]


@pytest.mark.parametrize("engine, name", things("containers"))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_container(engine, name, data):
    recorded = Recorded(engine)
    raw = recorded.raw["containers"][name]
    nulls = data.draw(st.lists(st.sampled_from(list(places(raw))), min_size=1, max_size=6))

    container = read_container(with_nulls(raw, nulls), recorded.info)

    assess(container.raw, "healthy")
    network = recorded.network("net")
    desired = DesiredEndpoint("x", EndpointSettings(aliases=("a",), ipv4_address="10.1.2.3"))
    state = AttachState(recorded.info, network, {"x": container})
    for spec in (AttachSpec("net", None, (desired,)), AttachSpec("net", None, (desired,), present=False)):
        try:
            plan_attach(spec, state).text()
        except LinklabError as exc:
            assert "\n" not in str(exc)


@pytest.mark.parametrize("engine, name", things("networks"))
def test_a_network_with_any_one_null(engine, name):
    raw = Recorded(engine).raw["networks"][name]
    for place in places(raw):
        read_network(with_nulls(raw, [place]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_list_with_any_one_null(engine):
    for raw in Recorded(engine).raw["list"]:
        for place in places(raw):
            read_summary(with_nulls(raw, [place]))
