# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A current context of the docker program says nothing to the modules: docker_host does."""

from __future__ import annotations

import os
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from pathlib import Path

Json = t.Any

DEAD = "unix:///nowhere/docker.sock"


def docker(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    return subprocess.run(
        ["docker", *arguments], check=False, capture_output=True, text=True, env={**given, **environment}
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment whose docker program is led to an engine that is not there, by context and configuration."""
    environment = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / ".docker")}
    assert docker(environment, "context", "create", "dead", "--docker", f"host={DEAD}").returncode == 0
    assert docker(environment, "context", "use", "dead").returncode == 0
    # So it is with the docker program.
    done = docker(environment, "version")
    assert done.returncode != 0 and DEAD in done.stderr
    return environment


@pytest.mark.parametrize("variables", [{}, {"DOCKER_CONTEXT": "dead"}])
def test_docker_host_is_used_whatever_the_context(lab, module, elsewhere, variables):
    task = {"network": lab.network("net"), "containers": [lab.run("box")]}
    host = lab.engine.connection.docker_host
    environment = {**elsewhere, **variables}
    assert module("network_attach", {**task, "docker_host": host}, environment=environment)["changed"]
    # And by the variable that is the option's default.
    again = module("network_attach", task, environment={**environment, "DOCKER_HOST": host})
    assert not again["changed"]


def test_the_endpoint_of_a_context_can_be_given(module, elsewhere):
    found = docker(elsewhere, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    task = {"network": "bridge", "state": "absent", "docker_host": found.stdout.strip()}
    assert DEAD in module("network_attach", task, fails=True, environment=elsewhere)["msg"]
