# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts file of a container that lost a link."""

from __future__ import annotations

from ansible_collections.linklab.docker.plugins.module_utils._unlink import tidy
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
    assert tidy(HOSTS, "db", "f00", {"10.0.0.2", "172.17.0.8", ""}) == (
        "127.0.0.1\tlocalhost\n"
        "172.17.0.5\tdatabase 19506abe0f84\n"
        "172.17.0.9\tother 22222abe0f84 db\n"
        "192.0.2.7\tdb\n"
        "10.0.0.2\tf00\n"
        "172.17.0.8\tf00\n"
    )


def test_comments_blank_lines_and_a_missing_last_newline_stay():
    text = "# a comment here\n\n\n127.0.0.1 localhost"
    assert tidy(text, "db", "f00", set()) == text


@given(st.text(), st.text(min_size=1))
def test_tidying_twice_changes_nothing_more(hosts, alias):
    once = tidy(hosts, alias, "f00", {"10.0.0.2"})
    assert tidy(once, alias, "f00", {"10.0.0.2"}) == once
