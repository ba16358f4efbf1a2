# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment variables of links."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError
from ansible_collections.linklab.docker.plugins.module_utils._migrate.environment import (
    environment_report,
    link_variables,
    read_process_1,
    vanishing,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState

OLD, NEW = EngineInfo("1.41", "20.10.24"), EngineInfo("1.52", "29.1.0")


def container(name: str, **config: t.Any) -> ContainerState:
    return ContainerState(name * 32, name, "running", raw={"Config": config, "State": {"Pid": 7}})


SOURCE = container("client", Env=["OWN=1", "DB_NAME=mine"])
TARGET = container("mysql", Env=["MYSQL_ROOT_PASSWORD=geheim", "PATH=/bin", "HOME=/", "LANG=C"])
LINK = LegacyLink("my-db", "mysql", TARGET)


def values(source: ContainerState, link: LegacyLink) -> dict[str, str]:
    return {one.name: one.value for one in link_variables(source, link)}


def test_the_engine_hands_on_all_but_two_variables():
    assert values(SOURCE, LINK) == {
        "MY_DB_NAME": "/client/my-db",
        "MY_DB_ENV_MYSQL_ROOT_PASSWORD": "geheim",
        "MY_DB_ENV_LANG": "C",
    }


def test_the_ports_have_the_name_in_the_place_of_the_address():
    target = container("mysql", ExposedPorts={"33060/tcp": {}, "3306/tcp": {}, "53/udp": {}})
    found = values(SOURCE, LegacyLink("db", "mysql", target))
    assert found["DB_PORT"] == "udp://db:53"
    assert found["DB_PORT_3306_TCP"] == "tcp://db:3306"
    assert found["DB_PORT_3306_TCP_ADDR"] == "db"
    assert found["DB_PORT_3306_TCP_PORT"] == "3306"
    assert found["DB_PORT_53_UDP_PROTO"] == "udp"


def test_a_link_that_leads_nowhere_gives_nothing():
    assert link_variables(SOURCE, LegacyLink("db", "gone", None)) == ()


def test_what_the_source_has_itself_does_not_vanish():
    link = LegacyLink("db", "mysql", TARGET)
    assert "DB_NAME" not in [one.name for one in vanishing(SOURCE, [link], None, OLD)]


def test_what_was_seen_decides():
    seen = frozenset({"MY_DB_NAME", "PATH"})
    assert [one.name for one in vanishing(SOURCE, [LINK], seen, OLD)] == ["MY_DB_NAME"]
    assert vanishing(SOURCE, [LINK], None, NEW) == ()
    # The daemon may run with the variable that brings them back.
    assert len(vanishing(SOURCE, [LINK], seen, NEW)) == 1


def test_the_report_has_names_and_no_values():
    report = environment_report(SOURCE, [LINK], None, OLD)
    assert report["secrets"] == ["MY_DB_ENV_MYSQL_ROOT_PASSWORD"]
    assert report["seen"] is None
    assert environment_report(SOURCE, [LINK], frozenset({"PATH"}), OLD)["seen"] is False
    assert "geheim" not in repr((report, vanishing(SOURCE, [LINK], None, OLD)))


class Top:
    """An engine that is asked for processes."""

    def __init__(self, *rows: list[str]) -> None:
        self.rows = rows

    def get(self, path: str, **params: str) -> t.Any:
        assert params["ps_args"]
        if not self.rows:
            raise EngineError(500, "ps: executable file not found", path)
        return {"Titles": ["PID", "COMMAND"], "Processes": list(self.rows)}


@pytest.mark.parametrize(
    "rows, names",
    [
        ([["9", "sh PATH=/b NOT=1"], ["7", "sleep 9 PATH=/bin DB_NAME=/a b=c/d"]], {"PATH", "DB_NAME", "b"}),
        # As an alias with a dot gives them, or a variable of the target that no shell could have set.
        ([["7", "sleep 9 PATH=/bin DB.1_NAME=/a DB_ENV_X.Y-Z=1"]], {"PATH", "DB.1_NAME", "DB_ENV_X.Y-Z"}),
        ([["7", "sleep 9"]], None),
        ([["8", "sleep PATH=/bin"]], None),
        ([], None),
    ],
)
def test_process_1_is_seen_or_not(rows, names):
    found = read_process_1(t.cast("t.Any", Top(*rows)), SOURCE)
    assert found == (None if names is None else frozenset(names))
