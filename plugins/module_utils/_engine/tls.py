# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""TLS: lines through it, which file is missing, and what a failed handshake means."""

from __future__ import annotations

import errno
import ssl
import typing as t
from pathlib import Path

from .._errors import SpecError
from .transport import Line

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .connection import Connection

Json = t.Any

# OpenSSL's codes for a certificate that is sound but for another host: by name, and by address.
_OTHER_HOST = (62, 64)
# Its codes for a certificate that lacks an extension. Python demands these since 3.13; `openssl req -x509` alone, as
# many instructions have it, leaves out the first one.
_INCOMPLETE = range(79, 94)


class TlsLine(Line, ssl.SSLSocket):
    """A line through TLS."""

    def recv_into(self, buffer: Json, nbytes: int | None = None, flags: int = 0) -> int:
        try:
            return super().recv_into(buffer, nbytes or 0, flags)
        except ssl.SSLWantReadError as exc:
            # As any other socket has it that must not wait.
            raise BlockingIOError(errno.EAGAIN, "nothing is there yet") from exc


def over_tls(dial: Callable[[float], Line], connection: Connection, name: str) -> Callable[[float], Line]:
    """Return what opens lines through TLS; I(name) is what the engine's certificate must be for."""
    context = tls_context(connection)

    def encrypted(timeout: float) -> Line:
        line = dial(timeout)
        try:
            return t.cast("Line", context.wrap_socket(line, server_hostname=name))
        except BaseException:
            line.close()
            raise

    return encrypted


def tls_context(connection: Connection) -> ssl.SSLContext:
    """Return what decides whether the other side is trusted; raise SpecError for files that cannot be used."""
    files = {"ca_path": connection.ca_path, "client_cert": connection.client_cert, "client_key": connection.client_key}
    check_files(files)
    try:
        # Without ca_path, the authorities that the system trusts will do.
        context = ssl.create_default_context(cafile=connection.ca_path)
        if connection.client_cert:
            # An empty password, since one that is asked for at a terminal would be waited for.
            context.load_cert_chain(connection.client_cert, connection.client_key, password="")
    except OSError as exc:
        given = ", ".join(f"{option} {path}" for option, path in files.items() if path)
        raise SpecError(f"the TLS options cannot be used ({given}): {exc}") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TlsLine
    if not connection.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_files(files: Mapping[str, str | None]) -> None:
    """Raise SpecError for a file that is not there, or a certificate without its key; I(files) is option to path."""
    for option, path in files.items():
        if path and not Path(path).is_file():
            raise SpecError(f"{option}: there is no file {path}")
    if bool(files.get("client_cert")) != bool(files.get("client_key")):
        raise SpecError("client_cert and client_key belong together: give both, or none")


def handshake_problem(exc: BaseException, host: str) -> str:
    """Return what a failed TLS handshake with I(host) means, or an empty string if it was none."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _verification_problem(exc, host)
    return _refusal(exc, host) if isinstance(exc, ssl.SSLError) else ""


def _verification_problem(exc: ssl.SSLCertVerificationError, host: str) -> str:
    reason, code = exc.verify_message or str(exc), exc.verify_code
    if code in _OTHER_HOST:
        return (
            f"the certificate of the engine at {host} is for another host: {reason}."
            " Set tls_hostname to a name that is in the certificate"
        )
    if code in _INCOMPLETE:
        advice = (
            "Python 3.13 and newer demand the extensions of RFC 5280: keyUsage in the authority's certificate,"
            " authorityKeyIdentifier in those that it signs. Make them again with these"
        )
    else:
        advice = "Set ca_path to the certificate of the authority that signed it"
    return f"the certificate of the engine at {host} cannot be trusted: {reason}. {advice}"


def _refusal(exc: ssl.SSLError, host: str) -> str:
    reason = exc.reason or str(exc)
    if "ALERT" in reason:
        return (
            f"the engine at {host} refused the TLS connection ({reason}): it wants a client certificate of an authority"
            " that it trusts. Set client_cert and client_key"
        )
    options = "tls, validate_certs, tls_hostname, ca_path, client_cert and client_key (and DOCKER_CERT_PATH)"
    return f"no TLS connection to {host} ({reason}). If that port has no TLS, leave out {options}"
