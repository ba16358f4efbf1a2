# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real engine that wants TLS and client certificates: a nested one, with a throw-away authority."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import Unreachable
from authority import Authority
from nested import BUSYBOX, NestedEngine, docker, newest_built

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = t.Any

HOST_NAME = "engine.example"  # only in the certificate: nobody resolves it


@dataclass(frozen=True)
class TlsEngine:
    """An engine that listens with TLS.

    Attributes:
        url: under an address that is in its certificate.
        other_url: under one that is not.
        folder: ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH wants them.
        foreign: the same three of an authority that the engine does not know.
    """

    url: str
    other_url: str
    folder: Path
    foreign: Path

    def options(self, folder: Path | None = None, **more: Json) -> dict[str, Json]:
        folder = folder or self.folder
        files = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
        paths = {option: str(folder / file) for option, file in files.items()}
        return {"docker_host": self.url, **paths, "validate_certs": True, **more}


@pytest.fixture(scope="module")
def tls_engine(tmp_path_factory: pytest.TempPathFactory, run_prefix: str) -> Iterator[TlsEngine]:
    version = newest_built()
    if not version:
        pytest.skip("no nested engine was built here yet, which takes a minute: `make test-engines` does")
    base = tmp_path_factory.mktemp("tls")
    nested = NestedEngine(base, f"{run_prefix}tls-", version, run="--publish 127.0.0.1::2376")
    authority = Authority.make(nested.shared)
    authority.sign("server", "serverAuth", "IP:127.0.0.1", f"DNS:{HOST_NAME}")
    foreign = Authority.make(base / "foreign")
    for one in (authority, foreign):
        one.sign("client", "clientAuth")
        (one.folder / "client.pem").rename(one.folder / "cert.pem")
        (one.folder / "client-key.pem").rename(one.folder / "key.pem")
    listen = ["--host", "tcp://0.0.0.0:2376", "--tlsverify", "--tlscacert", "/engine/ca.pem"]
    files = ["--tlscert", "/engine/server.pem", "--tlskey", "/engine/server-key.pem"]
    try:
        nested.up(*listen, *files)
        address = docker("port", nested.name, "2376").splitlines()[0]
        bridge = docker("inspect", "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}", nested.name)
        yield TlsEngine(f"tcp://{address}", f"tcp://{bridge}:2376", nested.shared, foreign.folder)
    finally:
        nested.down()


@pytest.fixture
def refused(module: Json) -> t.Callable[..., str]:
    """Run network_attach, which must not get through to the engine, and return its message."""

    def call(options: dict[str, Json], **environment: str) -> str:
        result = module("network_attach", {"network": "any", **options}, fails=True, environment=environment)
        assert "\n" not in result["msg"]
        assert not result.get("changed")
        return str(result["msg"])

    return call


def test_a_container_is_attached_over_tls(tls_engine, module):
    engine = Engine(Connection(**tls_engine.options()))
    body = {"Image": BUSYBOX, "Cmd": ["sleep", "1000"], "StopSignal": "SIGKILL"}
    engine.create_container("box", body)
    engine.start("box")
    assert engine.inspect_containers(["nobody", "box"]) == {"box": engine.container("box")}
    task = {"network": "net", "create": {}, "endpoints": [{"container": "box", "aliases": ["b"]}]}

    first = module("network_attach", {**task, **tls_engine.options()})
    again = module("network_attach", {**task, **tls_engine.options()})
    removed = module("network_attach", {"network": "net", "purge": True, **tls_engine.options()})

    assert [action["action"] for action in first["actions"]] == ["create_network", "attach"]
    assert not again["changed"]
    assert [action["action"] for action in removed["actions"]] == ["detach"]
    engine.remove_container("box", force=True)
    engine.remove_network("net")
    engine.close()


def test_threads_have_connections_of_their_own(tls_engine):
    engine = Engine(Connection(**tls_engine.options()))
    other = engine.clone()
    assert other.get("/version") == engine.get("/version")
    other.close()
    engine.close()


def test_the_environment_of_the_docker_program_will_do(tls_engine, module):
    environment = {
        "DOCKER_HOST": tls_engine.url,
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tls_engine.folder),
    }
    result = module("network_attach", {"network": "bridge", "state": "absent"}, environment=environment)
    assert result["network"]["name"] == "bridge"


def test_without_validation_any_certificate_of_the_engine_will_do(tls_engine, module):
    options = tls_engine.options(tls=True, validate_certs=False, docker_host=tls_engine.other_url)
    assert module("network_attach", {"network": "bridge", "state": "absent", **options})["network"]["name"] == "bridge"


def test_the_certificate_must_be_for_the_host(tls_engine, refused):
    message = refused(tls_engine.options(docker_host=tls_engine.other_url))
    assert tls_engine.other_url in message
    assert "certificate" in message
    assert "tls_hostname" in message


def test_tls_hostname_says_which_name_the_certificate_has(tls_engine, module):
    options = tls_engine.options(docker_host=tls_engine.other_url, tls_hostname=HOST_NAME)
    assert module("network_attach", {"network": "bridge", "state": "absent", **options})["network"]["name"] == "bridge"


def test_a_wrong_tls_hostname_is_refused(tls_engine, refused):
    message = refused(tls_engine.options(tls_hostname="other.example"))
    assert "other.example" in message
    assert "tls_hostname" in message


def test_an_engine_of_an_unknown_authority_is_refused(tls_engine, refused):
    message = refused(tls_engine.options(ca_path=str(tls_engine.foreign / "ca.pem")))
    assert "ca_path" in message
    assert "certificate" in message


def test_a_client_of_an_unknown_authority_is_refused(tls_engine, refused):
    options = tls_engine.options(tls_engine.foreign, ca_path=str(tls_engine.folder / "ca.pem"))
    assert "client_cert" in refused(options)


def test_a_client_without_certificate_is_refused(tls_engine, refused):
    assert "client_cert" in refused(
        {"docker_host": tls_engine.url, "ca_path": str(tls_engine.folder / "ca.pem"), "tls": True}
    )


def test_plain_http_to_a_port_with_tls(tls_engine, refused):
    message = refused({"docker_host": tls_engine.url})
    assert "validate_certs" in message


def test_a_missing_file_is_named(tls_engine, refused):
    message = refused(tls_engine.options(client_cert="/no/such/cert.pem"))
    assert "client_cert" in message or "/no/such/cert.pem" in message


def test_a_missing_authority_is_named(tls_engine, refused):
    assert "/no/such/ca.pem" in refused(tls_engine.options(ca_path="/no/such/ca.pem"))


def test_half_of_a_client_certificate_is_refused(tls_engine, refused):
    options = tls_engine.options()
    del options["client_key"]
    assert "client_key" in refused(options)


def test_the_client_raises_one_type_for_all_of_it(tls_engine):
    with pytest.raises(Unreachable):
        Engine(Connection(docker_host=tls_engine.url))
