# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Take secrets out of texts that the engine, a container or a program wrote. Pure."""

from __future__ import annotations

import json
import re
import shlex
import typing as t
from urllib.parse import quote, quote_plus

from .._errors import one_line

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Json = t.Any

HIDDEN = "********"

# Replacing a value of one or two letters everywhere would leave nothing that one can read.
_SHORTEST = 4
_SECRET_NAME = re.compile(
    r"(?i)PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|(^|_|DB)PASS($|_)|_(KEY|PWD)($|_)"
)
# A variable that is called like a secret and is a switch, such as MYSQL_RANDOM_ROOT_PASSWORD=yes.
_SWITCH = re.compile(r"(?i)yes|no|true|false|on|off|[01]|")
_VALUE = r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\S+)"
# mysql, mariadb: GENERATED ROOT PASSWORD: x; mysqld: A temporary password is generated for root@localhost: x.
# A server's "(using password: YES)" says whether there was one.
_TOLD = re.compile(
    r"(?i)(pass(?:word|wd|phrase)(?:\\?[\"'])?\s*[:=]\s*|password is generated for \S+:\s*)(?!(?:YES|NO)\b)" + _VALUE
)
_ASSIGNED = re.compile(r"\b([A-Za-z_]\w*)=" + _VALUE)
_IN_URL = re.compile(r"(\w://[^\s/:@]*:)([^\s/]+)(?=@)")


def looks_secret(variable: str) -> bool:
    """Whether an environment variable of this name seems to hold a secret."""
    return _SECRET_NAME.search(variable) is not None


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without I(secrets), in whatever form, and without what looks like one.

    A secret of less than four characters is taken out only where it is a word of its own.
    """
    text = without(text, {form for secret in secrets if secret for form in forms(secret)})
    text = _TOLD.sub(rf"\1{HIDDEN}", text)
    text = _ASSIGNED.sub(lambda match: f"{match[1]}={HIDDEN}" if looks_secret(match[1]) else match[0], text)
    return _IN_URL.sub(rf"\1{HIDDEN}", text)


def without(text: str, found: Iterable[str]) -> str:
    """Return a text with each of the texts in I(found) replaced, the longest first."""
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, HIDDEN) if len(form) >= _SHORTEST else _without_word(text, form)
    return text


def without_password(url: str) -> str:
    """Return a URL with its password replaced, whatever characters that has."""
    scheme, sign, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    user, colon, password = login.partition(":")
    return f"{scheme}{sign}{user}:{HIDDEN}{at}{host}" if sign and colon and password else url


def mask_of_container(text: str, raw: Mapping[str, Json]) -> str:
    """Return what a container wrote, without its secrets. raw: its description by the engine."""
    return mask(text, environment_secrets((raw.get("Config") or {}).get("Env") or ()))


def environment_secrets(variables: Iterable[str]) -> set[str]:
    """Return the values among C(NAME=VALUE) that seem to be secret, by the name or as the password of a URL."""
    found = set()
    for variable in variables:
        name, _sign, value = variable.partition("=")
        # NAME_FILE names a file that has the secret.
        if looks_secret(name) and not name.upper().endswith("_FILE") and not _SWITCH.fullmatch(value):
            found.add(value)
        found.update(match[2] for match in _IN_URL.finditer(value))
    return found


def forms(secret: str) -> set[str]:
    """Return a secret as it is, and as it stands in JSON, YAML, Go, Python, a shell, SQL and a URL.

    Base64 is left out: what has a password in it, such as an authorization header, encodes it together with other text,
    so that the password's own form is no part of it.
    """
    escaped, ascii_json = secret.replace("\\", "\\\\"), json.dumps(secret)[1:-1]
    found = {
        secret,
        one_line(secret),
        ascii_json,
        # YAML has \xF6 where JSON has \u00f6.
        re.sub(r"\\u00(..)", lambda match: rf"\x{match[1].upper()}", ascii_json),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        escaped,
        escaped.replace("'", "\\'"),
        secret.replace("'", "''"),
        shlex.quote(secret).strip("'"),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
    # A key, for example, may come one line at a time, or only its end may be in what is read.
    found.update(line.strip() for line in _long(secret.splitlines()))
    return found


def _long(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if len(lines) > 1 and len(line.strip()) >= 2 * _SHORTEST)


def _without_word(text: str, word: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", HIDDEN, text)
