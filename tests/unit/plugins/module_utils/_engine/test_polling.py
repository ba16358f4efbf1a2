# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for what somebody else does."""

from __future__ import annotations

import time

from ansible_collections.linklab.docker.plugins.module_utils._engine.polling import until


def test_what_is_there_is_returned_at_once():
    assert until(lambda: "there", 0) == "there"


def test_what_comes_is_returned_when_it_is_there():
    seen = iter([[], [], ["there"], ["too late"]])
    assert until(lambda: next(seen), 5) == ["there"]


def test_when_the_time_is_over_what_was_seen_last_is_returned():
    looks: list[int] = []
    begun = time.monotonic()
    assert until(lambda: looks.append(1), 0.2) is None
    assert len(looks) > 1
    assert time.monotonic() - begun < 2
