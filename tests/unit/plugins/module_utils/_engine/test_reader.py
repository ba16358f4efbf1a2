# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the reader needs no engine: versions, names, TLS options, and errors."""

from __future__ import annotations

import contextlib
from http.client import HTTPMessage

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine import reader
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo, parse_api_version
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import EngineResponse
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError, Unreachable
from hypothesis import given
from hypothesis import strategies as st

# -- versions ---------------------------------------------------------------------------------------------------------

versions = st.tuples(st.integers(1, 3), st.integers(0, 99))


@given(versions)
def test_a_version_is_two_numbers(version):
    assert parse_api_version("{}.{}".format(*version)) == version


@pytest.mark.parametrize(
    "text", ["", "auto ", "1", "1.", ".41", "v1.41", "1.41.2", "1.x", "-1.41", "1.²", "1.٤", "1,41"]
)
def test_what_is_no_version_is_refused_with_an_example(text):
    with pytest.raises(SpecError, match=r"api_version must be 'auto' or look like 1\.41"):
        parse_api_version(text)


@given(st.text(max_size=6))
def test_any_text_is_a_version_or_refused(text):
    with contextlib.suppress(SpecError):
        assert len(parse_api_version(text)) == 2


@given(versions, versions)
def test_an_engine_speaks_the_versions_up_to_its_own(own, other):
    info = EngineInfo("{}.{}".format(*own))
    assert info.speaks("{}.{}".format(*other)) == (own >= other)


def test_an_older_version_can_be_spoken_with_a_newer_engine():
    info = EngineInfo("1.41", "28.5.2", newest="1.51")
    assert not info.speaks("1.44")
    assert info.has("1.44")
    assert not info.has("1.52")
    assert EngineInfo("1.44").has("1.44")


def test_a_version_that_is_none_is_refused_before_an_engine_is_asked():
    with pytest.raises(SpecError, match="api_version"):
        Engine(Connection("unix:///nowhere", api_version="newest"))


# -- names ------------------------------------------------------------------------------------------------------------

IDENT = "9f2ccf3a8cde" + "0" * 52


@pytest.mark.parametrize("ref", ["box", IDENT, IDENT[:12], IDENT[:40]])
def test_a_thing_is_the_one_that_was_meant(ref):
    assert reader._same_thing(ref, IDENT, "box")


@pytest.mark.parametrize("ref", ["bo", "boxx", "9f2c", IDENT[:11], IDENT[1:13], ""])
def test_a_thing_that_the_engine_found_by_a_beginning_of_its_id_may_be_another(ref):
    assert not reader._same_thing(ref, IDENT, "box")


# -- connections ------------------------------------------------------------------------------------------------------


FILES = ("ca_path", "client_cert", "client_key")


@pytest.mark.parametrize(
    "options, encrypted, verified",
    [
        ({}, False, False),
        ({"tls": True}, True, False),
        ({"validate_certs": True}, True, True),
        ({"tls": True, "validate_certs": True}, True, True),
        ({"tls": True, "ca_path": "ca.pem"}, True, False),
        *[({option: "given"}, True, True) for option in (*FILES, "tls_hostname")],
    ],
)
def test_whoever_says_how_to_trust_the_engine_gets_no_plain_text(options, encrypted, verified):
    connection = Connection("tcp://192.0.2.1", **options)
    assert (connection.encrypted, connection.verified) == (encrypted, verified)


@pytest.mark.parametrize("option", FILES)
def test_a_file_that_is_not_there_is_refused_with_its_option(tmp_path, option):
    with pytest.raises(SpecError, match=f"{option}: there is no file"):
        Engine(Connection("tcp://192.0.2.1", **{option: str(tmp_path / "none.pem")}))


@pytest.mark.parametrize("option", FILES)
def test_a_unix_socket_needs_none_of_them(option):
    with pytest.raises(Unreachable, match="the socket does not exist"):
        Engine(Connection("unix:///nowhere/docker.sock", **{option: "/none.pem"}))


@pytest.mark.parametrize("option", ["client_cert", "client_key"])
def test_a_certificate_and_its_key_belong_together(tmp_path, option):
    path = tmp_path / "one.pem"
    path.touch()
    with pytest.raises(SpecError, match="give both, or none"):
        Engine(Connection("tcp://192.0.2.1", **{option: str(path)}))


@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_a_file_that_is_no_certificate_is_reported_with_its_name(tmp_path, option):
    path = tmp_path / "one.pem"
    path.write_text("nonsense")
    files = {option: str(path), **({"client_key": str(path)} if option == "client_cert" else {})}
    with pytest.raises(SpecError, match=rf"the TLS options cannot be used \({option} .*one\.pem"):
        Engine(Connection("tcp://192.0.2.1", **files))


@pytest.mark.parametrize("seconds", [0, -1, 86401, 10**30])
def test_a_timeout_must_be_one(seconds):
    with pytest.raises(SpecError, match=r"timeout .* cannot be used.* from 1 to 86400"):
        Connection(timeout=seconds)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, explanation",
    [
        (b'{"message": "No such container: x\\n"}', "No such container: x"),
        (b'{"message": ""}', "Bad Request"),
        (b"not JSON", "not JSON"),
        (b'["a list"]', '["a list"]'),
        (b"{}", "{}"),
        (b"", "Bad Request"),
        (b"x" * 9999, "x" * 2000),
        (b'{"message": "' + b"x" * 9999 + b'"}', "x" * 2000),
        (b"[" * 9999, "[" * 2000),
    ],
)
def test_the_words_of_the_engine_are_reported_whatever_they_come_in(content, explanation):
    answer = EngineResponse(400, "Bad Request", HTTPMessage(), content)
    assert reader._explanation(answer) == explanation
