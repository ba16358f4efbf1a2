# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real engine behind TCP, in plain text and through TLS, and servers that are none."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import typing as t

import pytest
from authority import Authority

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = t.Any

HOST_NAME = "engine.example"  # only in the certificate: nobody resolves it
READ: Json = {"network": "bridge", "state": "absent"}


class Door:
    """Listens on a port of this machine, and passes everything on to the engine's socket, or records and answers it.

    Attributes:
        heard: the first bytes of each connection, as they are on the wire, or inside TLS.
    """

    def __init__(self, inside: str, context: ssl.SSLContext | None = None, answer: bytes | None = None) -> None:
        self.heard: list[bytes] = []
        self._inside, self._context, self._answer = inside, context, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=self._listener.accept()[:1], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            one = stack.enter_context(self._context.wrap_socket(client, server_side=True) if self._context else client)
            first = one.recv(1 << 16)
            self.heard.append(first)
            if self._answer is not None:
                one.sendall(self._answer)
                return
            engine = stack.enter_context(socket.socket(socket.AF_UNIX))
            engine.connect(self._inside)
            engine.sendall(first)
            back = threading.Thread(target=_pass_on, args=(engine, one), daemon=True)
            back.start()
            _pass_on(one, engine)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    one = Authority.make(tmp_path_factory.mktemp("authority"))
    one.sign("server", "serverAuth", "IP:127.0.0.1", f"DNS:{HOST_NAME}")
    one.sign("named", "serverAuth", f"DNS:{HOST_NAME}")
    one.sign("cert", "clientAuth")
    (one.folder / "cert-key.pem").rename(one.folder / "key.pem")
    return one


@pytest.fixture
def door(engine: Json) -> Iterator[t.Callable[..., Door]]:
    doors: list[Door] = []

    def make(context: ssl.SSLContext | None = None, answer: bytes | None = None) -> Door:
        doors.append(Door(engine.connection.docker_host.partition("://")[2], context, answer))
        return doors[-1]

    yield make
    for one in doors:
        one.close()


def served(folder: Path, name: str = "server", *, clients: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
    return context


def client(folder: Path) -> dict[str, str]:
    return {"client_cert": str(folder / "cert.pem"), "client_key": str(folder / "key.pem")}


# -- plain text -------------------------------------------------------------------------------------------------------


def test_a_container_is_attached_over_tcp(lab, module, door):
    names = [lab.run(f"box{number}") for number in range(3)]
    task = {"network": lab.network("net"), "containers": names, "docker_host": door().url}
    assert module("network_attach", task)["changed"]
    assert not module("network_attach", task)["changed"]


def test_a_program_is_run_in_a_container_over_tcp(lab, module, door):
    net = lab.network("net")
    box, other = (lab.run(name, network=net) for name in ("box", "other"))
    check = {"source": box, "target": other, "protocol": "dns", "docker_host": door().url}
    assert module("connectivity", check)["reachable"]


@pytest.mark.parametrize("name", ["../images/busybox", "..", "a/../b"])
def test_a_name_that_is_a_path_is_none(lab, module, door, name):
    task = {"network": lab.network("net"), "containers": [name], "docker_host": door().url}
    message = module("network_attach", task, fails=True)["msg"]
    assert name in message and "Nothing was changed" in message


def test_nobody_goes_where_an_answer_leads(module, door):
    elsewhere = door(answer=b"")
    leading = (
        b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:%d/version\r\nContent-Length: 0\r\n\r\n" % elsewhere.port
    )
    here = door(answer=leading)
    message = module("network_attach", {**READ, "docker_host": here.url}, fails=True)["msg"]
    assert "does not answer as a Docker Engine does" in message
    assert (len(here.heard), elsewhere.heard) == (1, [])


def test_no_proxy_is_asked(module, door):
    proxy = door(answer=b"")
    environment = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), f"http://127.0.0.1:{proxy.port}")
    assert module("network_attach", {**READ, "docker_host": door().url}, environment=environment)["network"]
    assert proxy.heard == []


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["ca_path", "client", "tls_hostname", "environment"])
def test_whoever_says_how_to_trust_sends_no_plain_text(module, door, authority, options):
    plain = door(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    folder = authority.folder
    given = {
        "ca_path": {"ca_path": str(folder / "ca.pem")},
        "client": client(folder),
        "tls_hostname": {"tls_hostname": HOST_NAME},
        "environment": {},
    }[options]
    environment = {"DOCKER_CERT_PATH": str(folder)} if options == "environment" else {}
    task = {**READ, "docker_host": plain.url, **given}
    message = module("network_attach", task, fails=True, environment=environment)["msg"]
    assert "no TLS connection" in message and "DOCKER_CERT_PATH" in message
    # A handshake, and nothing else.
    assert [one[:1] for one in plain.heard] == [b"\x16"]


@pytest.mark.parametrize("way", ["options", "environment"])
def test_the_files_alone_mean_verified_tls(module, door, authority, way):
    one = door(served(authority.folder, clients=True))
    options = {"ca_path": str(authority.folder / "ca.pem"), **client(authority.folder)} if way == "options" else {}
    environment = {} if options else {"DOCKER_CERT_PATH": str(authority.folder)}
    task = {**READ, "docker_host": one.url, **options}
    assert module("network_attach", task, environment=environment)["network"]["name"] == "bridge"


def test_the_certificate_must_be_the_engines(module, door, authority, tmp_path):
    one, other = door(served(authority.folder)), Authority.make(tmp_path / "other")
    task = {**READ, "docker_host": one.url, "ca_path": str(other.folder / "ca.pem")}
    assert "cannot be trusted" in module("network_attach", task, fails=True)["msg"]
    assert one.heard == []


def test_the_certificate_must_be_for_the_host_or_for_tls_hostname(module, door, authority):
    one = door(served(authority.folder, "named"))
    task = {**READ, "docker_host": one.url, "ca_path": str(authority.folder / "ca.pem")}
    assert "is for another host" in module("network_attach", task, fails=True)["msg"]
    assert module("network_attach", {**task, "tls_hostname": HOST_NAME})["network"]["name"] == "bridge"


def test_without_validation_any_certificate_will_do(module, door, authority):
    one = door(served(authority.folder, "named"))
    assert module("network_attach", {**READ, "docker_host": one.url, "tls": True})["network"]["name"] == "bridge"


def test_many_containers_are_read_over_tls(lab, module, door, authority):
    names = [lab.run(f"box{number}", start=False) for number in range(4)]
    one = door(served(authority.folder))
    task = {"network": lab.network("net"), "containers": names, "docker_host": one.url, "validate_certs": True}
    task["ca_path"] = str(authority.folder / "ca.pem")
    assert module("network_attach", task)["changed"]
    assert not module("network_attach", task)["changed"]


def test_a_program_is_run_in_a_container_over_tls(lab, module, door, authority):
    net = lab.network("net")
    box, other = (lab.run(name, network=net) for name in ("box", "other"))
    one = door(served(authority.folder))
    check = {"source": box, "target": other, "protocol": "dns", "docker_host": one.url}
    assert module("connectivity", {**check, "ca_path": str(authority.folder / "ca.pem")})["reachable"]
