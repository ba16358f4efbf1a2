# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many containers that are read at once: what comes back is the same as one by one, or an error."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import AT_ONCE
from ansible_collections.linklab.docker.plugins.module_utils._errors import Unreachable

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

# Names that nothing can have; the engine answers some of them elsewhere, or closes the connection afterwards.
NOBODY = ("no-such-container", "", "..", "a/../b", "a b", "é", "x" * 300)


@pytest.fixture
def many(lab: Json) -> list[str]:
    return [lab.run(f"many-{number}", network="none", start=False) for number in range(AT_ONCE + 20)]


@pytest.fixture
def reader(proxy: Json) -> Iterator[Engine]:
    one = Engine(Connection(docker_host=proxy.url))
    proxy.requests.clear()
    yield one
    one.close()


def test_they_are_the_same_as_one_by_one(engine, reader, many, proxy):
    ids = [engine.container(name)["Id"] for name in many[:3]]
    refs = [*many[:5], *NOBODY, *ids, *many, ids[0][:12]]
    found = reader.inspect_containers(refs)
    assert list(found) == [*many[:5], *ids, *many[5:], ids[0][:12]]
    assert found == {ref: engine.container(ref) for ref in found}
    # None is asked for twice.
    assert len(proxy.requests) == len(many) + len(NOBODY) + len(ids) + 1


def test_nobody_costs_no_request(reader, proxy):
    assert reader.inspect_containers([]) == {}
    assert proxy.requests == []


@pytest.mark.parametrize("fault", ["cut-before", "cut-after", "cut-within"])
def test_one_that_is_lost_is_an_error_and_the_next_request_has_its_own_answer(reader, many, proxy, fault):
    asked = iter(range(len(many)))
    proxy.fault = lambda _request: fault if next(asked, -1) == 7 else None
    with pytest.raises(Unreachable, match=r"GET /containers/.*json and 69 more"):
        reader.inspect_containers(many)
    proxy.fault = lambda _request: None
    assert reader.container(many[3])["Name"] == f"/{many[3]}"
    assert list(reader.inspect_containers(many)) == many


def test_nothing_is_changed_when_one_is_lost(proxy, topology):
    boxes = {name: {"network_mode": "none"} for name in ("one", "two")}
    topology(boxes)
    proxy.spoil("cut-before", 0, kind="GET /containers/*/json")
    result = topology({**boxes, "three": {"network_mode": "none"}}, docker_host=proxy.url, fails=True)
    assert result["msg"].startswith("could not read what is there: no answer from the Docker Engine at unix://")
    assert result["msg"].endswith("Nothing was changed.")
    assert not proxy.changing
