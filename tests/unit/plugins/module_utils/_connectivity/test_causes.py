# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The causes, and the page that lists them."""

from __future__ import annotations

import typing as t

import causes_page
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import (
    BANDS,
    CAUSES,
    LAST_BAND,
    VARIANTS,
    accepts,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import CHECK_OPTIONS
from ansible_collections.linklab.docker.plugins.modules import connectivity

Json = t.Any


def test_the_page_has_what_the_code_has():
    page = causes_page.PAGE.read_text(encoding="utf-8")
    assert causes_page.with_tables(page) == page, "write it again: python tests/support/causes_page.py"
    assert all(f"| `{cause}` |" in page for cause in CAUSES)
    assert all(f"\n| `{band}` |" in page for band in BANDS)
    assert "TO BE WRITTEN" not in page


def test_a_cause_keeps_the_words_of_the_page_and_a_new_one_is_seen():
    head = "<!-- begin: causes -->\n| Cause | ... |\n| --- | --- |\n"
    page = causes_page.with_tables(rf"{head}| `rejected` | `x` | A \| b. | Do. | no | no |  |" + "\n<!-- end -->\n")
    assert r"| `rejected` | `tcp` | A \| b. | Do. | yes | yes | `server_starting`, `no_answer`, `no_route` |" in page
    assert "| `no_answer` | `tcp` | TO BE WRITTEN | TO BE WRITTEN | yes | yes |  |" in page


def options_of(documented: Json, specified: Json, where: str = "") -> None:
    for name, option in specified.items():
        said = documented[name]
        for key in ("type", "choices", "default", "elements", "required"):
            assert said.get(key) == option.get(key), f"{where}{name}.{key}"
        if "options" in option:
            options_of(said["suboptions"], option["options"], f"{where}{name}.")
    assert set(documented) == set(specified), where


def test_the_documentation_has_the_options_of_the_code():
    options_of(yaml.safe_load(connectivity.DOCUMENTATION)["options"], CHECK_OPTIONS)


def test_the_table_makes_sense():
    assert {cause.band for cause in CAUSES.values()} <= set(BANDS)
    assert set(LAST_BAND.values()) <= set(BANDS)
    for name, cause in CAUSES.items():
        assert set(cause.split_from) <= set(CAUSES) - {name}, name
    assert {name.partition("/")[0] for name in VARIANTS} <= set(CAUSES)
    errors = [error for cause in CAUSES.values() for error in cause.errors]
    assert len(errors) == len(set(errors))


def test_what_proves_isolation():
    """No way between the two, or packets that a rule keeps back; never what got as far as a greeting."""
    assert {name for name, cause in CAUSES.items() if cause.isolates} == {
        *("source_no_network", "target_no_network", "source_shares_network", "target_shares_network"),
        *("default_bridge_only", "no_common_network", "icc_disabled", "internal_network", "rejected", "no_answer"),
    }
    assert not any(cause.isolates for cause in CAUSES.values() if cause.band in ("source", "target", "name"))


def test_a_cause_that_was_given_accepts_what_was_split_from_it():
    assert accepts("no_answer", "no_answer")
    assert all(accepts(given, "rejected") for given in ("no_answer", "server_starting", "no_route"))
    assert not accepts("rejected", "no_answer")
    assert not accepts("", "no_answer")
