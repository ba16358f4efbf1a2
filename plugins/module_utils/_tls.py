# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""TLS for the user: which file is missing, and what a failed handshake means."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# OpenSSL's codes for a certificate that is sound but for another host: by name, and by address.
_OTHER_HOST = (62, 64)
# Its codes for a certificate that lacks an extension. Python demands these since 3.13; `openssl req -x509` alone, as
# many instructions have it, leaves out the first one.
_INCOMPLETE = range(79, 94)


def check_files(files: Mapping[str, str | None]) -> None:
    """Raise SpecError for a file that is not there, or a certificate without its key; I(files) is option to path."""
    for option, path in files.items():
        if path and not Path(path).is_file():
            raise SpecError(f"{option}: there is no file {path}")
    if bool(files.get("client_cert")) != bool(files.get("client_key")):
        raise SpecError("client_cert and client_key belong together: give both, or none")


def handshake_problem(chain: Iterable[BaseException], host: str) -> str:
    """Return what a failed TLS handshake with I(host) means, or an empty string if it was none.

    Args:
        chain: an exception and all that it wraps, outermost first.
    """
    for exc in chain:
        # urllib3 has a mismatch error of its own, which is used with tls_hostname.
        if isinstance(exc, ssl.SSLCertVerificationError) or type(exc).__name__ == "CertificateError":
            return _verification_problem(exc, host)
        if isinstance(exc, ssl.SSLError):
            return _refusal(exc, host)
    return ""


def _verification_problem(exc: BaseException, host: str) -> str:
    said = getattr(exc, "verify_message", "") or str(exc)
    code = getattr(exc, "verify_code", None)
    if code is None or code in _OTHER_HOST:
        return (
            f"the certificate of the engine at {host} is for another host: {said}."
            " Set tls_hostname to a name that is in the certificate"
        )
    if code in _INCOMPLETE:
        advice = (
            "Python 3.13 and newer demand the extensions of RFC 5280: keyUsage in the authority's certificate,"
            " authorityKeyIdentifier in those that it signs. Make them anew"
        )
    else:
        advice = "Set ca_path to the certificate of the authority that signed it"
    return f"the certificate of the engine at {host} cannot be trusted: {said}. {advice}"


def _refusal(exc: ssl.SSLError, host: str) -> str:
    reason = exc.reason or str(exc)
    if "ALERT" in reason:
        return (
            f"the engine at {host} refused the TLS connection ({reason}): it wants a client certificate of an authority"
            " that it trusts. Set client_cert and client_key"
        )
    return f"no TLS connection to {host} ({reason}). If that port has no TLS, leave out tls and validate_certs"
