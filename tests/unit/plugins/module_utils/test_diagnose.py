# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From recorded state and recorded answers to causes: planning what to say is pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._causes import BANDS, CAUSES, LAST_BAND
from ansible_collections.linklab.docker.plugins.module_utils._check_spec import Check, Login
from ansible_collections.linklab.docker.plugins.module_utils._diagnose import band_results, diagnose
from ansible_collections.linklab.docker.plugins.module_utils._endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._evidence import Evidence, Peer, taken_path
from ansible_collections.linklab.docker.plugins.module_utils._probe_answer import Answer, Connect, Listener, Session
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENGINES, Recorded

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._state import Container

Json = t.Any

RECORDED = {engine: Recorded(engine) for engine in ENGINES}
STARTED = "2026-11-24T03:00:00.123456789Z"
NOON = 1795489200.0  # when STARTED was
# Answers of the probe script, see test_probe_answer.py for their text.
HOSTS = (("127.0.0.1", ("localhost",)),)
FULL = "10.94.200.7"


def answer(*addresses: str, **fields: Json) -> Answer:
    given = {"tools": (("name", "getent"),), "hosts": HOSTS, "resolvers": ("127.0.0.11",), "addresses": addresses}
    return Answer(**{**given, **fields})


def refused(*addresses: str, failure: str = "refused") -> Answer:
    return answer(*addresses, connects=(Connect(addresses[0], failure, "the words of the program"),))


def mysql(error: int = 0, text: str = "words", system: int = 0, hostname: str = "") -> Answer:
    row = ("12", "9.7.4", hostname, "root@%") if hostname else None
    return answer(FULL, session=Session(error, text, system, row))


@dataclass(frozen=True)
class Case:
    """A pair of recorded containers, what is different about it, and the cause that must be found."""

    source: str
    target: str
    cause: str
    answer: Answer | None = None
    check: dict[str, Json] = field(default_factory=dict)
    evidence: dict[str, Json] = field(default_factory=dict)
    change: t.Callable[[Evidence], Evidence] = lambda evidence: evidence


def peer(recorded: Recorded, name: str) -> Peer | None:
    if name not in recorded.raw["containers"]:
        return None
    container = recorded.container(name)
    return Peer(container, recorded.container("bridge") if name == "shares" else container)


def evidence_of(case: Case, engine: str) -> Evidence:
    recorded = RECORDED[engine]
    names = ("target", "linked/db", "linked/target") if case.target == "target" else (case.target,)
    check = Check(case.source, case.target, **{"protocol": "tcp", **case.check})
    # Without members: the endpoints that the cases add were not there when it was recorded.
    networks = {name: replace(recorded.network(name), members={}) for name in recorded.raw["networks"]}
    found = Evidence(
        check, peer(recorded, case.source), peer(recorded, case.target), names, case.answer, networks, now=NOON + 3600
    )
    return case.change(replace(found, **case.evidence))


def state(side: str, status: str = "running", **fields: Json) -> t.Callable[[Evidence], Evidence]:
    """Change the state of one side."""

    def change(evidence: Evidence) -> Evidence:
        found: Peer = getattr(evidence, side)
        count = {"RestartCount": fields.get("RestartCount", 0)}
        raw = {**found.container.raw, "State": {"Status": status, **fields}, **count}
        container = replace(found.container, status=status, raw=raw)
        return replace(evidence, **{side: Peer(container, container)})

    return change


def endpoint(side: str, network: str, **settings: Json) -> t.Callable[[Evidence], Evidence]:
    """Give one side an endpoint with these settings."""

    def change(evidence: Evidence) -> Evidence:
        found: Peer = getattr(evidence, side)
        end = replace(
            RECORDED["20.10"].container("full").endpoints["net"],
            network=network,
            ipv4="10.94.200.9",
            ipv6="",
            dns_names=(),
            settings=EndpointSettings(**settings),
        )
        container = replace(found.container, endpoints={**found.container.endpoints, network: end})
        return replace(evidence, **{side: Peer(container, container)})

    return change


def other(name: str, **settings: Json) -> tuple[Container, ...]:
    """Another container on the network net, at 10.94.200.20."""
    recorded = RECORDED["20.10"]
    end = replace(
        recorded.container("full").endpoints["net"], ipv4="10.94.200.20", ipv6="", settings=EndpointSettings(**settings)
    )
    container = recorded.container("bridge")
    return (replace(container, id="f" * 64, name=name, endpoints={"net": replace(end, dns_names=())}),)


def both(*changes: t.Callable[[Evidence], Evidence]) -> t.Callable[[Evidence], Evidence]:
    def change(evidence: Evidence) -> Evidence:
        for one in changes:
            evidence = one(evidence)
        return evidence

    return change


# A client on the network of the container "full".
on_net = endpoint("source", "net")
ELSEWHERE = answer("10.94.200.20")
UNHEALTHY = {"Health": {"Status": "unhealthy", "Log": [{"Output": "old"}, {"Output": "table is full\n"}]}}
LOOPED = {"RestartCount": 3, "ExitCode": 7, "StartedAt": STARTED}


def mode(name: str, evidence: Evidence) -> Evidence:
    found = evidence.target
    container = replace(found.container, network_mode=name, endpoints={})
    return replace(evidence, target=Peer(container, container))


def owner_on_net(evidence: Evidence) -> Evidence:
    """Attach the container whose network the target uses."""
    found = endpoint("target", "net")(replace(evidence, target=Peer(evidence.target.owner, evidence.target.owner)))
    return replace(evidence, target=Peer(evidence.target.container, found.target.owner))


def icc_off(evidence: Evidence) -> Evidence:
    options = {"com.docker.network.bridge.enable_icc": "false"}
    return replace(evidence, networks={"net": replace(evidence.networks["net"], options=options)})


def published(evidence: Evidence) -> Evidence:
    found = evidence.target
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "90/tcp": None}
    raw = {**found.container.raw, "NetworkSettings": {"Ports": ports}}
    container = replace(found.container, raw=raw)
    return replace(evidence, target=Peer(container, container))


CASES = {
    "source missing": Case("fulll", "full", "source_missing", evidence={"known": ("full", "bridge")}),
    "target missing": Case("bridge", "fulll", "target_missing", evidence={"known": ("full",)}),
    "source created": Case("created", "full", "source_created"),
    "target created": Case("full", "created", "target_created"),
    "source exited": Case("exited", "full", "source_exited", evidence={"log": "no disk\n"}),
    "target exited": Case("full", "exited", "target_exited", evidence={"log": "no disk\n"}),
    "target dead": Case("full", "bridge", "target_exited", change=state("target", "dead", OOMKilled=True)),
    "source paused": Case("bridge", "full", "source_paused", change=state("source", "paused")),
    "target paused": Case("full", "bridge", "target_paused", change=state("target", "paused")),
    "source restarting": Case("bridge", "full", "source_restarting", change=state("source", "restarting")),
    "target restarting": Case("full", "bridge", "target_restarting", change=state("target", "restarting", ExitCode=7)),
    "source between restarts": Case(
        "bridge",
        "full",
        "source_restarting",
        answer(failed="container is not running"),
        evidence={"now": NOON + 2},
        change=both(state("source", **LOOPED), on_net),
    ),
    "target between restarts": Case(
        "bridge",
        "full",
        "target_restarting",
        refused(FULL),
        evidence={"now": NOON + 2},
        change=both(on_net, state("target", **LOOPED)),
    ),
    "target restarted long ago": Case(
        "bridge",
        "full",
        "port_closed",
        refused(FULL),
        evidence={"now": NOON + 3600},
        change=both(on_net, state("target", **LOOPED)),
    ),
    "target unhealthy": Case("bridge", "full", "target_unhealthy", change=state("target", **UNHEALTHY)),
    "link to a stopped target": Case(
        "linked", "target", "link_target_stopped", change=state("target", "exited", ExitCode=1)
    ),
    "link to a created target": Case("linked", "target", "link_target_stopped", change=state("target", "created")),
    "source without network": Case("none", "full", "source_no_network"),
    "source without network, target on the bridge": Case("none", "bridge", "source_no_network"),
    "target without network": Case("full", "none", "target_no_network"),
    "target detached": Case("full", "bridge", "target_no_network", change=lambda one: mode("net", one)),
    "source in another's network": Case("shares", "full", "source_shares_network"),
    "target in another's network": Case("full", "shares", "target_shares_network"),
    "target in another's network, under its own name": Case(
        "full", "shares", "target_shares_network", answer(), {"host": "shares"}, change=owner_on_net
    ),
    "stale link": Case("linked", "target", "link_stale", evidence={"link_names": ("target",)}),
    "stale link with a network": Case(
        "linked",
        "target",
        "link_stale",
        answer("172.17.0.99", hosts=(("172.17.0.99", ("db", "0123456789ab", "target")),)),
        {"host": "db"},
        {"link_names": ("target",)},
        both(on_net, endpoint("target", "net", aliases=("db",))),
    ),
    "phantom": Case("phantom", "full", "phantom_endpoint"),
    "phantom with an ID": Case(
        "bridge",
        "full",
        "phantom_endpoint",
        refused(FULL, failure="no_route"),
        change=lambda one: replace(
            on_net(one), networks={"net": replace(one.networks["net"], members={"someone": None})}
        ),
    ),
    "default bridge": Case("bridge", "target", "default_bridge_only"),
    "nothing in common": Case("full", "bridge", "no_common_network"),
    "nothing in common, target on a network": Case("bridge", "full", "no_common_network"),
    "address on another network": Case(
        "bridge", "full", "no_common_network", check={"host": "10.94.201.2"}, change=on_net
    ),
    "source in the host's network": Case("host", "full", "source_host_network", answer()),
    "target in the host's network": Case("full", "host", "target_host_network", answer()),
    "resolver lost": Case(
        "bridge", "full", "resolver_lost", answer(resolvers=("192.0.2.1",)), {"host": "db"}, change=on_net
    ),
    "name unknown": Case("bridge", "full", "name_unknown", answer(), {"host": "dbb"}, change=on_net),
    "name unknown on a link": Case("linked", "target", "name_unknown", answer(), {"host": "dbb"}),
    "name not resolved": Case("bridge", "full", "name_not_resolved", answer(), {"host": "DB"}, change=on_net),
    "network link elsewhere": Case(
        "bridge",
        "full",
        "network_link_shadows",
        ELSEWHERE,
        {"host": "db"},
        change=endpoint("source", "net", links=(Link("else", "db"), Link("full", "right"))),
    ),
    "hosts line elsewhere": Case(
        "bridge",
        "full",
        "hosts_entry_shadows",
        answer("10.94.200.20", hosts=(("10.94.200.20", ("x", "DB")),)),
        {"host": "db"},
        {"others": other("else")},
        on_net,
    ),
    "hosts line of a link": Case(
        "linked",
        "full",
        "hosts_entry_shadows",
        answer("172.17.0.4", hosts=(("172.17.0.4", ("db", "target-host", "target")),)),
        {"host": "db"},
        change=on_net,
    ),
    "alias of two": Case(
        "bridge",
        "full",
        "alias_shared",
        answer("10.94.200.20", FULL),
        {"host": "db"},
        {"others": other("else", aliases=("db", "more"))},
        on_net,
    ),
    "name of another": Case(
        "bridge", "full", "resolves_elsewhere", ELSEWHERE, {"host": "else"}, {"others": other("else")}, on_net
    ),
    "address of another": Case(
        "bridge", "full", "resolves_elsewhere", ELSEWHERE, {"host": "10.94.200.20"}, {"others": other("else")}, on_net
    ),
    "name outside": Case("bridge", "full", "resolves_elsewhere", answer("192.0.2.9"), {"host": "db"}, change=on_net),
    "icc off": Case("bridge", "full", "icc_disabled", refused(FULL, failure="timeout"), change=both(on_net, icc_off)),
    "only internal networks": Case(
        "full",
        "bridge",
        "internal_network",
        refused("192.0.2.9", failure="no_route"),
        {"host": "192.0.2.9", "port": 8080},
        change=both(
            published,
            lambda one: replace(one, networks={n: replace(net, internal=True) for n, net in one.networks.items()}),
        ),
    ),
    "server starting by its process": Case(
        "bridge", "full", "server_starting", refused(FULL), evidence={"processes": ("mysqld",)}, change=on_net
    ),
    "server starting, and its other port is open": Case(
        "bridge",
        "full",
        "server_starting",
        refused(FULL),
        evidence={"processes": ("mysqld",), "listeners": (Listener("::", 33060),)},
        change=on_net,
    ),
    "server that began to listen in between": Case(
        "bridge",
        "full",
        "server_starting",
        refused(FULL),
        evidence={"listeners": (Listener("::", 3306),)},
        change=on_net,
    ),
    "server starting by its health": Case(
        "bridge",
        "full",
        "server_starting",
        refused(FULL),
        change=both(on_net, state("target", Health={"Status": "starting"})),
    ),
    "server starting by the client's error": Case(
        "bridge",
        "full",
        "server_starting",
        mysql(2003, "Can't connect to MySQL server on 'full:3306' (111)", 111),
        {"protocol": "mysql"},
        {"processes": ("docker-entrypoi",)},
        on_net,
    ),
    "loopback only": Case(
        "bridge",
        "full",
        "loopback_only",
        refused(FULL),
        evidence={"listeners": (Listener("127.0.0.1", 3306),), "processes": ("mysqld",)},
        change=on_net,
    ),
    "another address only": Case(
        "bridge",
        "full",
        "other_address_only",
        refused(FULL),
        evidence={"listeners": (Listener("10.94.201.2", 3306),)},
        change=on_net,
    ),
    "port closed, another open": Case(
        "bridge",
        "full",
        "port_closed",
        refused(FULL),
        evidence={"listeners": (Listener("::", 3307),), "processes": ("mysqld",)},
        change=on_net,
    ),
    "port closed, unseen": Case("bridge", "full", "port_closed", refused(FULL), change=on_net),
    "no answer": Case("bridge", "full", "no_answer", refused(FULL, failure="timeout"), change=on_net),
    "no route": Case("bridge", "full", "no_route", refused(FULL, failure="no_route"), change=on_net),
    "another failure": Case("bridge", "full", "no_route", refused(FULL, failure="other"), change=on_net),
    "another server": Case(
        "bridge", "full", "wrong_server", mysql(hostname="elsewhere"), {"protocol": "mysql"}, change=on_net
    ),
    "no program": Case("bridge", "full", "no_probe_tool", answer(missing="mysql", image="scratch"), change=on_net),
    "no probe": Case("bridge", "full", "probe_failed", answer(failed="no such thing"), change=on_net),
    **{
        f"error {number}": Case("bridge", "full", cause, mysql(number), {"protocol": "mysql"}, change=on_net)
        for number, cause in {
            2013: "not_mysql",
            3159: "tls_required",
            2026: "tls_failed",
            1045: "access_denied",
            1130: "client_not_allowed",
            1049: "unknown_database",
            1044: "unknown_database",
            1040: "too_many_connections",
            3032: "mysql_error",
        }.items()
    },
}
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
        assert yaml.safe_load(shown["task"]) == [finding.task]
        assert shown["task"] in shown["hint"]
    results = band_results(evidence, finding)
    assert [one["passed"] for one in results] == [True] * (len(results) - 1) + [False]
    assert [one["name"] for one in results] == list(BANDS)[: len(results)]
    assert results[-1]["name"] == CAUSES[case.cause].band


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
        ("target restarting", "exit code 7", "Mend"),
        ("target unhealthy", "unhealthy. The last healthcheck: table is full", "Mend"),
        ("link to a stopped target", "legacy link to target (as db)", "start"),
        ("source without network", "its network mode is none", "docker network disconnect none none"),
        ("target detached", "detached from all", "linklab.docker.network_attach:"),
        ("stale link", "replaced since by another", "disruption: recreate"),
        ("phantom", "phantom is attached to net in its description only", "- phantom"),
        ("default bridge", "both on the default bridge only", "network: target-net"),
        ("nothing in common", "full is on internal (internal), net; bridge is on bridge", "network: internal"),
        ("nothing in common, target on a network", "bridge is on bridge; full is on", "network: internal"),
        ("name unknown", "(did you mean db?)", "- dbb"),
        ("name unknown on a link", "its names there are db, target, target-host", "Attach both"),
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
        ("no program", "does not have a mysql client, nor has the image scratch", "probe_image: mysql"),
    ],
)
def test_what_is_said(name, message, hint):
    found = words(name)
    assert message in found[0]
    assert hint in found[1]


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
    assert band_results(evidence, None)[-1]["name"] == LAST_BAND[protocol]


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


def test_a_mounted_resolver_file_is_not_mended_by_a_restart():
    def mount(evidence: Evidence) -> Evidence:
        raw = {**evidence.source.container.raw, "Mounts": [{"Destination": "/etc/resolv.conf"}]}
        container = replace(evidence.source.container, raw=raw)
        return replace(evidence, source=Peer(container, container))

    case = replace(CASES["resolver lost"], change=both(on_net, mount))
    finding = diagnose(evidence_of(case, "20.10"))
    assert finding is not None
    assert finding.cause == "resolver_lost"
    assert finding.task is None


addresses = st.sampled_from(
    [FULL, "10.94.201.2", "172.17.0.4", "10.94.200.20", "fd00:94:200::7", "127.0.0.1", "192.0.2.1"]
)
answers = st.builds(
    Answer,
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
