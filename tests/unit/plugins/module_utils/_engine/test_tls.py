# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.tls import check_files, handshake_problem
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError

HOST = "tcp://engine.example:2376"


def verification(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    "error, advice",
    [
        (verification(62, "Hostname mismatch"), "Set tls_hostname"),
        (verification(64, "IP address mismatch"), "Set tls_hostname"),
        (verification(20, "unable to get local issuer certificate"), "Set ca_path"),
        (verification(10, "certificate has expired"), "certificate has expired"),
        (verification(92, "CA cert does not include key usage extension"), "keyUsage"),
        (alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "Set client_cert and client_key"),
        (alert("TLSV1_ALERT_UNKNOWN_CA"), "Set client_cert and client_key"),
        (alert("WRONG_VERSION_NUMBER"), "leave out tls, validate_certs"),
    ],
)
def test_each_failed_handshake_has_its_advice(error, advice):
    message = handshake_problem(error, HOST)
    assert HOST in message
    assert advice in message


def test_what_is_no_handshake_has_none():
    assert handshake_problem(OSError(1, "not permitted"), HOST) == ""


def test_missing_files_are_named(tmp_path):
    (tmp_path / "cert.pem").touch()
    with pytest.raises(SpecError, match=r"client_key: there is no file .*/key\.pem"):
        check_files({"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")})
