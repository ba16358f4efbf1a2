# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restart of the engine's daemon makes of removed links, in a nested engine, which may be restarted."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, Unreachable
from migrate_run import EXPOSED, IDLE, SERVE, address_of, hosts, links, migrate, reaches, resolved
from nested import NestedEngine, docker, newest_built

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

ALWAYS = {"RestartPolicy": {"Name": "always"}}


pytestmark = pytest.mark.usefixtures("no_caches")


class Restartable:
    """A nested engine with a lab on it."""

    def __init__(self, nested: NestedEngine, kind: type) -> None:
        self._nested = nested
        self.lab = kind(self._engine(), "linked-")

    def _engine(self) -> Engine:
        return Engine(Connection(docker_host=self._nested.url))

    def restart(self) -> None:
        docker("restart", self._nested.name)
        end = time.monotonic() + 60
        while True:
            try:
                self.lab.engine = self._engine()
            except Unreachable:
                assert time.monotonic() < end
                time.sleep(0.2)
            else:
                return


@pytest.fixture
def nested(lab: Json, run_prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    version = newest_built()
    if not version:
        pytest.skip("no nested engine was built here yet, which takes a minute: `make test-engines` does")
    one = NestedEngine(tmp_path_factory.mktemp("boot"), f"{run_prefix}boot-", version)
    try:
        one.up()
        yield Restartable(one, type(lab))
    finally:
        one.down()


def test_a_link_that_comes_back_with_the_daemon_has_no_effect_off_the_bridge_and_all_of_it_there(nested):
    lab = nested.lab
    net = lab.network("zz-net", subnet="10.99.1.0/24")
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED, Env=["PASSWORD=geheim"], host=ALWAYS)
    off, on = (lab.run(name, *IDLE, links=[f"{target}:db"], host=ALWAYS) for name in ("off", "on"))
    migrate(lab, off, network=net, leave_bridge=True)
    migrate(lab, on, network=net)

    nested.restart()

    assert links(lab, off) == [f"/{target}:/{off}/db"]
    assert links(lab, on) == [f"/{target}:/{on}/db"]
    lab.wait(lambda: reaches(lab, off, "db") and reaches(lab, on, "db"))
    assert "\tdb " not in hosts(lab, off)
    assert "DB_ENV" not in lab.exec(off, "env")[1]
    assert resolved(lab, off, "db") == address_of(lab, target, net)
    assert "\tdb " in hosts(lab, on)
    assert "DB_ENV_PASSWORD=geheim" in lab.exec(on, "env")[1]

    # Without its target, the one works and starts, and the other does neither.
    lab.engine.stop(target, 1)
    assert lab.exec(off, "true")[0] == 0
    lab.engine.post(f"/containers/{off}/restart", t="0")
    with pytest.raises(EngineError):
        lab.exec(on, "true")
    lab.engine.start(target)

    again = migrate(lab, off, on, network=net, leave_bridge=True)
    assert {action["subject"]: action["disruption"] for action in again["actions"]}[f"db of {off}"] == "none"
    assert links(lab, off) == links(lab, on) == []
    nested.restart()
    # On neither is it of any effect now.
    lab.wait(lambda: reaches(lab, off, "db") and reaches(lab, on, "db"))
    assert "\tdb " not in hosts(lab, off) + hosts(lab, on)


def test_a_source_that_was_recreated_has_no_link_that_could_come_back(nested, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.linklab.docker.plugins.module_utils._apply.replacement.SETTLE_SECONDS", 0.5
    )
    lab = nested.lab
    net = lab.network("zz-net", subnet="10.99.1.0/24")
    target = lab.run("target", *SERVE, ExposedPorts=EXPOSED, host=ALWAYS)
    source = lab.run("source", *IDLE, links=[f"{target}:db"], host=ALWAYS)
    migrate(lab, source, network=net, environment="bake", leave_bridge=True, disruption="recreate")

    nested.restart()

    assert links(lab, source) == []
    lab.wait(lambda: reaches(lab, source, "db"))
    assert not migrate(lab, network=net, containers=None, leave_bridge=True)["changed"]


def test_everything_that_is_linked_moves_if_nothing_is_named(nested):
    """Each group to a network of its own. Only where nobody else has links is that a test's to ask for."""
    lab = nested.lab
    wanted = {}
    for short, sources in (("cache", ["app"]), ("database", ["client", "report"])):
        target = lab.run(short, *SERVE, ExposedPorts=EXPOSED)
        for source in sources:
            wanted[lab.run(source, *IDLE, links=[f"{target}:db"])] = target
    lab.run("alone", *IDLE)

    planned = migrate(lab, check=True, containers=None)
    done = migrate(lab, containers=None)

    assert done["actions"] == planned["actions"]
    assert done["networks"] == ["links-linked-cache", "links-linked-database"]
    for source, target in wanted.items():
        assert links(lab, source) == []
        assert resolved(lab, source, "db") == address_of(lab, target, f"links-{target}")
        assert reaches(lab, source, "db")
    assert set(lab.inspect(lab.name("alone"))["NetworkSettings"]["Networks"]) == {"bridge"}
    assert not migrate(lab, containers=None)["changed"]

    # What the first run left on the bridge is known to the second one.
    left = migrate(lab, containers=None, leave_bridge=True)
    assert [action["action"] for action in left["actions"]] == ["leave_bridge"] * 5
    assert all(reaches(lab, source, "db") for source in wanted)
    assert not migrate(lab, containers=None, leave_bridge=True)["changed"]
