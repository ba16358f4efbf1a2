# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures as types, and the names that a mistyped one is near to."""

from __future__ import annotations

import pytest
from ansible_collections.linklab.docker.plugins.module_utils import _errors
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    ApplyError,
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
    did_you_mean,
    engine_message,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["SpecError", "Refusal", "ApplyError", "EngineError", "NotFound", "Unreachable"])
def test_every_failure_can_be_caught_as_one_type(name):
    assert issubclass(getattr(_errors, name), LinklabError)


@pytest.mark.parametrize("kind, status", [(EngineError, 500), (NotFound, 404), (Conflict, 409)])
def test_an_answer_of_the_engine_tells_status_request_and_words(kind, status):
    error = kind(status, "No such thing", "GET /things/x")
    assert isinstance(error, EngineError)
    assert str(error) == f"the engine answered {status} to GET /things/x: No such thing"
    assert (error.status, error.explanation, error.request) == (status, "No such thing", "GET /things/x")


@pytest.mark.parametrize(
    "text, line",
    [
        ("as it is: 'ünïcode' \"{{ x }}\" 漢", "as it is: 'ünïcode' \"{{ x }}\" 漢"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202eleft", "\\u202eleft"),
    ],
)
def test_a_message_is_one_line_that_no_terminal_acts_on(text, line):
    assert str(LinklabError(text)) == line
    assert engine_message(EngineError(500, text, "GET /")) == line


def test_a_failed_change_knows_what_was_done():
    assert ApplyError("no").done == ()
    assert ApplyError("no", ["first", "second"]).done == ("first", "second")


@pytest.mark.parametrize(
    "name, known, text",
    [
        ("databse", ["database", "client"], " (did you mean database?)"),
        ("web", ["web1", "web2", "database"], " (did you mean web2 or web1?)"),
        ("web", ["database"], ""),
        ("web", [], ""),
        ("web1", ["web2", "web2", "web3", "web4", "web5"], " (did you mean web5 or web4 or web3?)"),
    ],
)
def test_near_names_are_offered_best_first_and_three_at_most(name, known, text):
    assert did_you_mean(name, known) == text


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=6))
def test_names_that_are_offered_are_known(name, known):
    text = did_you_mean(name, known)
    assert not text or any(one in text for one in known)
