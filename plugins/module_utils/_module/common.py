# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What all modules share: the connection options, the connection, and the end of a module that only reads."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .._engine.answers import understood
from .._engine.connection import DEFAULT_HOST, Connection
from .._engine.mask import forms, without, without_password
from .._engine.reader import Reader
from .._errors import LinklabError, did_you_mean
from .arguments import cover, misplaced, unknown_options

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .arguments import Meant

    OptionsFor = Callable[[Mapping[str, t.Any]], dict[str, t.Any]]

Json = t.Any

CONNECTION_OPTIONS: dict[str, Json] = {
    "docker_host": {
        "type": "str",
        "default": DEFAULT_HOST,
        "fallback": (env_fallback, ["DOCKER_HOST"]),
        "aliases": ["docker_url"],
    },
    "tls_hostname": {"type": "str", "fallback": (env_fallback, ["DOCKER_TLS_HOSTNAME"])},
    "api_version": {
        "type": "str",
        "default": "auto",
        "fallback": (env_fallback, ["DOCKER_API_VERSION"]),
        "aliases": ["docker_api_version"],
    },
    "timeout": {"type": "int", "default": 60, "fallback": (env_fallback, ["DOCKER_TIMEOUT"])},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"], "no_log": False},
    "tls": {"type": "bool", "default": False, "fallback": (env_fallback, ["DOCKER_TLS"])},
    "validate_certs": {
        "type": "bool",
        "default": False,
        "fallback": (env_fallback, ["DOCKER_TLS_VERIFY"]),
        "aliases": ["tls_verify"],
    },
}


class LinklabModule(AnsibleModule):  # type: ignore[misc]  # ansible-core has no types
    """An AnsibleModule that says what may be meant by an option that there is not, and shows nothing of its value.

    Nor does it show a secret in another form than the task gave it.

    Args:
        options: the argument spec, besides the connection options.
        options_for: make options for the parameters as they came: all that there are, and those to validate by.
        meant: say which option may be meant by a word that is none.
    """

    params: dict[str, Json]

    def __init__(
        self,
        options: Mapping[str, Json],
        options_for: tuple[OptionsFor, OptionsFor] | None = None,
        meant: Meant = did_you_mean,
        **settings: Json,
    ) -> None:
        self._options_for, self._meant = options_for, meant
        self._misplaced: list[str] = []
        super().__init__(argument_spec={**CONNECTION_OPTIONS, **options}, supports_check_mode=True, **settings)
        if self._misplaced:
            self.fail_json(msg=f"{'; '.join(self._misplaced)}. Nothing was changed.")

    def _load_params(self) -> None:
        # The one place between reading the parameters and logging them.
        super()._load_params()
        strict, validated = [make(self.params) for make in self._options_for or ()] or ({}, {})
        spec = {**self.argument_spec, **strict}
        self._misplaced = list(misplaced(self.params, spec))
        self.params = cover(_without_passwords(self.params), spec)
        self.argument_spec.update(validated)

    def exit_json(self, **kwargs: Json) -> None:
        super().exit_json(**self._without_forms(kwargs))

    def fail_json(self, msg: str, **kwargs: Json) -> None:
        # Nothing is unknown once the parameters are validated.
        unknown = unknown_options(self.params, self.argument_spec, self._meant)
        hints = "; ".join(dict.fromkeys(one for one in (*self._misplaced, *unknown) if one not in msg))
        message = f"{msg.rstrip('.')}. {hints}" if hints else msg
        super().fail_json(self._without_forms(message), **self._without_forms(kwargs))

    def warn(self, warning: str, **kwargs: Json) -> None:
        # Ansible takes no secret out of warnings before 2.22.
        super().warn(without(self._without_forms(warning), self.no_log_values), **kwargs)

    def _without_forms(self, value: Json) -> Json:
        """Return a result without the secrets as they are quoted or escaped: Ansible knows them only as they are."""
        found = {form for secret in self.no_log_values for form in forms(secret)} - self.no_log_values
        return _mapped(value, lambda text: without(text, found)) if found else value


def _mapped(value: Json, change: Callable[[str], str]) -> Json:
    """Return a value with each text in it changed, except for the keys of dictionaries."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    return [_mapped(inner, change) for inner in value] if isinstance(value, (list, tuple)) else value


def _without_passwords(params: Mapping[str, Json]) -> dict[str, Json]:
    """Return parameters without a password in the engine's address. None is of use: Connection refuses it."""
    names = ("docker_host", *CONNECTION_OPTIONS["docker_host"]["aliases"])
    given = {name: params[name] for name in names if isinstance(params.get(name), str)}
    if not given:
        given = {"docker_host": os.environ.get("DOCKER_HOST", "")}
    return {**params, **{name: shown for name, url in given.items() if (shown := without_password(url)) != url}}


def connection_of(params: Mapping[str, Json]) -> Connection:
    """Return the connection that a task's parameters describe; raise SpecError."""
    wanted = {name: params[name] for name in CONNECTION_OPTIONS}
    folder = os.environ.get("DOCKER_CERT_PATH")
    if folder:
        for name, file in (("ca_path", "ca.pem"), ("client_cert", "cert.pem"), ("client_key", "key.pem")):
            wanted[name] = wanted[name] or str(Path(folder, file))
    return Connection(**wanted)


def run_info(module: AnsibleModule, read: Callable[[Reader, Mapping[str, Json]], dict[str, Json]]) -> None:
    """End a module that changes nothing with what it reads, or with one message."""
    try:
        engine = Reader(connection_of(module.params))
        with understood(engine):
            result = read(engine, module.params)
    except LinklabError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)
