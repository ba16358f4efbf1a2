# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts file of a container whose links move or go."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.hosts_lines import (
    TAG,
    HostsLine,
    appended,
    is_tidy,
    link_lines,
    padded,
    parse,
    pointed,
    redirected,
    restored,
    tidy,
)
from hypothesis import given
from hypothesis import strategies as st

HOSTS = """127.0.0.1\tlocalhost
172.17.0.4\tdb 19506abe0f84 database
172.17.0.5\tdatabase 19506abe0f84
172.17.0.9\tother 22222abe0f84 db
192.0.2.7\tdb
172.17.0.6\tf00
10.0.0.2\tf00
172.17.0.8\tf00
172.17.0.8\tf00
"""


def test_the_line_of_the_link_goes_and_lines_of_its_user_stay():
    assert tidy(HOSTS, ["db"], "f00", {"10.0.0.2", "172.17.0.8", ""}) == (
        "127.0.0.1\tlocalhost\n"
        "172.17.0.5\tdatabase 19506abe0f84\n"
        "172.17.0.9\tother 22222abe0f84 db\n"
        "192.0.2.7\tdb\n"
        "10.0.0.2\tf00\n"
        "172.17.0.8\tf00\n"
    )


def test_comments_blank_lines_and_a_missing_last_newline_stay():
    text = "# a comment here\n\n\n127.0.0.1 localhost"
    assert tidy(text, ["db"], "f00", set()) == text


@given(st.text(), st.text(min_size=1))
def test_tidying_twice_changes_nothing_more(hosts, alias):
    once = tidy(hosts, [alias], "f00", {"10.0.0.2"})
    assert tidy(once, [alias], "f00", {"10.0.0.2"}) == once


USERS = """10.0.0.9 db # mine
10.0.0.9\tdb dbhost # mine
10.0.0.9 db dbhost
10.0.0.9\tdb  dbhost
10.0.0.9\tf00 # mine
10.0.0.9 f00
10.0.0.9\tdb dbhost # linklab.docker is not mine
# 10.0.0.9\tdb dbhost
10.0.0.9 db # mine
10.0.0.9 db # mine
10.0.0.9\tdb\x0cdbhost x
"""


def test_what_has_another_form_or_a_comment_is_the_user_s():
    assert tidy(USERS, ["db"], "f00", set()) == USERS
    assert redirected(USERS, {"db": "10.0.0.7"}) == USERS
    assert restored(USERS, {"db": "10.0.0.7"}) == USERS
    assert is_tidy(USERS)
    assert link_lines(USERS, "db") == []


def test_a_comment_outlives_that_an_alias_is_pointed_elsewhere():
    hosts = "10.0.0.9 www db # mine\n10.0.0.9 db # mine as well\n"
    assert pointed(hosts, "db", ("172.17.0.4",), ("f00d",)) == (
        "10.0.0.9\twww # mine\n# mine as well\n172.17.0.4\tdb f00d\n"
    )


def test_what_was_filled_up_with_blanks_is_known():
    line = f"10.0.0.7\tdb f00d database {TAG}\n"
    assert not is_tidy(padded("x" * 99 + "\n", line))
    assert tidy(padded("x" * 99 + "\n", line), [], "f00", set()).strip() == ""


def test_a_line_is_added_as_a_line():
    assert appended("127.0.0.1 localhost", ["10.0.0.7\tdb\n"]) == "127.0.0.1 localhost\n10.0.0.7\tdb\n"
    assert appended("a", []) == "a"
    assert appended("", ["b\n"]) == "b\n"


@given(st.text())
def test_no_line_gets_lost_that_is_parsed(hosts):
    assert "".join(line.text for line in parse(hosts)) == hosts


# -- on the way to a network ------------------------------------------------------------------------------------------


def test_the_lines_of_links_are_redirected_and_those_of_the_user_stay():
    text = redirected(HOSTS, {"db": "10.0.0.9"})
    assert f"10.0.0.9\tdb 19506abe0f84 database {TAG}\n" in text
    assert "192.0.2.7\tdb\n" in text
    assert "172.17.0.5\tdatabase 19506abe0f84\n" in text
    assert not is_tidy(text)
    assert is_tidy(tidy(text, [], "f00", {"10.0.0.2"}))


def test_a_second_line_of_the_same_link_goes():
    """The engine writes one for each kind of address."""
    text = redirected("fd00::2\tdb f00d database\n172.17.0.4\tdb f00d database\n", {"db": "10.0.0.9"})
    assert text == f"10.0.0.9\tdb f00d database {TAG}\n"


def test_a_link_without_a_new_address_keeps_its_line():
    assert redirected(HOSTS, {}) == HOSTS


@given(st.dictionaries(st.sampled_from(["db", "database", "other"]), st.sampled_from(["10.0.0.7", "10.0.0.8"])))
def test_redirecting_is_idempotent_and_can_be_undone(addresses):
    once = redirected(HOSTS, addresses)
    assert redirected(once, addresses) == once
    old = {"db": "172.17.0.4", "database": "172.17.0.5", "other": "172.17.0.9"}
    assert restored(once, old) == HOSTS


def test_the_lines_of_a_link_are_known_by_the_names_behind_the_alias():
    assert link_lines(HOSTS, "db") == [
        HostsLine(
            "172.17.0.4\tdb 19506abe0f84 database\n",
            "172.17.0.4",
            ("db", "19506abe0f84", "database"),
            "",
            ours=True,
        )
    ]


@given(st.text(), st.text())
def test_what_is_written_covers_what_was_there(before, after):
    text = padded(before, after)
    assert len(text.encode(errors="surrogateescape")) >= len(before.encode(errors="surrogateescape"))
    assert [line.rstrip(" ") for line in text.rstrip("\n").split("\n")][:1] == [
        line.rstrip(" ") for line in after.rstrip("\n").split("\n")
    ][:1]


@pytest.mark.parametrize(
    "after, text",
    [("abcdefg\n", "abcdefg\n"), ("a\n", "a\n    \n"), ("a", "a\n    \n"), ("abcde\n", "abcde\n\n"), ("", "\n     \n")],
)
def test_what_is_shorter_is_filled_up_with_a_line_of_blanks(after, text):
    """The engine knows its lines by their ends, so no blank may follow one."""
    assert padded("abcdef\n", after) == text


def test_the_line_of_blanks_does_not_become_two():
    once = padded("a\nb\nc\nd\n", "a\nb\n")
    assert padded(once, once.replace("b\n", "")) == "a\n     \n"
