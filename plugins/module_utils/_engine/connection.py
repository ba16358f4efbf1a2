# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How to reach an engine, as the options of a task say it."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import SpecError, seconds_problem
from .mask import HIDDEN, without_password

DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Connection:
    """How to reach an engine, in the words that Docker modules share."""

    docker_host: str = DEFAULT_HOST
    api_version: str = "auto"
    timeout: int = 60
    tls: bool = False
    validate_certs: bool = False
    tls_hostname: str | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def __post_init__(self) -> None:
        shown = without_password(self.docker_host)
        if f":{HIDDEN}@" in shown:
            raise SpecError(
                f"docker_host {shown!r} cannot be used: it has a password, which no engine takes. Leave it out: TLS has"
                " client_cert and client_key, and ssh has its own keys"
            )
        what = (
            "it is how many seconds the engine may take to answer one request (option timeout or environment variable"
            " DOCKER_TIMEOUT),"
        )
        if problem := seconds_problem("timeout", self.timeout, 1, what):
            raise SpecError(problem)

    @property
    def verified(self) -> bool:
        """Whether the engine behind C(tcp://) must prove who it is.

        Whoever says how it does so, or how the client does, does not want to talk to just anybody, in plain text.
        """
        given = (self.tls_hostname, self.ca_path, self.client_cert, self.client_key)
        return self.validate_certs or (not self.tls and any(given))

    @property
    def encrypted(self) -> bool:
        return self.tls or self.verified
