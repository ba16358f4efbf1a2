# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: data that a successor does not mount any more is brought over as the task says."""

from __future__ import annotations

import os
import subprocess

import pytest

RECREATE = {"disruption": "recreate"}


@pytest.fixture(autouse=True)
def no_wait(monkeypatch):
    monkeypatch.setattr("ansible_collections.linklab.docker.plugins.module_utils._apply.replacement.SETTLE_SECONDS", 0)


@pytest.fixture
def left(topology):
    """Names of anonymous volumes that a test leaves behind; they are removed once its containers are gone."""
    names = []
    yield names
    topology.lab.clear()
    for name in names:
        topology.lab.engine.delete(f"/volumes/{name}")


def mounted(topology, target):
    (mount,) = [one for one in topology.raw("web")["Mounts"] if one["Destination"] == target]
    return mount


def recreate(topology, volumes):
    """Return the one warning, which is the same in check mode."""
    wanted = {"web": {"volumes": volumes}}
    (told,) = topology(wanted, check=True, **RECREATE)["warnings"]
    assert topology(wanted, **RECREATE)["warnings"] == [told]
    return told


def paste(topology, told):
    """Run the command at the end of a warning as somebody does who copies it."""
    environment = {**os.environ, "DOCKER_HOST": topology.lab.engine.connection.docker_host}
    command = told[told.index("docker stop") :]
    subprocess.run(["sh", "-c", command], check=True, env=environment, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "before, after",
    [
        ("/data", "{data}:/data"),
        ("{data}:/data", "{folder}:/data"),
        ("{folder}:/data", "/data"),
        ("/data", "{data}:/moved:ro"),
    ],
)
def test_the_command_brings_the_data_over(topology, left, tmp_path, before, after):
    target = "/moved" if "/moved" in after else "/data"
    places = {"data": topology.full("data"), "folder": str(tmp_path / "a b")}
    topology({"web": {"volumes": [before.format(**places)]}})
    topology.exec("web", "sh", "-c", "mkdir /data/sub; echo kept > /data/sub/.file; chown 123:45 /data/sub/.file")
    old = mounted(topology, "/data")
    if before == "/data":
        left.append(old["Name"])

    told = recreate(topology, [after.format(**places)])

    assert topology.exec("web", "cat", f"{target}/sub/.file")[0] != 0
    source = old["Source"] if old["Type"] == "bind" else old["Name"]
    assert f"recreating {topology.full('web')} leaves" in told
    assert f"{source} " in told
    assert "mounted at /data until now" in told
    paste(topology, told)
    assert topology.exec("web", "cat", f"{target}/sub/.file") == (0, "kept\n")
    assert topology.exec("web", "stat", "-c", "%u:%g", f"{target}/sub/.file") == (0, "123:45\n")
    if old["Type"] == "volume":
        topology.lab.engine.get(f"/volumes/{source}")


def test_what_nothing_takes_the_place_of_can_be_mounted_again(topology):
    data = f"{topology.full('data')}:/data"
    topology({"web": {"volumes": [data]}})
    topology.exec("web", "sh", "-c", "echo kept > /data/file")

    told = recreate(topology, [])

    assert f"leaves the volume {topology.full('data')} behind" in told
    assert f"{data} among its volumes mounts it again" in told
    topology({"web": {"volumes": [data]}}, **RECREATE)
    assert topology.exec("web", "cat", "/data/file") == (0, "kept\n")


def test_what_goes_on_is_not_reported(topology):
    data = topology.full("data")
    topology({"web": {"volumes": ["/anonymous", f"{data}:/data"]}})
    topology.exec("web", "sh", "-c", "echo kept > /anonymous/file")

    wanted = {"web": {"volumes": ["/anonymous", f"{data}:/elsewhere:ro"]}}

    assert topology(wanted, **RECREATE)["warnings"] == []
    assert topology.exec("web", "cat", "/anonymous/file") == (0, "kept\n")


# -- what other clients wrote as mounts, where a task writes binds ----------------------------------------------------


def made_with(topology, *mounts, image=None):
    lab = topology.lab
    host, label = {"Mounts": list(mounts)}, {"linklab.docker.topology": lab.name("lab")}
    lab.run("web", image=image or topology.image, host=host, Labels=label, StopTimeout=0)


@pytest.fixture
def server(topology):
    """An image with a file in /data."""
    lab = topology.lab
    source = lab.run("source", "sh", "-c", "mkdir /data; echo image > /data/file")
    lab.wait(lambda: lab.inspect(source)["State"]["Status"] == "exited")
    name = lab.name("server")
    lab.engine.post("/commit", {"Cmd": ["sleep", "100000"]}, container=source, repo=name)
    yield name
    lab.clear()
    lab.engine.delete(f"/images/{name}")


@pytest.mark.parametrize("volumes", [None, ["/data"], ["/data", "{data}:/other"]])
def test_a_mount_without_a_source_goes_on(topology, volumes):
    made_with(topology, {"Type": "volume", "Target": "/data", "VolumeOptions": {"Labels": {"a": "b"}}})
    topology.exec("web", "sh", "-c", "echo kept > /data/file")
    old = mounted(topology, "/data")["Name"]
    given = {} if volumes is None else {"volumes": [one.format(data=topology.full("data")) for one in volumes]}

    for value in ("1", "2"):
        wanted = {"web": {**given, "environment": {"A": value}}}
        assert topology(wanted, **RECREATE)["warnings"] == []
        assert mounted(topology, "/data")["Name"] == old
        assert topology.exec("web", "cat", "/data/file") == (0, "kept\n")
        assert not topology(wanted)["changed"]


@pytest.mark.parametrize("volumes", [{}, {"volumes": ["/data"]}])
def test_a_mount_that_its_owner_emptied_stays_empty(topology, server, volumes):
    made_with(topology, {"Type": "volume", "Target": "/data"}, image=server)
    # The engine fills an empty volume from the image.
    assert topology.exec("web", "rm", "/data/file")[0] == 0

    topology({"web": {"image": server, "environment": {"A": "1"}, **volumes}}, **RECREATE)

    assert topology.exec("web", "ls", "/data") == (0, "")


@pytest.mark.parametrize(
    "given",
    [{"tmpfs": ["/scratch:size=64k,mode=700"]}, {"tmpfs": []}, {"volumes": ["/scratch"], "tmpfs": []}],
)
def test_a_mount_in_memory_is_one_of_the_options_tmpfs(topology, given):
    options = {"SizeBytes": 65536, "Mode": 0o700}
    made_with(topology, {"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": options})

    result = topology({"web": {**given, "environment": {"A": "1"}}}, **RECREATE)

    assert not topology({"web": given})["changed"]
    there = topology.exec("web", "grep", " /scratch .*size=64k,mode=700", "/proc/mounts")[0] == 0
    assert there == bool(given["tmpfs"])
    assert there != ("tmpfs" in result["actions"][0]["reason"])


def test_how_a_mount_is_made_is_part_of_the_option_volumes(topology, tmp_path):
    options = {"BindOptions": {"Propagation": "private"}}
    made_with(topology, {"Type": "bind", "Source": str(tmp_path), "Target": "/data", **options})

    assert not topology({"web": {"volumes": [f"{tmp_path}:/data:private"]}})["changed"]
    (action,) = topology({"web": {"volumes": [f"{tmp_path}:/data"]}}, check=True, **RECREATE)["actions"]

    assert f"volumes is [{tmp_path}:/data:private], wanted [{tmp_path}:/data]" in action["reason"]
