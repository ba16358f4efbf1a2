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

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = t.Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
LOGIN = base64.b64encode(b"user:correct-horse-battery").decode()


@dataclass
class Registry:
    """Serves one image to the engine, under any name, to everybody or to who has the login."""

    config: dict[str, Json]
    layers: Sequence[bytes]
    private: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""

    def serve(self, labels: Mapping[str, str] | None = None) -> None:
        """Make the blobs, and the manifest that names them. labels: of the image."""
        config = {**self.config, "config": {**self.config["config"], "Labels": dict(labels or {})}}
        first, *rest = named = [
            (f"sha256:{hashlib.sha256(blob).hexdigest()}", blob) for blob in (json.dumps(config).encode(), *self.layers)
        ]
        self.blobs = dict(named)
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "size": len(first[1]), "digest": first[0]},
                "layers": [{"mediaType": LAYER, "size": len(blob), "digest": digest} for digest, blob in rest],
            }
        ).encode()


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
        config = {**json.loads(content(listed["Config"])), "author": "the test"}
        return Registry(config, [content(path) for path in listed["Layers"]])


@pytest.fixture
def registry(engine, image, lab):
    """A registry on this machine, which engines talk to without TLS."""
    if engine.connection.docker_host != DEFAULT_HOST:
        pytest.skip("only the engine of this machine reaches a registry on its loopback address")
    one = Registry(image.config, image.layers)
    one.serve()
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
    box = {"image": image, "command": "sleep 100000", "stop_grace_period": "0s"}
    containers = {lab.name(name): box for name in ("one", "two")}
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


# -- what a pulled image claims by its labels -------------------------------------------------------------------------


def test_a_pulled_image_that_claims_to_be_of_the_topology_is_not_run(lab, module, registry):
    registry.serve({"linklab.docker.topology": lab.name("lab")})
    wanted = task(lab, registry)
    name = wanted["containers"][lab.name("one")]["image"]

    refused = module("topology", wanted, fails=True)

    assert f"the image {name} has the label linklab.docker.topology={lab.name('lab')} itself" in refused["msg"]
    assert "The image was pulled and stays" in refused["msg"]
    assert refused["changed"]
    assert lab.engine.containers(name=[lab.prefix]) == []
    # Now that the engine has it, that is known beforehand.
    again = module("topology", wanted, fails=True)
    assert "docker commit --change" in again["msg"]
    assert not again.get("changed")
    assert lab.engine.containers(name=[lab.prefix]) == []


def test_what_else_a_pulled_image_claims_marks_nothing(lab, module, registry):
    victim = lab.run("victim", networks=[lab.network("net")])
    other = lab.network("other")
    noted = {"container": lab.inspect(victim)["Id"], "name": victim, "network": other, "settings": {}}
    registry.serve(
        {
            "linklab.docker.topology": "another",
            "linklab.docker.endpoints": json.dumps([noted]),
            "linklab.docker.helper": noted["container"],
        }
    )
    wanted = task(lab, registry)

    assert len(module("topology", wanted)["containers"]) == 2

    assert not module("topology", wanted)["changed"]
    assert {one["topology"] for one in module("topology_info", {"name": lab.name("lab")})["containers"]} == {
        lab.name("lab")
    }
    assert module("topology_info", {"name": "another"})["containers"] == []
    assert not module("network_attach", {"network": lab.name("net"), "containers": [victim]})["changed"]
    assert list(lab.inspect(victim)["NetworkSettings"]["Networks"]) == [lab.name("net")]
    removed = module("topology", {**wanted, "state": "absent"})
    assert [action["action"] for action in removed["actions"]] == ["remove_container"] * 2


def test_a_source_of_a_pulled_image_is_nobodys_topology(lab, module, registry):
    registry.serve({"linklab.docker.topology": lab.name("lab")})
    image = task(lab, registry)["containers"][lab.name("one")]["image"]
    target, source = lab.run("target"), lab.name("source")
    create = {"image": image, "command": "sleep 100000"}

    module("container_link", {"container": source, "links": [target], "create": create})

    assert module("topology_info", {"name": lab.name("lab")})["containers"] == []
    gone = module("topology", {"name": lab.name("lab"), "state": "absent"})
    assert not gone["changed"]
    assert lab.inspect(source)["State"]["Running"]
