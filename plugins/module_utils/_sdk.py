# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Docker SDK for Python, for its transport alone: TCP with TLS."""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine_info import MINIMUM_API
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError, Unreachable

_MISSING: ImportError | None = None
try:
    import requests.adapters
    from docker import APIClient
    from docker.errors import DockerException, TLSParameterError
    from docker.tls import TLSConfig
except ImportError as exc:
    _MISSING = exc

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._client import Connection
    from requests.adapters import BaseAdapter

Json = t.Any


def open_sdk(connection: Connection) -> APIClient:
    """Return an SDK client. With a version given, it sends no request of its own."""
    if _MISSING is not None:
        raise Unreachable(
            f"the Docker SDK for Python is missing for the interpreter that runs this module ({_MISSING})."
            " Install the package python3-docker of the distribution, or 'pip install docker'"
            " for that interpreter; the role linklab.docker.engine does it."
        ) from _MISSING
    host = connection.docker_host
    try:
        sdk = APIClient(
            base_url=host,
            version=MINIMUM_API,
            timeout=connection.timeout,
            tls=connection.tls_config() or False,
        )
    except (DockerException, OSError, ValueError) as exc:
        raise Unreachable(f"docker_host {host!r} cannot be used: {exc}") from exc
    if connection.tls_hostname:
        sdk.mount("https://", _certificate_of(connection.tls_hostname))
    return sdk


def _certificate_of(hostname: str) -> BaseAdapter:
    """Return a transport that wants I(hostname) in the engine's certificate; SDK 7 has no option for it any more."""

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Json, **kwargs: Json) -> None:
            super().init_poolmanager(*args, assert_hostname=hostname, **kwargs)

    return Adapter()


def tls_config(connection: Connection) -> TLSConfig:
    """Return the SDK's TLS settings."""
    cert = (connection.client_cert, connection.client_key) if connection.client_cert and connection.client_key else None
    try:
        return TLSConfig(client_cert=cert, ca_cert=connection.ca_path, verify=connection.validate_certs)
    except TLSParameterError as exc:
        raise SpecError(f"the TLS options cannot be used: {exc}") from exc
