# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine makes of a container's configuration, and random configurations for it."""

from __future__ import annotations

import copy
import posixpath
import typing as t

from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any

PLAIN: dict[str, Json] = {"Id": "sha256:" + "11" * 32, "Config": {"Cmd": ["sleep", "infinity"]}}
SERVER: dict[str, Json] = {
    "Id": "sha256:" + "22" * 32,
    "Config": {
        "Cmd": ["serverd"],
        "Entrypoint": ["entry.sh"],
        "Env": ["PATH=/bin", "VERSION=1"],
        "User": "app",
        "WorkingDir": "/srv",
        "StopSignal": "SIGINT",
        "Labels": {"vendor": "x", "tier": "db"},
        "Volumes": {"/var/lib/server": {}},
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "check"], "Interval": 10**9, "Retries": 3},
    },
}
IMAGES: dict[str, dict[str, Json]] = {"plain": PLAIN, "server": SERVER, "server:latest": SERVER}


def describe(body: Mapping[str, Json], image: Mapping[str, Json], name: str, ident: str) -> dict[str, Json]:
    """Return the description of a container that was created with I(body) (moby, runconfig and daemon/commit.go)."""
    config = {key: copy.deepcopy(value) for key, value in body.items() if key not in ("HostConfig", "NetworkingConfig")}
    host = copy.deepcopy(dict(body.get("HostConfig") or {}))
    _merge_command(config, image["Config"])
    _merge(config, image["Config"])
    config["Hostname"] = config.get("Hostname") or ident[:12]
    host.setdefault("NetworkMode", "default")
    if host.get("Privileged") and not host.get("SecurityOpt"):
        host["SecurityOpt"] = ["label=disable"]
    return {
        "Id": ident,
        "Name": f"/{name}",
        "Image": image["Id"],
        "State": {"Status": "created"},
        "Config": config,
        "HostConfig": host,
        "Mounts": mounts(config, host),
        "NetworkSettings": {"Networks": {}},
    }


def _merge_command(config: dict[str, Json], base: Mapping[str, Json]) -> None:
    if not config.get("Entrypoint"):
        if not config.get("Cmd"):
            config["Cmd"] = base.get("Cmd")
        if config.get("Entrypoint") is None:
            config["Entrypoint"] = base.get("Entrypoint")
    if config.get("Entrypoint") == [""]:
        config["Entrypoint"] = None


def _merge(config: dict[str, Json], base: Mapping[str, Json]) -> None:
    for key in ("User", "WorkingDir", "StopSignal"):
        config[key] = config.get(key) or base.get(key) or ""
    own = config.get("Env") or []
    names = {entry.partition("=")[0] for entry in own}
    config["Env"] = [*own, *(entry for entry in base.get("Env") or () if entry.partition("=")[0] not in names)]
    for key in ("Labels", "Volumes", "ExposedPorts"):
        config[key] = {**(base.get(key) or {}), **(config.get(key) or {})}
    check, inherited = config.get("Healthcheck"), base.get("Healthcheck")
    config["Healthcheck"] = inherited if check is None else {**(inherited or {}), **check}


def mounts(config: Mapping[str, Json], host: Mapping[str, Json]) -> list[dict[str, Json]]:
    found = []
    for bind in host.get("Binds") or ():
        source, target, *modes = bind.split(":")
        kind = {"Type": "bind", "Source": source} if source.startswith("/") else {"Type": "volume", "Name": source}
        found.append({**kind, "Destination": posixpath.normpath(target), "RW": "ro" not in modes})
    taken = {mount["Destination"] for mount in found}
    anonymous = sorted({posixpath.normpath(path) for path in config.get("Volumes") or ()} - taken)
    # One name for each place will do here: the engine makes up another one each time.
    made = [
        {"Type": "volume", "Name": path.encode().hex().ljust(64, "0")[:64], "Destination": path} for path in anonymous
    ]
    return found + [{**mount, "RW": True} for mount in made]


# -- random options ---------------------------------------------------------------------------------------------------

_small = st.sampled_from(["a", "b"])
_pairs = st.dictionaries(st.sampled_from(["A", "B", "VERSION"]), st.sampled_from(["", "1", "2", "x=y"]), max_size=3)
OPTIONS: dict[str, st.SearchStrategy[Json]] = {
    "command": st.sampled_from(["serverd", "sleep 5", ["sh", "-c", "a b"], [], ""]),
    "entrypoint": st.sampled_from(["entry.sh", ["sh", "-c"], []]),
    "environment": _pairs,
    "secret_environment": st.dictionaries(st.sampled_from(["SECRET", "TOKEN"]), _small, max_size=2),
    "user": st.sampled_from(["app", "1000:1000", "0"]),
    "working_dir": st.sampled_from(["/srv", "/", "/tmp//x/"]),
    "hostname": st.sampled_from(["web", "db"]),
    "init": st.booleans(),
    "cap_add": st.lists(st.sampled_from(["NET_ADMIN", "cap_sys_time"]), unique=True),
    "cap_drop": st.lists(st.sampled_from(["ALL", "CAP_CHOWN"]), unique=True),
    "privileged": st.booleans(),
    "sysctls": st.dictionaries(st.sampled_from(["net.ipv4.ip_forward"]), st.integers(0, 1)),
    "volumes": st.lists(
        st.sampled_from(["data:/data", "data:/data2:ro", "/srv:/srv", "/anonymous", "/var/lib/server", "v2:/data3:rw"]),
        unique=True,
    ),
    "tmpfs": st.lists(st.sampled_from(["/run", "/run2:size=64m,mode=1777"]), unique=True),
    "ports": st.lists(st.sampled_from(["80", "8080:80", "127.0.0.1:53:53/udp", "90-91", "[::1]:9:9"]), unique=True),
    "healthcheck": st.sampled_from(
        [
            {"disable": True},
            {"interval": "1s"},
            {"interval": "5s", "retries": 4},
            {"test": "true"},
            {"test": ["CMD", "check"]},
        ]
    ),
    "labels": st.dictionaries(st.sampled_from(["own", "tier"]), _small),
    "restart": st.sampled_from(["no", "always", "on-failure:3"]),
    "stop_grace_period": st.sampled_from(["10s", "1m"]),
    "stop_signal": st.sampled_from(["SIGTERM", "int", "9"]),
    "tty": st.booleans(),
    "stdin_open": st.booleans(),
    "extra_hosts": st.lists(st.sampled_from(["a:10.0.0.1", "b=host-gateway", "c:[::1]"]), unique=True),
    "dns": st.lists(st.sampled_from(["1.1.1.1", "9.9.9.9"]), unique=True),
    "security_opt": st.lists(st.sampled_from(["no-new-privileges", "label:disable"]), unique=True),
    "read_only": st.booleans(),
    "mem_limit": st.sampled_from(["64m", "128m"]),
    "cpus": st.sampled_from([0.5, 2]),
    "shm_size": st.sampled_from(["64m", "1g"]),
}


@st.composite
def options(draw: st.DrawFn) -> dict[str, Json]:
    """Draw some options of a container."""
    names = draw(st.lists(st.sampled_from(sorted(OPTIONS)), unique=True, max_size=8))
    return {"image": draw(st.sampled_from(["plain", "server"])), **{name: draw(OPTIONS[name]) for name in names}}
