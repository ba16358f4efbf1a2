# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From recorded state and recorded answers to causes: planning what to say is pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.causes import BANDS, CAUSES, LAST_BAND
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.diagnose import band_results, diagnose
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence, Peer, taken_path
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import (
    Connect,
    ProbeAnswer,
    Session,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check, Login
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link
from diagnosis_cases import (
    CASES,
    FULL,
    RECORDED,
    UNHEALTHY,
    Case,
    answer,
    both,
    endpoint,
    evidence_of,
    mysql,
    on_net,
    state,
)
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENGINES

Json = t.Any

all_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.mark.parametrize("engine", ENGINES)
@all_cases
def test_each_cause_is_found(case, engine):
    evidence = evidence_of(case, engine)
    finding = diagnose(evidence)
    assert finding is not None
    assert finding.cause == case.cause, finding.message
    # One sentence without its full stop, sentences of advice, and a task that is YAML.
    assert finding.message[-1] not in ". "
    assert finding.advice.endswith(".")
    shown = finding.as_dict()
    if shown["task"]:
        assert yaml.safe_load(shown["task"]) == list(finding.tasks)
        assert shown["task"] in shown["hint"]
    results = band_results(evidence, finding)
    assert [one["passed"] for one in results] == [True] * (len(results) - 1) + [False]
    names = ["udp" if band == "tcp" and evidence.check.protocol == "udp" else band for band in BANDS]
    assert [one["name"] for one in results] == names[: len(results)]
    assert results[-1]["name"] == dict(zip(BANDS, names))[CAUSES[case.cause].band]


def test_no_cause_is_without_a_case():
    assert {case.cause for case in CASES.values()} == set(CAUSES)


def words(name: str) -> tuple[str, str]:
    finding = diagnose(evidence_of(CASES[name], "20.10"))
    assert finding is not None
    return finding.message, finding.hint


@pytest.mark.parametrize(
    "name, message, hint",
    [
        ("target missing", "no container fulll (did you mean full?)", "Correct the name"),
        ("target exited", "its log ends with: no disk", "- docker"),
        ("target dead", "killed for lack of memory", "start"),
        ("target restarting", "exit code 7", "Fix"),
        ("target unhealthy", "unhealthy. The last healthcheck: table is full", "Fix"),
        ("link to a stopped target", "legacy link to target (as db)", "start"),
        (
            "source without network",
            "its network mode is none",
            "network: none\n    containers:\n      - none\n    state: absent",
        ),
        ("target detached", "detached from all", "linklab.docker.network_attach:"),
        ("stale link", "replaced since by another", "disruption: recreate"),
        ("phantom", "phantom is attached to net in its description only", "- phantom"),
        ("default bridge", "both on the default bridge only", "network: target-net"),
        ("nothing in common", "full is on internal (internal), net; bridge is on bridge", "network: internal"),
        ("nothing in common, target on a network", "bridge is on bridge; full is on", "network: internal"),
        ("name unknown", "(did you mean db?)", "- dbb"),
        ("name unknown on a link", "its names there are db, target, target-host", "host: target"),
        ("resolver lost", "name servers there: 192.0.2.1", "- restart"),
        ("network link elsewhere", "a link on net that leads db to else", 'links:\n          - "full:right"'),
        ("hosts line elsewhere", "'10.94.200.20 x DB'", "extra host"),
        ("hosts line of a link", "no container on its networks", "state: absent"),
        ("alias of two", "a name of full and of else", "- more"),
        ("name of another", "is a name of else", "db, full, primary"),
        ("address of another", "10.94.200.20 is else", "name or an address of full"),
        ("port closed, another open", "what listens is [::]:3307", "port: 3307"),
        ("port closed, unseen", "cannot be seen", "Correct the port"),
        ("loopback only", "127.0.0.1:3306 only", "bind-address=*"),
        ("server starting by its process", "initialising", "timeout: 120"),
        ("error 3159", "words (error 3159)", "ssl_mode: required"),
        ("no program", "does not have bash, nc or python3, nor has the image scratch", 'probe_image: "busybox:latest"'),
        ("login without a program", "does not have a mysql client, nor has the image box", "probe_image: "),
        ("account that demands TLS", "takes this login with TLS only: words (error 1045)", "ssl_mode: required"),
        ("certificate of an unknown authority", "words (error 2026)", "ssl_ca (/ca.pem), and, for MariaDB's client,"),
        ("name of the machine, perhaps", "the engine does not tell", 'host: "192.0.2.9"'),
    ],
)
def test_what_is_said(name, message, hint):
    found = words(name)
    assert message in found[0]
    assert hint in found[1]


def test_an_image_that_was_tried_is_not_named():
    image = evidence_of(CASES["login without a program"], "20.10").target.container.image
    tried = replace(CASES["login without a program"], answer=answer(missing="mysql", image=image))
    finding = diagnose(evidence_of(tried, "20.10"))
    assert finding.advice == "Set probe_image to an image that has a mysql client and may know the password."
    assert finding.tasks == ()


def test_a_new_alias_keeps_the_others():
    _message, hint = words("name unknown")
    assert all(f"- {alias}\n" in hint for alias in ("db", "dbb", "primary"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "pair, host, address, path",
    [
        (("linked", "target"), "db", "{target}", "legacy_link"),
        (("linked", "target"), "target-host", "{target}", "legacy_link"),
        (("bridge", "target"), "{target}", "{target}", "network:bridge"),
        (("host", "full"), FULL, FULL, "host"),
        (("full", "host"), "10.94.200.1", "10.94.200.1", "host"),
        (("bridge", "shares"), "localhost", "127.0.0.1", "shared_namespace"),
        (("bridge", "bridge"), "bridge", "172.17.0.6", "shared_namespace"),
    ],
)
def test_ways_that_work(engine, pair, host, address, path):
    # The address on the default bridge differs from engine to engine.
    target = RECORDED[engine].container("target").endpoints["bridge"].ipv4
    host, address = host.format(target=target), address.format(target=target)
    evidence = evidence_of(Case(*pair, "", answer(address), {"host": host}), engine)
    assert diagnose(evidence) is None
    assert str(taken_path(evidence, address)) == path


@pytest.mark.parametrize(
    "host, path",
    [("db", "network:net"), ("FULL", "network:net"), ("db.net", "network:net"), ("right", "network_link")],
)
def test_names_on_a_network(host, path):
    change = endpoint("source", "net", links=(Link("full", "right"), Link("gone", "wrong")))
    evidence = evidence_of(Case("bridge", "full", "", answer(FULL), {"host": host}, change=change), "20.10")
    assert diagnose(evidence) is None
    assert str(taken_path(evidence, FULL)) == path


def test_an_ipv6_address_of_the_target_is_as_good():
    evidence = evidence_of(Case("bridge", "full", "", answer("fd00:94:200::7"), {"host": "db"}, change=on_net), "20.10")
    assert diagnose(evidence) is None


def test_a_login_that_works_passes_every_check():
    hostname = RECORDED["20.10"].container("full").hostname
    case = Case("bridge", "full", "", mysql(hostname=hostname.upper()), {"protocol": "mysql"}, change=on_net)
    evidence = evidence_of(case, "20.10")
    assert diagnose(evidence) is None
    results = band_results(evidence, None)
    assert [one["name"] for one in results] == list(BANDS)
    assert results[-2]["detail"] == "logged in as root@%, connection 12"


@pytest.mark.parametrize("protocol", LAST_BAND)
def test_the_checks_end_with_the_protocol(protocol):
    evidence = evidence_of(Case("bridge", "full", "", answer(FULL), {"protocol": protocol}, change=on_net), "20.10")
    last = "udp" if protocol == "udp" else LAST_BAND[protocol]
    assert band_results(evidence, None)[-1]["name"] == last


def test_a_server_that_initialises_may_not_know_its_users_yet():
    health = {"Health": {"Status": "starting"}}
    for error in (1045, 1049):
        case = replace(CASES[f"error {error}"], change=both(on_net, state("target", **health)))
        finding = diagnose(evidence_of(case, "20.10"))
        assert finding is not None
        assert not finding.lasting
    assert diagnose(evidence_of(CASES["error 1045"], "20.10")).lasting


def test_an_unhealthy_target_proves_no_isolation():
    case = replace(CASES["target unhealthy"], change=both(on_net, state("target", **UNHEALTHY)))
    for check, cause in (
        ({"expect": "unreachable"}, None),
        ({"expect": "unreachable", "cause": "target_unhealthy"}, "target_unhealthy"),
    ):
        finding = diagnose(evidence_of(replace(case, check=check), "20.10"))
        assert (finding.cause if finding else None) == cause


def test_an_extra_host_makes_the_default_bridge_a_way():
    def extra(evidence: Evidence) -> Evidence:
        raw = {**evidence.source.container.raw, "HostConfig": {"ExtraHosts": ["DB:172.17.0.4"]}}
        container = replace(evidence.source.container, raw=raw)
        return replace(evidence, source=Peer(container, container))

    case = Case("bridge", "target", "", None, {"host": "db"}, change=extra)
    assert diagnose(evidence_of(case, "20.10")) is None


def test_a_mounted_resolver_file_is_not_fixed_by_a_restart():
    def mount(evidence: Evidence) -> Evidence:
        raw = {**evidence.source.container.raw, "Mounts": [{"Destination": "/etc/resolv.conf"}]}
        container = replace(evidence.source.container, raw=raw)
        return replace(evidence, source=Peer(container, container))

    case = replace(CASES["resolver lost"], change=both(on_net, mount))
    finding = diagnose(evidence_of(case, "20.10"))
    assert finding is not None
    assert finding.cause == "resolver_lost"
    assert not finding.tasks


addresses = st.sampled_from(
    [FULL, "10.94.201.2", "172.17.0.4", "10.94.200.20", "fd00:94:200::7", "127.0.0.1", "192.0.2.1"]
)
answers = st.builds(
    ProbeAnswer,
    missing=st.sampled_from(["", "name", "tcp", "mysql", "shell"]),
    tools=st.just((("name", "getent"),)),
    addresses=st.lists(addresses, max_size=3).map(tuple),
    hosts=st.lists(st.tuples(addresses, st.lists(st.sampled_from(["db", "full", "x"])).map(tuple))).map(tuple),
    resolvers=st.lists(addresses, max_size=2).map(tuple),
    connects=st.lists(
        st.builds(Connect, addresses, st.sampled_from(["", "refused", "timeout", "no_route", "other"])), max_size=2
    ).map(tuple),
    session=st.none()
    | st.builds(
        Session,
        st.sampled_from([0, 1045, 2002, 2003, 2013, 9999]),
        st.text(),
        st.sampled_from([0, 110, 111, 113]),
        st.none() | st.tuples(st.just("1"), st.just("9"), st.sampled_from(["x", "8f1e0ecd41d3"]), st.just("u@%")),
    ),
    failed=st.sampled_from(["", "", "the engine said no"]),
)
containers = st.sampled_from(["nobody", *RECORDED["20.10"].raw["containers"]])


hosts = st.sampled_from(["", "db", "full", "10.94.200.7", "172.17.0.4", "nothing.at.all"])
cases = st.builds(
    Case,
    containers,
    containers,
    st.just(""),
    st.none() | answers,
    st.fixed_dictionaries({"host": hosts, "protocol": st.sampled_from(list(LAST_BAND))}),
)


@given(cases, st.sampled_from(ENGINES), st.booleans())
def test_whatever_is_seen_there_is_one_answer(case, engine, joined):
    exists = case.source in RECORDED[engine].raw["containers"]
    evidence = evidence_of(replace(case, change=on_net) if joined and exists else case, engine)
    finding = diagnose(evidence)
    assert finding == diagnose(evidence)
    if finding:
        assert finding.cause in CAUSES
        assert finding.hint
    results = band_results(evidence, finding)
    assert all(one["passed"] for one in results) or (finding is not None and not results[-1]["passed"])


def test_the_password_is_in_no_finding():
    login = Login("root", "hush-hush", "shop")
    for case in CASES.values():
        finding = diagnose(evidence_of(replace(case, check={**case.check, "login": login}), "20.10"))
        assert "hush-hush" not in repr(finding)
        assert "hush-hush" not in str(finding.as_dict() if finding else "")
    assert "hush-hush" not in repr(Check("a", "b", login=login))


@pytest.mark.parametrize("name", ["name unknown", "default bridge"])
def test_a_new_alias_has_no_dot_at_its_end(name):
    (task,) = diagnose(evidence_of(replace(CASES[name], check={"host": "Shop."}), "20.10")).tasks
    ends = task["linklab.docker.network_attach"]["endpoints"]
    assert "Shop" in {alias for end in ends for alias in end.get("aliases", ())}
