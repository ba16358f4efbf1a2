# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pairs that cannot reach each other, from recorded state and recorded answers, each with the cause to be found."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.linklab.docker.plugins.module_utils._connectivity.evidence import Evidence, Peer
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import (
    Connect,
    Listener,
    ProbeAnswer,
    Route,
    Session,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check, Login
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from recorded import ENGINES, Recorded

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState

Json = t.Any

RECORDED = {engine: Recorded(engine) for engine in ENGINES}
STARTED = "2026-11-24T03:00:00.123456789Z"
NOON = 1795489200.0  # when STARTED was
# Answers of the probe script, see test_probe_answer.py for their text.
HOSTS = (("127.0.0.1", ("localhost",)),)
FULL = "10.94.200.7"


def answer(*addresses: str, **fields: Json) -> ProbeAnswer:
    given = {"tools": (("name", "getent"),), "hosts": HOSTS, "resolvers": ("127.0.0.11",), "addresses": addresses}
    return ProbeAnswer(**{**given, **fields})


def refused(*addresses: str, failure: str = "refused") -> ProbeAnswer:
    return answer(*addresses, connects=(Connect(addresses[0], failure, "the words of the program"),))


def mysql(error: int = 0, text: str = "words", system: int = 0, hostname: str = "") -> ProbeAnswer:
    row = ("12", "9.7.4", hostname, "root@%") if hostname else None
    return answer(FULL, session=Session(error, text, system, row))


@dataclass(frozen=True)
class Case:
    """A pair of recorded containers, what is different about it, and the cause that must be found."""

    source: str
    target: str
    cause: str
    answer: ProbeAnswer | None = None
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


def other(name: str, **settings: Json) -> tuple[ContainerState, ...]:
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
LISTENS = {"listeners": (Listener("0.0.0.0", 3306),)}  # noqa: S104 - nothing is listened on
EVERYWHERE = Route(ipaddress.IPv4Network("0.0.0.0/0"), "", usable=True)
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
        "full", "shares", "target_without_name", answer(), {"host": "shares"}, change=owner_on_net
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
    "refused although it listens": Case(
        "bridge", "full", "rejected", refused(FULL), evidence={**LISTENS, "refused_again": True}, change=on_net
    ),
    "refused although it listens for both families": Case(
        "bridge",
        "full",
        "rejected",
        refused(FULL),
        evidence={"listeners": (Listener("::", 3306),), "refused_again": True, "inside": True},
        change=on_net,
    ),
    "refused by a listener for IPv6 only": Case(
        "bridge",
        "full",
        "other_address_only",
        refused(FULL),
        evidence={"listeners": (Listener("::", 3306),), "refused_again": True, "inside": False},
        change=on_net,
    ),
    "IPv6 refused by a listener for IPv4": Case(
        "bridge", "full", "other_address_only", refused("fd00:94:200::7"), evidence=LISTENS, change=on_net
    ),
    "datagram unanswered by a listener": Case(
        "bridge", "full", "unanswered", refused(FULL, failure="timeout"), {"protocol": "udp"}, LISTENS, on_net
    ),
    "datagram unanswered, and what listens unseen": Case(
        "bridge", "full", "unanswered", refused(FULL, failure="timeout"), {"protocol": "udp"}, change=on_net
    ),
    "datagram unanswered where nothing listens": Case(
        "bridge",
        "full",
        "no_answer",
        refused(FULL, failure="timeout"),
        {"protocol": "udp"},
        {"listeners": (Listener("127.0.0.1", 3306),)},
        on_net,
    ),
    "datagram refused": Case("bridge", "full", "port_closed", refused(FULL), {"protocol": "udp"}, change=on_net),
    "prohibited": Case("bridge", "full", "rejected", refused(FULL, failure="prohibited"), change=on_net),
    "no route, they say, and there is one": Case(
        "bridge",
        "full",
        "rejected",
        answer(FULL, connects=(Connect(FULL, "no_route", "no route to host"),), routes=(EVERYWHERE,)),
        change=on_net,
    ),
    "no neighbour that answers": Case(
        "bridge",
        "full",
        "no_route",
        answer(FULL, connects=(Connect(FULL, "no_route"),), routes=(EVERYWHERE,), silent=(FULL,)),
        change=on_net,
    ),
    "no route": Case("bridge", "full", "no_route", refused(FULL, failure="no_route"), change=on_net),
    "another failure": Case("bridge", "full", "no_route", refused(FULL, failure="other"), change=on_net),
    "another server": Case(
        "bridge", "full", "wrong_server", mysql(hostname="elsewhere"), {"protocol": "mysql"}, change=on_net
    ),
    "server without networking": Case(
        "bridge",
        "full",
        "skip_networking",
        refused(FULL),
        evidence={"processes": ("mysqld",), "listeners": (), "sockets": ("/var/run/mysqld/mysqld.sock",)},
        change=both(on_net, state("target", Health={"Status": "starting"})),
    ),
    "server that an entrypoint runs without networking": Case(
        "bridge",
        "full",
        "server_starting",
        refused(FULL),
        evidence={"processes": ("docker-entrypoi", "mysqld"), "listeners": (), "sockets": ("/run/mysqld.sock",)},
        change=on_net,
    ),
    "account that demands TLS": Case(
        "bridge",
        "full",
        "tls_required",
        answer(FULL, session=Session(1045, "words"), needs_tls=True),
        {"protocol": "mysql", "login": Login(ssl_mode="disabled")},
        change=on_net,
    ),
    "certificate of an unknown authority": Case(
        "bridge",
        "full",
        "tls_failed",
        mysql(2026),
        {"protocol": "mysql", "login": Login(ssl_mode="verify_ca", ssl_ca="/ca.pem")},
        change=on_net,
    ),
    "login to nobody": Case("bridge", "full", "probe_failed", answer(FULL), {"protocol": "mysql"}, change=on_net),
    "name of the machine, perhaps": Case(
        "full",
        "bridge",
        "resolves_elsewhere",
        answer("192.0.2.9"),
        {"protocol": "mysql", "host": "machine.test", "port": 8080},
        change=published,
    ),
    "login without a program": Case(
        "bridge", "full", "no_probe_tool", answer(missing="mysql", image="box"), {"protocol": "mysql"}, change=on_net
    ),
    "login with TLS, by a client that cannot demand it": Case(
        "bridge", "full", "no_probe_tool", answer(missing="tls"), {"protocol": "mysql"}, change=on_net
    ),
    "no program": Case("bridge", "full", "no_probe_tool", answer(missing="tcp", image="scratch"), change=on_net),
    "no probe": Case("bridge", "full", "probe_failed", answer(failed="no such thing"), change=on_net),
    **{
        f"error {number}": Case("bridge", "full", cause, mysql(number), {"protocol": "mysql"}, change=on_net)
        for number, cause in {
            2013: "not_mysql",
            3159: "tls_required",
            2026: "tls_failed",
            1045: "access_denied",
            1698: "auth_socket",
            1820: "password_expired",
            1862: "password_expired",
            3118: "account_locked",
            3955: "account_locked",
            1130: "client_not_allowed",
            1049: "unknown_database",
            1044: "unknown_database",
            1040: "too_many_connections",
            3032: "mysql_error",
        }.items()
    },
}
