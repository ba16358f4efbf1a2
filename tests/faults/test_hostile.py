# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts and states that nobody expects: one message, or exactly what was asked for."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import parse_mac
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, SpecError
from fault_labs import AT_ONCE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linklab_engine_conftest import BUSYBOX, random_subnet
from module_server import ModuleServer
from refusal import without_tasks

Json = t.Any

# What a shell, a template, a path, a format, a terminal or a careless parser would make something of.
TEXTS = (
    "two words",
    " ",
    'quo"te',
    "it's",
    "ünïcode-ß-漢",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "$(touch /pwned)",
    "`touch /pwned`",
    "a;touch /pwned",
    "a|touch /pwned",
    "a\ntouch /pwned",
    "a\0b",
    "\x1b[31mred",
    "back\\slash",
    "-rf",
    "--help",
    "%s%n",
    "../../etc/passwd",
    "a/b",
    "a?all=1",
    "a#b",
    "a%2fb",
    "host",
    "x" * 3000,
)
# What can be an alias: no blanks, no slash, no colon.
ALIASES = tuple(text for text in TEXTS if text.strip() and not any(c.isspace() or c in "/:\0" for c in text))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ModuleServer]:
    one = ModuleServer(tmp_path_factory.mktemp("hostile"), {})
    yield one
    one.close()


@pytest.fixture
def ask(server: ModuleServer, lab: Json, proxy: Json) -> t.Callable[..., Json]:
    """Run a task, which must end with one result; return it, with the requests that changed something."""

    def call(name: str, params: Json) -> Json:
        proxy.requests.clear()
        done = server.run(name, {**params, "docker_host": proxy.url})
        assert done.result is not None, done
        assert "Traceback" not in done.stdout + done.stderr
        if done.failed:
            assert "\n" not in without_tasks(done.result["msg"]), done.result["msg"]
            assert "Error(" not in done.result["msg"]
        return {**done.result, "sent": [str(request) for request in proxy.changing]}

    return call


def tasks_with(text: str, box: str, network: str) -> dict[str, tuple[str, Json]]:
    """Tasks that have a text where a name belongs."""
    one = {"image": BUSYBOX, "command": ["true"]}
    return {
        "network": ("network_attach", {"network": text, "containers": [box]}),
        "new network": ("network_attach", {"network": text, "create": {}, "containers": []}),
        "container": ("network_attach", {"network": network, "containers": [text]}),
        "absent": ("network_attach", {"network": network, "containers": [text], "state": "absent"}),
        "endpoint link": ("network_attach", {"network": network, "endpoints": [{"container": box, "links": [text]}]}),
        "mac": ("network_attach", {"network": network, "endpoints": [{"container": box, "mac_address": text}]}),
        "address": ("network_attach", {"network": network, "endpoints": [{"container": box, "ipv4_address": text}]}),
        "source": ("container_link", {"container": text, "links": [box]}),
        "new source": ("container_link", {"container": text, "links": [box], "create": one}),
        "link": ("container_link", {"container": box, "links": [text]}),
        "link network": ("container_link", {"container": box, "links": [box], "network": text}),
        "pair": ("connectivity", {"source": text, "target": text, "timeout": 0}),
        "topology": ("topology", {"name": text, "containers": {}}),
        "its network": ("topology", {"name": "lab", "networks": {text: {}}}),
        "its container": ("topology", {"name": "lab", "containers": {text: one}}),
        "its volume": ("topology", {"name": "lab", "containers": {f"{box}x": {**one, "volumes": [f"{text}:/v"]}}}),
    }


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_a_text_where_a_name_belongs(lab, ask, text):
    network = lab.network("net")
    box = lab.run("box", networks=[network], **AT_ONCE)
    for what, (name, params) in tasks_with(text, box, network).items():
        # In check mode, so that what the engine would take as a name is not made.
        result = ask(name, {**params, "_ansible_check_mode": True})
        assert result["sent"] == [], what
    assert lab.exec(box, "ls", "/pwned")[0] != 0


def test_aliases_that_nobody_expects(lab, ask):
    network = lab.network("net")
    box = lab.run("box", **AT_ONCE)
    task = {"network": network, "endpoints": [{"container": box, "aliases": list(ALIASES)}]}

    assert ask("network_attach", task)["endpoints"][0]["aliases"] == sorted(ALIASES)

    assert not ask("network_attach", task)["changed"]
    fewer = {"network": network, "endpoints": [{"container": box, "aliases": list(ALIASES[::2])}]}
    assert ask("network_attach", fewer)["endpoints"][0]["aliases"] == sorted(ALIASES[::2])
    assert not ask("network_attach", fewer)["changed"]


def test_ten_thousand_aliases(lab, ask):
    network = lab.network("net")
    box = lab.run("box", **AT_ONCE)
    aliases = [f"alias-{number}" for number in range(10_000)]
    task = {"network": network, "endpoints": [{"container": box, "aliases": aliases}]}
    begin = time.monotonic()

    assert len(ask("network_attach", task)["endpoints"][0]["aliases"]) == 10_000
    assert not ask("network_attach", task)["changed"]
    one_more = {"network": network, "endpoints": [{"container": box, "aliases": [*aliases[1:], "new"]}]}
    changed = ask("network_attach", one_more)

    assert changed["actions"][0]["reason"] == "aliases: +new -alias-0"
    assert time.monotonic() - begin < 60


def test_labels_and_variables_that_nobody_expects(lab, ask):
    texts = {f"key {number}": text.replace("\0", "") for number, text in enumerate(TEXTS)}
    values = {f"V{number}": text for number, text in enumerate(texts.values())}
    box = {"image": BUSYBOX, "command": ["sleep", "1000"], "stop_signal": "SIGKILL"}
    full, network = lab.name("box"), lab.name("net")
    task = {
        "name": lab.name("lab"),
        "networks": {network: {"labels": texts, "ipam": {"config": [{"subnet": str(random_subnet())}]}}},
        "containers": {full: {**box, "labels": {**texts, "big": "x" * 65536}, "environment": values}},
    }

    assert ask("topology", task)["changed"]

    assert not ask("topology", task)["changed"]
    raw = lab.inspect(full)["Config"]
    assert {key: raw["Labels"][key] for key in texts} == texts
    assert len(raw["Labels"]["big"]) == 65536
    assert {f"{key}={value}" for key, value in values.items()} <= set(raw["Env"])
    assert lab.engine.network(network)["Labels"].items() >= texts.items()
    assert lab.exec(full, "ls", "/pwned")[0] != 0


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_a_host_that_a_shell_would_make_something_of(lab, ask, text):
    network = lab.network("net")
    source, target = (lab.run(name, networks=[network], **AT_ONCE) for name in ("source", "target"))
    task = {"source": source, "target": target, "host": text, "protocol": "tcp", "port": 80, "timeout": 0}

    result = ask("connectivity", task)

    assert result["failed"]
    for one in (source, target):
        assert lab.exec(one, "ls", "/pwned")[0] != 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=20), st.from_regex(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}", fullmatch=True)))
def test_a_mac_address_of_a_fuzzer(server, shared_lab, engine, text):
    """What the parser takes, the engine takes too; what it refuses is refused with one message."""
    with contextlib.suppress(SpecError):
        mac = parse_mac(text)
        name = shared_lab.run("mac", start=False, MacAddress=mac)
        assert engine.container(name)["Config"]["MacAddress"] == mac
        engine.remove_container(name, force=True)


# -- states that nobody expects ---------------------------------------------------------------------------------------


def without_networks(lab: Json) -> str:
    box = lab.run("box", **AT_ONCE)
    lab.engine.disconnect("bridge", box)
    return str(box)


def never_started(lab: Json) -> str:
    """A container whose start fails: the engine calls it created, with an error."""
    box = lab.run("box", "/no-such-program", start=False, **AT_ONCE)
    with contextlib.suppress(EngineError):
        lab.engine.start(box)
    return str(box)


def restarting(lab: Json) -> str:
    box = lab.run("box", "false", host={"RestartPolicy": {"Name": "always"}}, **AT_ONCE)
    lab.wait(lambda: lab.inspect(box)["State"]["Status"] == "restarting")
    return str(box)


def network_gone(lab: Json) -> str:
    """A stopped container whose network was removed."""
    network = lab.network("gone")
    box = lab.run("box", networks=[network], **AT_ONCE)
    lab.engine.stop(box)
    lab.engine.remove_network(network)
    return str(box)


def removing(lab: Json) -> str:
    """A container that is being removed: its program takes long to end, and its removal waits for that."""
    box = lab.run("box", host={"AutoRemove": True}, **AT_ONCE)
    lab.engine.post(f"/containers/{box}/kill")
    return str(box)


STATES = {
    "without networks": without_networks,
    "never started": never_started,
    "restarting": restarting,
    "its network is gone": network_gone,
    "being removed": removing,
}


@pytest.mark.parametrize("state", STATES)
def test_a_container_in_a_state_that_nobody_expects(lab, ask, state):
    network = lab.network("net")
    other = lab.run("other", networks=[network], **AT_ONCE)
    box = STATES[state](lab)
    pair = {"source": box, "target": other, "timeout": 0, "protocol": "tcp", "port": 80}

    tasks: list[tuple[str, Json]] = [
        ("connectivity", pair),
        ("connectivity", {**pair, "source": other, "target": box}),
        ("container_link", {"container": box, "links": [f"{other}:o"], "_ansible_check_mode": True}),
        ("container_link", {"container": box, "links": [f"{other}:o"], "network": network}),
        ("network_attach", {"network": network, "containers": [box], "state": "absent"}),
        ("network_attach", {"network": network, "endpoints": [{"container": box, "aliases": ["a"]}]}),
        ("network_attach", {"network": network, "containers": [], "purge": True}),
        ("topology", {"name": lab.name("lab"), "containers": {box: {"image": BUSYBOX}}}),
    ]
    for name, params in tasks:
        ask(name, params)


@pytest.mark.parametrize("state", ["without networks", "never started", "its network is gone"])
def test_such_a_container_is_attached_all_the_same(lab, ask, state):
    network = lab.network("net")
    task = {"network": network, "endpoints": [{"container": STATES[state](lab), "aliases": ["a"]}]}
    assert ask("network_attach", task)["changed"]
    assert not ask("network_attach", task)["changed"]
