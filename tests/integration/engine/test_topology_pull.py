# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that the engine does not have, from a registry of the test's own on this machine."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import typing as t
from dataclasses import dataclass, field

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import DEFAULT_HOST

Json = t.Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LOGIN = base64.b64encode(b"user:correct-horse-battery").decode()


@dataclass
class Registry:
    """Serves one image to the engine, under any name, to everybody or to who has the login."""

    blobs: dict[str, bytes]
    manifest: bytes
    private: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 0


def handler(registry: Registry) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.asked.append(self.path)
            if registry.private and self.headers.get("Authorization") != f"Basic {LOGIN}":
                self._answer(401, b"{}", "application/json", {"WWW-Authenticate": 'Basic realm="test"'})
            elif "/manifests/" in self.path:
                digest = f"sha256:{hashlib.sha256(registry.manifest).hexdigest()}"
                self._answer(200, registry.manifest, MANIFEST, {"Docker-Content-Digest": digest})
            elif "/blobs/" in self.path:
                self._answer(200, registry.blobs[self.path.rpartition("/")[2]], "application/octet-stream", {})
            else:
                self._answer(200, b"{}", "application/json", {"Docker-Distribution-Api-Version": "registry/2.0"})

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def _answer(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    return Handler


@pytest.fixture(scope="module")
def image(engine) -> Registry:
    """The test image as a registry has it: a configuration, layers, and a manifest that names them."""
    name = os.environ.get("LINKLAB_TEST_BUSYBOX", "linklab-test/busybox:latest")
    saved = engine.request("GET", f"/images/{name}/get").content
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def content(path: str) -> bytes:
            member = archive.extractfile(path)
            assert member is not None
            return member.read()

        listed = json.loads(content("manifest.json"))[0]
        # Another history makes another ID, so that the engine has to fetch it.
        config = json.dumps({**json.loads(content(listed["Config"])), "author": "the test"}).encode()
        layers = [content(path) for path in listed["Layers"]]
    blobs = {f"sha256:{hashlib.sha256(blob).hexdigest()}": blob for blob in (config, *layers)}
    first, *rest = blobs
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": first},
        "layers": [
            {"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "size": len(blobs[one]), "digest": one}
            for one in rest
        ],
    }
    return Registry(blobs, json.dumps(manifest).encode())


@pytest.fixture
def registry(engine, image, lab):
    """A registry on this machine, which engines talk to without TLS."""
    if engine.connection.docker_host != DEFAULT_HOST:
        pytest.skip("only the engine of this machine reaches a registry on its loopback address")
    one = Registry(image.blobs, image.manifest)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(one))
    one.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one
    server.shutdown()
    server.server_close()
    lab.clear()
    for known in engine.get("/images/json"):
        for tag in known["RepoTags"] or ():
            if tag.startswith(f"127.0.0.1:{one.port}/"):
                engine.delete(f"/images/{tag}", force="true")


def task(lab: Json, registry: Registry) -> dict[str, Json]:
    image = f"127.0.0.1:{registry.port}/{lab.prefix.strip('-')}"
    containers = {lab.name(name): {"image": image, "command": "sleep 100000"} for name in ("one", "two")}
    return {"name": lab.name("lab"), "containers": containers}


def test_an_image_that_is_missing_is_pulled_once_and_not_again(lab, module, registry):
    made = module("topology", task(lab, registry))
    assert [action["action"] for action in made["actions"]] == ["pull_image", "create_container", "create_container"]
    asked = len(registry.asked)
    assert asked
    assert not module("topology", task(lab, registry))["changed"]
    assert len(registry.asked) == asked


def test_check_mode_says_that_it_would_be_pulled(lab, module, registry):
    found = module("topology", task(lab, registry), check=True)
    assert [action["action"] for action in found["actions"]] == ["pull_image", "create_container", "create_container"]
    assert registry.asked == []


def test_a_private_image_is_pulled_with_what_docker_login_left(lab, module, registry, tmp_path):
    registry.private = True
    nobody = {"DOCKER_CONFIG": str(tmp_path)}
    refused = module("topology", task(lab, registry), fails=True, environment=nobody)
    assert "could not pull image" in refused["msg"]
    assert "Of 3 changes, 0 were made" in refused["msg"]

    login = {"auths": {f"127.0.0.1:{registry.port}": {"auth": LOGIN}}}
    (tmp_path / "config.json").write_text(json.dumps(login), encoding="utf-8")
    made = module("topology", task(lab, registry), environment=nobody)
    assert len(made["containers"]) == 2


def test_connectivity_pulls_a_private_probe_image(lab, module, registry, tmp_path):
    registry.private = True
    network = lab.network("net")
    source, target = (lab.run(name, networks=[network]) for name in ("source", "target"))
    assert lab.exec(source, "rm", "/bin/sh")[0] == 0
    check = {"source": source, "target": target, "protocol": "dns", "timeout": 0, "pull": "missing"}
    check["probe_image"] = image = f"127.0.0.1:{registry.port}/{lab.prefix.strip('-')}"
    nobody = {"DOCKER_CONFIG": str(tmp_path)}
    assert "cannot be pulled" in module("connectivity", check, fails=True, environment=nobody)["msg"]

    login = {"auths": {f"127.0.0.1:{registry.port}": {"auth": LOGIN}}}
    (tmp_path / "config.json").write_text(json.dumps(login), encoding="utf-8")
    assert module("connectivity", check, environment=nobody)["pulled"] == [image]
