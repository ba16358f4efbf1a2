# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where docker_host leads, and what is no URL of an engine."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.place import way_to
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "host, meant",
    [
        ("/var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("unix:/var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("192.0.2.1:2375", "tcp://192.0.2.1:2375"),
        ("http://192.0.2.1:2375", "tcp://192.0.2.1:2375"),
        ("https://192.0.2.1:2376", "tcp://192.0.2.1:2376 with validate_certs: true"),
    ],
)
def test_what_is_nearly_a_url_is_refused_with_the_right_one(host, meant):
    with pytest.raises(SpecError) as refused:
        way_to(Connection(host))
    assert f"docker_host '{host}' cannot be used" in str(refused.value)
    assert str(refused.value).endswith(f"(did you mean {meant}?)")


@pytest.mark.parametrize(
    "host",
    [
        *("", "unix", "unix://", "unix://run/docker.sock", "tcp://", "tcp://host:port", "tcp://host:99999", "tcp://-h"),
        *(
            "tcp://a b:1",
            "tcp://host:1/x?y",
            "tcp://host:1/a b",
            "tcp://h\r\nX: y",
            "tcp://[::1",
            "npipe:////./pipe",
            "fd://",
        ),
    ],
)
def test_what_is_no_url_is_refused(host):
    with pytest.raises(SpecError, match="it must be a URL such as unix:///") as refused:
        way_to(Connection(host))
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "tcp://me:hunter2@192.0.2.1:2376",
        "https://me:hunter2@192.0.2.1",
        "unix://me:hunter2@/var/run/docker.sock",
        "me:hunter2@192.0.2.1:2375",
        "ssh://me:hunter2@192.0.2.1",
        "tcp://me:hunter2@",
    ],
)
@pytest.mark.parametrize("options", [{}, {"tls": True}, {"ca_path": "/none"}])
def test_a_password_in_a_url_is_refused_and_not_repeated(host, options):
    with pytest.raises(SpecError, match=r"docker_host .*cannot be used") as refused:
        way_to(Connection(host, **options))
    assert "hunter2" not in str(refused.value)


@given(st.text(max_size=30) | st.from_regex(r"(tcp|ssh)://.{0,20}"))
def test_any_text_leads_somewhere_or_is_refused(host):
    try:
        way_to(Connection(host))
    except SpecError as refused:
        assert "cannot be used" in str(refused)


@pytest.mark.parametrize(
    "url, base", [("tcp://127.0.0.1:{}", ""), ("tcp://localhost:{}/", ""), ("tcp://127.0.0.1:{}/one/two/", "/one/two")]
)
def test_a_line_leads_there(url, base):
    with socket.create_server(("127.0.0.1", 0)) as server:
        dial, found = way_to(Connection(url.format(server.getsockname()[1])))
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"))
        thread.start()
        with dial(5) as line:
            assert line.recv(5) == b"hello"
        thread.join()
    assert found == base
