# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of many checks: grouped, bounded, and with the task that fixes what is wrong."""

from __future__ import annotations

import textwrap
import typing as t

import yaml
from ansible_collections.linklab.docker.plugins.module_utils._connectivity import remedies
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import CAUSES
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.finding import Finding
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.run import Attempt, Outcome
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.summary import fix_of, summary_of
from hypothesis import given
from hypothesis import strategies as st

Json = t.Any


def failed(source: str = "a", target: str = "b", cause: str = "port_closed", **options: Json) -> Outcome:
    tasks = (remedies.attach("net", source),)
    finding = Finding(cause, f"it is {cause}", "Correct it.", tasks if options.pop("task", False) else ())
    return Outcome(Check(source, target, **options), finding=finding, attempts=(Attempt(0.1, None),))


def test_many_outcomes_are_one_message_and_one_table():
    outcomes = [Outcome(Check("a", "b")), failed(port=1), Outcome(Check("a", "b"), error="no image")]
    message, table = summary_of(outcomes)
    assert message.splitlines() == [
        "2 of 3 checks are not as expected:",
        "- a -> b:1 (mysql): it is port_closed.",
        "  Hint: Correct it.",
        "- a -> b:3306 (mysql): no image",
    ]
    assert table == [
        "RESULT  SOURCE  TARGET  HOST  PORT  PROTOCOL  EXPECTED   FOUND        PATH OR CAUSE  MS",
        "ok      a       b       b     3306  mysql     reachable  reachable    -              -",
        "FAILED  a       b       b     1     mysql     reachable  unreachable  port_closed    -",
        "FAILED  a       b       b     3306  mysql     reachable  -            error          -",
    ]
    assert summary_of(outcomes[:1])[0] == "all 1 checks are as expected"


def test_checks_that_fail_for_one_cause_at_one_target_are_reported_together():
    outcomes = [
        *(failed(f"web{number}", "db", port=port) for number in range(4) for port in (1, 2)),
        failed("web0", "cache"),
        failed("web0", "db", cause="no_answer"),
    ]
    others = ["web0 -> db:2", "web1 -> db:1", "web1 -> db:2", "web2 -> db:1", "web2 -> db:2"]
    assert summary_of(outcomes)[0].splitlines() == [
        "10 of 10 checks are not as expected:",
        "- web0 -> db:1 (mysql): it is port_closed.",
        "  Hint: Correct it.",
        f"  The same for {', '.join(f'{one} (mysql)' for one in others)} and 2 more.",
        "- web0 -> cache:3306 (mysql): it is port_closed.",
        "  Hint: Correct it.",
        "- web0 -> db:3306 (mysql): it is no_answer.",
        "  Hint: Correct it.",
    ]


def test_the_table_tells_a_wall_that_stands_from_one_that_does_not():
    wall: Json = {"port": 1, "expect": "unreachable"}
    cause = "no_common_network"
    stands = Outcome(Check("a", "b", cause=cause, **wall), finding=Finding(cause, "so it is", "Attach it."))
    falls = Outcome(Check("a", "b", **wall))
    assert [line.split()[:9] for line in summary_of([stands, falls])[1][1:]] == [
        ["ok", "a", "b", "b", "1", "mysql", cause, "unreachable", cause],
        ["FAILED", "a", "b", "b", "1", "mysql", "unreachable", "reachable", "-"],
    ]


def test_checks_that_were_not_tried_are_reported_together():
    late = [Outcome(Check("a", str(number)), error="not tried: no time", tried=False) for number in range(3)]
    message, table = summary_of(late)
    assert message.splitlines()[1:] == [
        "- a -> 0:3306 (mysql): not tried: no time",
        "  The same for a -> 1:3306 (mysql), a -> 2:3306 (mysql).",
    ]
    assert all("not tried" in line for line in table[1:])


def test_the_task_that_fixes_it_can_be_pasted_from_the_message():
    message, _table = summary_of([failed(task=True), failed("c", task=True)])
    lines = message.splitlines()
    assert yaml.safe_load(textwrap.dedent("\n".join(lines[lines.index("    - name: Attach a to net") :]))) == [
        remedies.attach("net", "a")
    ]
    assert fix_of(failed(task=True))
    # Who expects a wall wants no hole in it.
    assert not fix_of(failed(task=True, expect="unreachable"))


texts = st.text(max_size=3000)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(CAUSES)), texts), min_size=1, max_size=60))
def test_the_message_is_bounded(given_):
    outcomes = [
        Outcome(Check("source", target), finding=Finding(cause, text, "Correct it."), attempts=(Attempt(0.1, None),))
        for target, cause, text in given_
    ]
    message, table = summary_of(outcomes)
    assert len(message) < 10_000
    assert len(table) == len(outcomes) + 1


def test_a_message_that_ends_early_says_so():
    outcomes = [failed(target=f"{'x' * 900}{number}") for number in range(30)]
    last = summary_of(outcomes)[0].splitlines()[-1]
    assert last == "- and 21 more, with other causes or targets: see results"
