# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose hosts file is read, and from where."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply import hosts
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState

LINE = "172.17.0.4\td f00d db\n"


def container(raw: t.Any = None) -> ContainerState:
    return ContainerState("app" * 12, "app", "running", raw=raw or {})


@pytest.mark.parametrize("host", ["unix:///var/run/docker.sock", "tcp://elsewhere:2375"])
def test_the_file_is_read_where_it_lies_if_that_is_here(host, tmp_path, monkeypatch):
    path = tmp_path / "containers" / ("app" * 12) / "hosts"
    path.parent.mkdir(parents=True)
    path.write_text(LINE)
    monkeypatch.setattr(hosts, "read_file", lambda *_: b"packed")
    engine = t.cast("t.Any", type("Somewhere", (), {"connection": Connection(docker_host=host)})())
    near = host.startswith("unix:")
    assert hosts.read_hosts(engine, container({"HostsPath": str(path)})) == (LINE if near else "packed")
    assert hosts.read_hosts(engine, container({"HostsPath": f"{path}-gone"})) == "packed"
    assert hosts.read_hosts(engine, container()) == "packed"


def test_no_other_file_is_read_whatever_the_engine_calls_the_container_s(tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "read_file", lambda *_: b"packed")
    ident = "app" * 12
    secret, own = tmp_path / "secret", tmp_path / "containers" / ident
    secret.write_text("root:hash")
    own.mkdir(parents=True)
    engine = t.cast("t.Any", type("Here", (), {"connection": Connection()})())

    def read(path: object) -> str:
        return hosts.read_hosts(engine, container({"HostsPath": str(path)}))

    # Others' files, by whatever way they are reached.
    (tmp_path / ident).write_text("root:hash")
    (own / "hosts").symlink_to(secret)
    (tmp_path / "more").symlink_to(tmp_path)
    for path in (secret, tmp_path / ident, own / "hosts", f"containers/{ident}/hosts", f"{own}/x\0/hosts"):
        assert read(path) == "packed"
    (own / "hosts").unlink()
    (own / "hosts").write_text(LINE)
    assert read(own / "hosts") == LINE
    for path in (own / ".." / ident / "hosts", tmp_path / "more" / "containers" / ident / "hosts"):
        assert read(path) == "packed"
    # Nothing that never ends, or has no end.
    (own / "hosts").write_text("x" * ((1 << 20) + 1))
    assert read(own / "hosts") == "packed"
    (own / "hosts").unlink()
    os.mkfifo(own / "hosts")
    assert read(own / "hosts") == "packed"
