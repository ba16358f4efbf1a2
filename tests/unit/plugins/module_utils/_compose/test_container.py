# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of a container: what is taken, what is refused and how, and what the engine is sent."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.container import (
    CONTAINER_OPTIONS,
    ContainerSpec,
    check_name,
)
from ansible_collections.linklab.docker.plugins.module_utils._compose.items import Port, Volume
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from hypothesis import given
from hypothesis import strategies as st
from image_names import NO_IMAGE_NAMES

SECOND = 10**9


def parse(**options: t.Any) -> ContainerSpec:
    return ContainerSpec.parse(options, ("containers", "web"))


# -- what is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option,value,key,expected",
    [
        ("command", "sh -c 'echo \"a b\"'", "Cmd", ["sh", "-c", 'echo "a b"']),
        ("command", ["sleep", 5], "Cmd", ["sleep", "5"]),
        ("command", "", "Cmd", []),
        ("entrypoint", [], "Entrypoint", []),
        ("environment", {"A": 1, "B": ""}, "Env", ["A=1", "B="]),
        ("secret_environment", {"A": "s"}, "Env", ["A=s"]),
        ("user", "1000", "User", "1000"),
        ("working_dir", "/a//b/../c/", "WorkingDir", "/a/c"),
        ("labels", {"a.b": 1}, "Labels", {"a.b": "1"}),
        ("stop_grace_period", "1m30s", "StopTimeout", 90),
        ("stop_grace_period", "500ms", "StopTimeout", 1),
        ("stop_signal", "term", "StopSignal", "SIGTERM"),
        ("stop_signal", "9", "StopSignal", "SIGKILL"),
        ("stop_signal", "SIGRTMIN+3", "StopSignal", "SIGRTMIN+3"),
        ("tty", True, "Tty", True),
        ("stdin_open", True, "OpenStdin", True),
        ("healthcheck", {"disable": True}, "Healthcheck", {"Test": ["NONE"]}),
        ("healthcheck", {"test": "true", "disable": False}, "Healthcheck", {"Test": ["CMD-SHELL", "true"]}),
        (
            "healthcheck",
            {"test": ["CMD", "x"], "interval": "1.5s", "timeout": "2s", "retries": 3, "start_period": "1m"},
            "Healthcheck",
            {
                "Test": ["CMD", "x"],
                "Interval": 3 * SECOND // 2,
                "Timeout": 2 * SECOND,
                "Retries": 3,
                "StartPeriod": 60 * SECOND,
            },
        ),
    ],
)
def test_option_of_the_container(option: str, value: t.Any, key: str, expected: t.Any) -> None:
    assert parse(**{option: value}).to_api() == {key: expected, "HostConfig": {}}


@pytest.mark.parametrize(
    "option,value,key,expected",
    [
        ("init", True, "Init", True),
        ("cap_add", ["CAP_NET_ADMIN", "sys_time"], "CapAdd", ["NET_ADMIN", "SYS_TIME"]),
        ("cap_drop", ["ALL"], "CapDrop", ["ALL"]),
        ("privileged", True, "Privileged", True),
        ("sysctls", {"net.ipv4.ip_forward": 1}, "Sysctls", {"net.ipv4.ip_forward": "1"}),
        ("tmpfs", "/run/:size=64m,mode=1777", "Tmpfs", {"/run": "mode=1777,size=64m"}),
        ("tmpfs", ["/a", "/b"], "Tmpfs", {"/a": "", "/b": ""}),
        ("restart", "on-failure:3", "RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
        ("restart", "unless-stopped", "RestartPolicy", {"Name": "unless-stopped", "MaximumRetryCount": 0}),
        # What Ansible makes of a bare no in YAML, as a string and as it is.
        ("restart", "False", "RestartPolicy", {"Name": "no", "MaximumRetryCount": 0}),
        ("restart", False, "RestartPolicy", {"Name": "no", "MaximumRetryCount": 0}),
        ("extra_hosts", {"a": "10.0.0.1", "b": "::1"}, "ExtraHosts", ["a:10.0.0.1", "b:::1"]),
        ("extra_hosts", ["a=10.0.0.1", "c:host-gateway"], "ExtraHosts", ["a:10.0.0.1", "c:host-gateway"]),
        ("extra_hosts", ["d:[fd00::1]"], "ExtraHosts", ["d:fd00::1"]),
        ("dns", ["9.9.9.9", "1.1.1.1"], "Dns", ["9.9.9.9", "1.1.1.1"]),
        ("security_opt", ["label:disable"], "SecurityOpt", ["label=disable"]),
        ("security_opt", ["no-new-privileges"], "SecurityOpt", ["no-new-privileges=true"]),
        ("read_only", True, "ReadonlyRootfs", True),
        ("mem_limit", "64m", "Memory", 64 * 1024**2),
        ("mem_limit", "1.5GB", "Memory", 3 * 1024**3 // 2),
        ("mem_limit", "67108864", "Memory", 64 * 1024**2),
        ("mem_limit", "0", "Memory", 0),
        ("cpus", 0.5, "NanoCpus", SECOND // 2),
        ("cpus", 0.0, "NanoCpus", 0),
        ("shm_size", "32mb", "ShmSize", 32 * 1024**2),
    ],
)
def test_option_of_the_host(option: str, value: t.Any, key: str, expected: t.Any) -> None:
    assert parse(**{option: value}).to_api() == {"HostConfig": {key: expected}}


def test_volumes_are_named_bound_or_anonymous() -> None:
    body = parse(volumes=["data:/var/lib/x/", "/srv//a/:/a:ro", "/anonymous", "b1:/b:rw,z"]).to_api()
    assert body["Volumes"] == {"/anonymous": {}}
    assert body["HostConfig"]["Binds"] == ["/srv/a:/a:ro", "b1:/b:z", "data:/var/lib/x"]


@pytest.mark.parametrize(
    "entry,expected",
    [
        ("80", [Port("80/tcp")]),
        ("0:80", [Port("80/tcp")]),
        ("8080:80", [Port("80/tcp", "8080")]),
        ("8080:80/UDP", [Port("80/udp", "8080")]),
        ("127.0.0.1:8080:80", [Port("80/tcp", "8080", "127.0.0.1")]),
        ("127.0.0.1::80", [Port("80/tcp", "", "127.0.0.1")]),
        ("[::1]:8080:80", [Port("80/tcp", "8080", "::1")]),
        ("8000-8001:80-81", [Port("80/tcp", "8000"), Port("81/tcp", "8001")]),
        ("8000-8010:80", [Port("80/tcp", "8000-8010")]),
        ("80-81", [Port("80/tcp"), Port("81/tcp")]),
    ],
)
def test_ports(entry: str, expected: list[Port]) -> None:
    spec = parse(ports=[entry])
    assert list(spec.ports or ()) == expected
    body = spec.to_api()
    assert set(body["ExposedPorts"]) == set(body["HostConfig"]["PortBindings"]) == {port.container for port in expected}


def test_what_is_not_given_is_not_sent() -> None:
    assert parse(image="bb", command=None, ports=None).to_api() == {"Image": "bb", "HostConfig": {}}


def test_secrets_are_in_no_representation() -> None:
    spec = parse(image="bb", secret_environment={"PASSWORD": "hunter2"})
    assert "hunter2" not in repr(spec)
    assert spec.to_api()["Env"] == ["PASSWORD=hunter2"]


def test_update_sends_only_what_differs() -> None:
    spec = parse(restart="always", cpus=2, mem_limit="64m")
    assert spec.update_to_api({"cpus"}) == {"NanoCpus": 2 * SECOND}
    # The engine refuses a limit above that of memory and swap together.
    assert spec.update_to_api({"mem_limit"}) == {"Memory": 64 * 1024**2, "MemorySwap": 128 * 1024**2}
    assert spec.update_to_api({"restart"}) == {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}


def test_every_option_has_a_parser() -> None:
    for option in CONTAINER_OPTIONS:
        assert parse(**{option: None}) == ContainerSpec()


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,message",
    [
        ({"imagee": "x"}, r"no option 'imagee' \(did you mean image\?\)"),
        ({"image": ""}, "image: must not be empty"),
        ({"image": "a b"}, "is not the name of an image"),
        ({"pull": "always"}, "neither missing nor never"),
        ({"command": True}, "put it in quotes"),
        ({"command": "echo 'x"}, "cannot be split into words .*write it as a list"),
        ({"environment": {"A": True}}, "A is a boolean, .*put it in quotes"),
        ({"environment": {"A": None}}, "A has no value"),
        ({"environment": {"A": ["x"]}}, "A: must be a single value, not a list"),
        ({"environment": ["A=1"]}, "must be a dictionary"),
        ({"environment": {"A=B": "1"}}, "not the name of a variable"),
        ({"environment": {"A": "1"}, "secret_environment": {"A": "2"}}, "A is in both"),
        ({"working_dir": "tmp"}, "not an absolute path"),
        ({"cap_drop": ["CHWN"]}, r"'CHWN' is not a Linux capability \(did you mean CHOWN\?\)"),
        ({"volumes": ["./data:/data"]}, "a path of the host must be absolute"),
        ({"volumes": ["~/data:/data"]}, "a path of the host must be absolute"),
        ({"volumes": ["data:data"]}, "not an absolute path"),
        ({"volumes": ["a/b:/data"]}, "neither the name of a volume nor an absolute path"),
        ({"volumes": ["data:/data:rx"]}, "unknown mode 'rx'"),
        ({"volumes": ["a1:/data", "b1:/data/"]}, "/data is given twice"),
        ({"volumes": ["a:b:c:d"]}, "is not a volume"),
        ({"tmpfs": "run"}, "not an absolute path"),
        ({"ports": ["http:80"]}, "is not a port"),
        ({"ports": ["70000"]}, "is not a port"),
        ({"ports": ["81-80"]}, "is not a port"),
        ({"ports": ["80/icmp"]}, "no protocol"),
        ({"ports": ["8000-8002:80-81"]}, "3 ports of the host do not fit 2"),
        ({"ports": ["host:80:80"]}, "not an IP address"),
        ({"healthcheck": {"interval": "10"}}, "healthcheck.interval: '10' is not a duration"),
        ({"healthcheck": {"interval": "1us"}}, "too short"),
        ({"healthcheck": {"intervall": "1s"}}, r"no option 'intervall' \(did you mean interval\?\)"),
        ({"healthcheck": {"disable": True, "test": "x"}}, "disable excludes test"),
        ({"healthcheck": {"test": ["x"]}}, "must begin with CMD"),
        ({"healthcheck": {"test": ["CMD"]}}, "wants a command"),
        ({"healthcheck": {"test": ["CMD-SHELL", "a", "b"]}}, "wants one string"),
        ({"healthcheck": {"retries": -1}}, "not a number of times"),
        ({"labels": {"linklab.docker.helper": "x"}}, "for this collection to set"),
        ({"restart": "allways"}, "no restart policy"),
        ({"restart": "always:3"}, "only on-failure"),
        ({"stop_grace_period": "10"}, "not a duration"),
        ({"stop_signal": "SIGNOPE"}, "not a signal"),
        ({"stop_signal": "99"}, "not a signal"),
        ({"extra_hosts": ["nothing"]}, "write name:address"),
        ({"extra_hosts": {"a": "b"}}, "not an IP address"),
        ({"dns": ["resolver"]}, "not an IP address"),
        ({"security_opt": ["seccomp=profile.json"]}, "not the name of a file"),
        ({"security_opt": ["privileged"]}, "write name=value"),
        ({"mem_limit": "5m"}, "too little"),
        ({"mem_limit": "0.5"}, "too little"),
        ({"mem_limit": "9e"}, "not a size"),
        ({"mem_limit": "9" * 400}, "too much"),
        ({"shm_size": "0"}, "no size"),
        ({"stop_grace_period": "9" * 400 + "s"}, "too much"),
        ({"healthcheck": {"interval": "2562048h"}}, "too much"),
        ({"mem_limit": "much"}, "not a size"),
        *(({"cpus": number}, "not a number of CPUs") for number in (-1, 0.001, 1e-12, float("inf"), float("nan"))),
        *(
            ({"image": name}, "is not the name of an image; write name:tag, with the name in lower case")
            for name in NO_IMAGE_NAMES
        ),
        ({"shm_size": "x"}, "not a size"),
        ({"init": "yes"}, "not true or false"),
    ],
)
def test_errors_name_the_option_and_what_to_do(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        parse(**options)
    assert str(caught.value).startswith("containers.web")


def test_errors_show_no_secret() -> None:
    with pytest.raises(SpecError) as caught:
        parse(secret_environment={"A": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["a", "-web", "we b", "web/1", "", "wéb"])
def test_names_that_the_engine_refuses(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be the name of a container"):
        check_name(name, ("containers",))


# -- what holds for all -----------------------------------------------------------------------------------------------


@given(st.integers(0, 10**15))
def test_a_duration_in_nanoseconds_is_kept(value: int) -> None:
    check = parse(healthcheck={"interval": f"{value + 10**6}ns"}).healthcheck
    assert check is not None
    assert check.interval == value + 10**6


_modes = st.lists(st.sampled_from(["ro", "z", "nocopy", "rslave"]), unique=True)


@given(st.sampled_from(["", "data", "/srv/x"]), st.sampled_from(["/a", "/a/b"]), _modes)
def test_a_volume_is_read_back_as_it_was_written(source: str, target: str, modes: list[str]) -> None:
    words = ":".join(filter(None, (source, target, ",".join(modes) if source else "")))
    volume = Volume.parse(words)
    assert Volume.parse(str(volume)) == volume
    if source:
        assert Volume.read(str(volume)) == volume
