# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are taken out of texts, as they are and as others write them; what is none stays."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._engine.mask import (
    environment_secrets,
    looks_secret,
    mask,
    mask_of_container,
    without_password,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import one_line
from hypothesis import given
from hypothesis import strategies as st

ODD = "p'4\"s$ \\ w/ö+&rd"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("GENERATED ROOT PASSWORD: Xy7/+=z", "GENERATED ROOT PASSWORD: ********"),
        ("A temporary password is generated for root@localhost: a.b!c", "********"),
        ('{"password":"a b\\"c","user":"x"}', '{"password":********,"user":"x"}'),
        ("the password = 'two words' of the user", "the password = ******** of the user"),
        ("MYSQL_PWD=hunter2 mysqldump", "MYSQL_PWD=******** mysqldump"),
        ("no route to mysql://app:hunter2@db:3306/shop", "mysql://app:********@db:3306/shop"),
        ("proxyconnect to http://me:p@ss@proxy:3128", "http://me:********@proxy:3128"),
    ],
)
def test_what_says_of_itself_that_it_is_a_secret(text, shown):
    assert shown in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "Access denied for user 'app'@'172.17.0.3' (using password: YES)",
        "Access denied for user 'app'@'172.17.0.3' (using password: NO)",
        "listening on http://0.0.0.0:8080/path, admin@example.org",
        "ssh://user@host:22 answers",
        "LANG=C PATH=/bin",
        'Conflict. The container name "/db" is already in use by container "0123".',
    ],
)
def test_what_is_none_stays(text):
    assert mask(text) == text


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        json.dumps(ODD),
        json.dumps(ODD, ensure_ascii=False),
        repr(ODD),
        yaml.safe_dump(ODD, default_style="'"),
        yaml.safe_dump(ODD, default_style='"', allow_unicode=True),
        shlex.quote(ODD),
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        "'" + ODD.replace("\\", "\\\\").replace("'", "\\'") + "'",
    ],
)
def test_every_form_of_a_secret(written):
    shown = mask(f"before {written} after", [ODD])
    assert shown.startswith("before ")
    assert shown.rstrip("\n").endswith(" after")
    assert "rd" not in shown
    assert "********" in shown


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_left(secret, before, after):
    shown = mask(f"{before} {secret} {json.dumps(secret)} {after}", [secret])
    assert secret not in shown.replace("********", "\0")


def test_a_line_of_a_key_alone():
    key = "-----BEGIN KEY-----\nMIIEvgIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"
    assert "hkiG9w0" not in mask("loading failed near hkiG9w0BAQEFAASC", [key])
    assert "MIIEvg" not in mask(one_line(f"bad key {key}"), [key])


def test_a_very_short_secret_only_as_a_word():
    assert mask("pw: the pwd of pw is pw.", ["pw"]) == "********: the pwd of ******** is ********."


def test_the_secrets_of_a_container():
    found = environment_secrets(
        [
            "MYSQL_ROOT_PASSWORD=hunter2",
            "MYSQL_ROOT_PASSWORD_FILE=/run/secrets/root",
            "MYSQL_RANDOM_ROOT_PASSWORD=yes",
            "MYSQL_ALLOW_EMPTY_PASSWORD=1",
            "DATABASE_URL=postgres://app:in-a-url@db/shop",
            "API_KEY=",
            "MYSQL_DATABASE=shop",
            "NONSENSE",
        ]
    )
    assert found == {"hunter2", "in-a-url"}
    raw = {"Config": {"Env": ["MYSQL_ROOT_PASSWORD=hunter2"]}}
    assert mask_of_container("tried hunter2", raw) == "tried ********"
    assert mask_of_container("tried hunter2", {}) == "tried hunter2"


@pytest.mark.parametrize(
    "url, shown",
    [
        ("tcp://me:hunter2@host:2375", "tcp://me:********@host:2375"),
        ("ssh://me:p@s/s:w@host", "ssh://me:********@host"),
        ("ssh://me@host:22", "ssh://me@host:22"),
        ("tcp://[::1]:2375", "tcp://[::1]:2375"),
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("", ""),
    ],
)
def test_the_password_of_an_address(url, shown):
    assert without_password(url) == shown


@pytest.mark.parametrize("name", ["MYSQL_ROOT_PASSWORD", "DB_PASS", "api_key", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"])
def test_names_of_secrets(name):
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["PATH", "COMPASS", "MYSQL_DATABASE", "KEYBOARD"])
def test_names_of_others(name):
    assert not looks_secret(name)
