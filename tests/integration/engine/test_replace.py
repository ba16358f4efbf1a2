# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replacing a container on the real engine: all that it had is there afterwards."""

from __future__ import annotations

import io
import ipaddress
import tarfile
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement import replace_with_successor
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import engine_release
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import find_leftovers
from kept import comparable

Json = t.Any

# A shell that runs what it is given, and exits at once when it should.
SERVE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
# Faults and deaths come by the dozen: a short look at the successor is enough there.
SHORT = 0.2


def succeed(lab: Json, container: str, **options: Json) -> Json:
    """Replace a container and return what there is now; the old one must be gone."""
    old = find_container(lab.engine, container)
    done = replace_with_successor(lab.engine, old, **{"settle": SHORT, **options})
    assert done.id != old.id
    assert find_container(lab.engine, old.id) is None
    assert find_leftovers(lab.engine, container) == ()
    return done


def files(engine: Engine, container: str, path: str) -> dict[str, tarfile.TarInfo]:
    answer = engine.request("GET", f"/containers/{container}/archive", params={"path": path})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        return {member.name: member for member in archive}


# -- nothing is lost --------------------------------------------------------------------------------------------------


@pytest.fixture
def volume(lab: Json) -> t.Iterator[str]:
    name = lab.name("volume")
    lab.engine.post("/volumes/create", {"Name": name})
    yield name
    lab.clear()
    lab.engine.delete(f"/volumes/{name}")


def test_a_successor_has_all_that_its_predecessor_had(lab, volume, tmp_path):
    target = lab.run("target", *SERVE)
    first, second = lab.network("b-net"), lab.network("a-net")
    subnet = ipaddress.ip_network(lab.engine.network(first)["IPAM"]["Config"][0]["Subnet"])
    address = str(subnet[9])
    container = lab.run(
        "box",
        *SERVE,
        links=[f"{target}:t"],
        Env=["A=1", "B=two words", "EMPTY="],
        Labels={"l": "v", "linklab.docker.topology": "x"},
        User="1000:1000",
        WorkingDir="/tmp",
        StopSignal="SIGTERM",
        StopTimeout=3,
        Volumes={"/anonymous": {}},
        ExposedPorts={"7777/tcp": {}},
        Healthcheck={"Test": ["CMD", "true"], "Interval": 3600000000000},
        Tty=True,
        OpenStdin=True,
        host={
            "Binds": [f"{volume}:/named", f"{tmp_path}:/host:ro"],
            "Mounts": [{"Type": "volume", "Target": "/unnamed"}],
            "Tmpfs": {"/scratch": "size=1m"},
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {"7777/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            "CapAdd": ["NET_ADMIN"],
            "CapDrop": ["MKNOD"],
            "Memory": 64 << 20,
            "NanoCpus": 500000000,
            "Sysctls": {"net.ipv4.ip_forward": "1"},
            "ExtraHosts": ["other:192.0.2.7"],
            "Dns": ["192.0.2.53"],
            "Init": True,
            "ShmSize": 1 << 20,
            "Ulimits": [{"Name": "nofile", "Soft": 1000, "Hard": 2000}],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
            "SecurityOpt": ["no-new-privileges"],
            "GroupAdd": ["10"],
        },
    )
    lab.connect(first, container, IPAMConfig={"IPv4Address": address}, Aliases=["x", "y"], Links=[f"{target}:q"])
    lab.connect(second, container, DriverOpts={"k": "v"})
    before = lab.inspect(container)
    for path in ("/anonymous/a", "/named/n", "/unnamed/u"):
        assert lab.exec(container, "sh", "-c", f"echo {path} > {path}", user="0")[0] == 0

    succeed(lab, container)

    after = lab.inspect(container)
    assert comparable(after) == comparable(before)
    assert after["NetworkSettings"]["Networks"][first]["IPAddress"] == address
    for path in ("/anonymous/a", "/named/n", "/unnamed/u"):
        assert lab.exec(container, "cat", path) == (0, f"{path}\n")
    # The environment of a legacy link is made when the container starts, with the name that it has then.
    assert f"T_NAME=/{container}/t" in lab.exec(container, "cat", "/proc/1/environ")[1]


def test_a_second_replacement_changes_nothing_more(lab):
    unnamed = {"Mounts": [{"Type": "volume", "Target": "/unnamed"}]}
    container = lab.run("box", *SERVE, Volumes={"/anonymous": {}}, host=unnamed)
    succeed(lab, container)
    before = lab.inspect(container)

    succeed(lab, container)

    after = lab.inspect(container)
    assert comparable(after) == comparable(before)
    for key in ("Binds", "Mounts"):
        assert after["HostConfig"][key] == before["HostConfig"][key]


@pytest.mark.parametrize("status", ["created", "exited", "paused", "running"])
def test_a_successor_is_in_its_predecessors_state(lab, status):
    container = lab.run("box", *SERVE, start=status != "created")
    if status == "exited":
        lab.engine.stop(container)
    elif status == "paused":
        lab.engine.post(f"/containers/{container}/pause")

    succeed(lab, container)

    now = lab.inspect(container)["State"]
    assert now["Status"] == {"exited": "created"}.get(status, status)


def test_files_of_the_writable_layer_go_on(lab):
    container = lab.run("box", *SERVE, Volumes={"/work/volume": {}}, host={"Tmpfs": {"/work/memory": ""}})
    script = """
        mkdir -p /work/deep/er && cd /work && chmod 711 deep && chown 12:34 deep
        printf new > deep/er/new && ln deep/er/new deep/hard && ln -s er/new deep/soft && mkfifo deep/fifo
        printf owned > owned && chown 7:8 owned && chmod 4750 owned
        printf strange > '/work/a b"$c\\ä'
        long=$(printf '%0200d' 0) && mkdir -p $long && printf far > $long/$long
        printf changed >> /etc/passwd && chmod 700 /root && rm /etc/group && rm -r /root/.gone 2>/dev/null
        printf v > volume/v; printf m > memory/m
        printf '192.0.2.9 kept-out' >> /etc/hosts
    """
    assert lab.exec(container, "sh", "-c", script)[0] in (0, 1)
    passwd = lab.exec(container, "cat", "/etc/passwd")
    look = "cd /work && ls -land a* deep deep/* deep/er/* owned 0* 0*/*; cat deep/er/new deep/hard owned 0*/0*"
    before = lab.exec(container, "sh", "-c", look)

    done = succeed(lab, container)

    assert lab.exec(container, "sh", "-c", look) == before
    assert lab.exec(container, "ls", "/work/memory") == (0, "")
    assert lab.exec(container, "cat", "/etc/passwd") == passwd
    assert lab.exec(container, "stat", "-c", "%a", "/root") == (0, "700\n")
    assert lab.exec(container, "cat", "/work/volume/v") == (0, "v")
    assert "kept-out" not in lab.exec(container, "cat", "/etc/hosts")[1]
    # A deletion cannot be made in a container that never ran.
    assert lab.exec(container, "cat", "/etc/group")[0] == 0
    assert any("/etc/group" in note and "has again" in note for note in done.notes)


def test_hundreds_of_files_go_on_with_few_requests(lab, proxy):
    container = lab.run("box", *SERVE, Volumes={"/many/volume": {}})
    script = "cd /many && for i in $(seq 300); do mkdir d$i; echo $i > d$i/f; done; echo big > volume/not-read"
    assert lab.exec(container, "sh", "-c", script)[0] == 0

    engine = Engine(Connection(docker_host=proxy.url))
    replace_with_successor(engine, find_container(engine, container), settle=SHORT)

    assert sum("/archive" in request.path or "/export" in request.path for request in proxy.requests) == 2
    total = lab.exec(container, "sh", "-c", "cat /many/d*/f | wc -l; cat /many/volume/not-read")
    assert total == (0, "300\nbig\n")


def test_capabilities_of_files_go_on(lab):
    container = lab.run("box", *SERVE)
    spool = io.BytesIO()
    capability = "\x01\x00\x00\x02\x00\x20\x00\x00" + "\x00" * 12
    with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
        program = tarfile.TarInfo("program")
        program.pax_headers = {"SCHILY.xattr.security.capability": capability}
        archive.addfile(program)
    lab.engine.request("PUT", f"/containers/{container}/archive", params={"path": "/"}, data=spool.getvalue())
    before = files(lab.engine, container, "/program")["program"].pax_headers
    assert before["SCHILY.xattr.security.capability"] == capability

    succeed(lab, container)

    after = files(lab.engine, container, "/program")["program"].pax_headers
    assert after["SCHILY.xattr.security.capability"] == capability


def test_an_image_that_lost_its_name_is_still_the_image(lab):
    image = lab.inspect(lab.run("base", start=False))["Image"]
    tag = f"{lab.name('image')}:1"
    repository, _colon, version = tag.rpartition(":")
    lab.engine.request("POST", f"/images/{image}/tag", params={"repo": repository, "tag": version})
    container = lab.run("box", *SERVE, image=tag)
    lab.engine.delete(f"/images/{tag}")

    succeed(lab, container)

    assert lab.inspect(container)["Image"] == image


def test_a_container_that_left_its_first_network_does_not_return_to_it(lab):
    first, second = lab.network("first"), lab.network("second")
    container = lab.run("box", *SERVE, networks=[first, second])
    other = lab.run("other", *SERVE)
    lab.engine.disconnect(first, container)
    lab.engine.disconnect("bridge", other)
    lab.connect(second, other)

    succeed(lab, container)
    succeed(lab, other)

    for name, mode in ((container, first), (other, lab.inspect(lab.run("plain"))["HostConfig"]["NetworkMode"])):
        raw = lab.inspect(name)
        assert set(raw["NetworkSettings"]["Networks"]) == {second}
        assert raw["HostConfig"]["NetworkMode"] == mode
    # Some engines want that network for each start, even of a container that is not on it.
    lab.engine.remove_network(first)
    if engine_release(lab.engine.info) >= (23, 0):
        assert f"it was created on the network {first}, which does not exist any more" in refused(lab, container)
    else:
        succeed(lab, container)
    lab.engine.stop(container)
    succeed(lab, container)


def test_a_mac_address_of_its_own_goes_on(lab):
    network = lab.network("net")
    container = lab.run("box", *SERVE, MacAddress="02:42:11:22:33:44", networks=[network])
    other = lab.run("other", *SERVE, networks=[network])

    for name in (container, other):
        before = lab.inspect(name)
        succeed(lab, name)
        assert comparable(lab.inspect(name)) == comparable(before)

    assert lab.inspect(container)["NetworkSettings"]["Networks"][network]["MacAddress"] == "02:42:11:22:33:44"


def test_a_network_mode_by_id_and_none_and_host(lab):
    network = lab.network("net")
    by_id = lab.run("by-id", *SERVE, network=lab.engine.network(network)["Id"])
    alone = lab.run("alone", *SERVE, network="none")
    hosts = lab.run("hosts", *SERVE, network="host")
    inside = lab.run("inside", *SERVE, network=f"container:{alone}")

    with pytest.raises(Refusal, match="shares its network"):
        succeed(lab, alone)
    for name in (by_id, hosts, inside):
        before = lab.inspect(name)
        succeed(lab, name)
        assert comparable(lab.inspect(name)) == comparable(before)


def test_the_volumes_of_another_container_stay_when_that_is_gone(lab, tmp_path):
    holder = lab.run("holder", *SERVE, Volumes={"/data": {}}, host={"Binds": [f"{tmp_path}:/host"]})
    container = lab.run("box", *SERVE, host={"VolumesFrom": [f"{holder}:ro"]})
    # The engine may be on another machine than the test: only its containers can write there.
    assert lab.exec(holder, "sh", "-c", "echo kept > /data/file; echo of the host > /host/file")[0] == 0
    succeed(lab, container)
    assert lab.inspect(container)["HostConfig"]["VolumesFrom"] == [f"{holder}:ro"]
    lab.engine.remove_container(holder, force=True)

    succeed(lab, container)

    assert lab.exec(container, "cat", "/data/file") == (0, "kept\n")
    assert lab.exec(container, "cat", "/host/file") == (0, "of the host\n")
    assert lab.exec(container, "sh", "-c", "echo > /data/no")[0] != 0


@pytest.fixture
def image(lab: Json) -> t.Iterator[t.Callable[..., str]]:
    """Make an image from a container of the test's and return its ID."""
    made: list[str] = []

    def make(container: str, **config: Json) -> str:
        answer = lab.engine.post("/commit", config, container=container, repo=lab.name("image"), tag=str(len(made)))
        made.append(answer["Id"])
        return made[-1]

    yield make
    lab.clear()
    for ident in made:
        lab.engine.delete(f"/images/{ident}", force="1")


def test_a_volume_that_was_emptied_stays_empty(lab, image):
    base = lab.run("base", *SERVE)
    assert lab.exec(base, "sh", "-c", "mkdir /content && echo > /content/of-the-image")[0] == 0
    container = lab.run("box", *SERVE, image=image(base), Volumes={"/content": {}})
    assert lab.exec(container, "rm", "/content/of-the-image")[0] == 0

    succeed(lab, container)

    assert lab.exec(container, "ls", "/content") == (0, "")


def test_an_entrypoint_that_was_taken_away_stays_away(lab, image):
    base = image(lab.run("base", start=False), Entrypoint=["false"], Cmd=[])
    container = lab.run("box", *SERVE, image=base, Entrypoint=[""])

    succeed(lab, container)

    assert lab.inspect(container)["Config"]["Entrypoint"] is None


# -- refused ----------------------------------------------------------------------------------------------------------


def refused(lab: Json, container: str) -> str:
    before = lab.inspect(container)
    with pytest.raises(Refusal) as refusal:
        replace_with_successor(lab.engine, find_container(lab.engine, container))
    assert lab.inspect(container)["State"] == before["State"]
    assert find_leftovers(lab.engine, container) == ()
    return str(refusal.value)


def test_a_container_that_would_delete_itself(lab):
    container = lab.run("box", *SERVE, host={"AutoRemove": True})
    assert "--rm" in refused(lab, container)


@pytest.mark.parametrize("mode", ["NetworkMode", "PidMode", "IpcMode"])
def test_a_container_whose_namespace_others_share(lab, mode):
    container = lab.run("box", *SERVE, host={"IpcMode": "shareable"})
    sharer = lab.run("sharer", *SERVE, host={mode: f"container:{container}"})
    assert f"{sharer} shares its network, processes or memory" in refused(lab, container)


def test_a_container_that_others_are_linked_to(lab):
    container = lab.run("box", *SERVE)
    other = lab.run("other", *SERVE, links=[f"{container}:b"])
    assert f"{other} has a legacy link to it" in refused(lab, container)
    done = succeed(lab, container, handled=frozenset({lab.inspect(other)["Id"]}))
    assert lab.inspect(done.id)["State"]["Status"] == "running"


def test_a_container_that_a_network_link_names_by_its_id(lab):
    network = lab.network("net")
    container = lab.run("box", *SERVE, networks=[network])
    short = lab.inspect(container)["Id"][:12]
    other = lab.run("other", *SERVE, networks={network: {"Links": [f"{short}:b"]}})
    assert f"{other} has a network link to its ID" in refused(lab, container)


def test_a_container_that_could_not_start_again(lab):
    target = lab.run("target", *SERVE)
    container = lab.run("box", *SERVE, links=[f"{target}:t"])
    lab.engine.stop(target)
    assert f"leads to {target}, which is exited; start that first" in refused(lab, container)
    lab.engine.remove_container(target)
    assert "leads to a container that was removed" in refused(lab, container)
