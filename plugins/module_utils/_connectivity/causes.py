# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why a source does not reach a target: the causes, in the order in which they are looked for, and their wording.

The table in C(docs/connectivity.md), which explains them, and the choices of the option C(cause) have the same causes;
a test compares them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

# The checks, in order. A check is made only when those before it passed.
BANDS = ("source", "target", "path", "name", "tcp", "greeting", "login", "identity")

# Where the checks of each protocol end.
LAST_BAND = {"dns": "name", "tcp": "tcp", "udp": "tcp", "mysql": "identity"}


@dataclass(frozen=True)
class Cause:
    """One reason.

    What is in braces is filled in by M(found) of finding.py: source, target, host, check and evidence are always known,
    the rest comes from whoever finds the cause.

    Attributes:
        band: the check that fails for this reason.
        message: what is wrong, a clause without a full stop.
        advice: what to do, as sentences.
        lasting: whether it stays so until somebody does something, so that waiting is of no use.
        isolates: whether it proves that the two are isolated: nothing leads from one to the other, or a rule keeps
            packets from it.
        split_from: the causes that this case was called before it had a name of its own. A task that expects one of
            them accepts this one too.
        errors: the numbers of the MySQL errors that mean it. They are part of the protocol: the words that go with them
            differ between versions and languages.
    """

    band: str
    message: str
    advice: str
    lasting: bool = True
    isolates: bool = False
    split_from: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()


def _peer(side: str) -> dict[str, Cause]:
    """The states of a container in which it has no working network; the same for either side."""
    return {
        f"{side}_missing": Cause(
            side,
            "there is no container {ref}{meant}",
            f"Correct the name of the {side}, or create the container first.",
        ),
        f"{side}_created": Cause(side, "{peer.name} was created and never started", "Start it."),
        f"{side}_exited": Cause(
            side,
            "{peer.name} has ended ({peer.container.status}, {why})",
            "Fix what its log reports, then start it.",
        ),
        f"{side}_paused": Cause(side, "{peer.name} is paused: its processes are frozen", "Unpause it."),
        f"{side}_restarting": Cause(
            side,
            "{peer.name} ends and is restarted again and again ({peer.restarts} restarts, {why})",
            "Fix what its log reports: its command, its environment, or its files.",
            lasting=False,
        ),
    }


_NO_NETWORK = ("path", "{peer.name} has no network: {why}", "{how} to a network of {other.name}.")
_LOGIN_REFUSED = "the server in {target.name} refuses the login: {server_message}"
_ONLY_ON = "the server in {target.name} listens on {listeners} only"
_NOT_ASKED = (
    "{source.name} does not ask the engine's resolver 127.0.0.11 any more (name servers there: {evidence.name_servers})"
)

CAUSES: dict[str, Cause] = {
    **_peer("source"),
    "link_target_stopped": Cause(
        "target",
        "{source.name} has a legacy link to {target.name} (as {alias}), and {own.message}. Until it runs, nothing can"
        " be executed in {source.name}, which cannot be restarted either",
        "{own.advice}",
    ),
    **_peer("target"),
    "target_unhealthy": Cause(
        "target",
        "{target.unhealthy}",
        "Fix what the healthcheck reports. If the healthcheck itself is wrong, recreate the container with a better"
        " one.",
        lasting=False,
    ),
    "source_no_network": Cause(*_NO_NETWORK, isolates=True),
    "target_no_network": Cause(*_NO_NETWORK, isolates=True),
    "source_shares_network": Cause(
        "path",
        "{source.name} has no network of its own: it uses that of {source.owner.name}, which has none in common with"
        " {target.name}: {evidence.places}",
        "Attach {source.owner.name}, whose network {source.name} uses.",
        isolates=True,
    ),
    "target_shares_network": Cause(
        "path",
        "{target.name} has no network of its own: it uses that of {target.owner.name}, which has none in common with"
        " {source.name}: {evidence.places}",
        "Attach {source.name} to a network of {target.owner.name}, and use {target.owner.name} as host.",
        isolates=True,
    ),
    "link_stale": Cause(
        "path",
        "{source.owner.name} has a legacy link to {target.name} (as {link.alias}), but {target.name} was replaced since"
        " by another container of that name. The source's hosts file still has the address of the old one, nothing can"
        " be executed in {source.name}, and it cannot be restarted",
        "Renew the link, which replaces {source.owner.name} by a container with the same configuration and volumes; or"
        " attach both to a network.",
    ),
    "phantom_endpoint": Cause(
        "path",
        "{peer.name} is attached to {network} in its description only (a phantom endpoint): {why}",
        "Attach {peer.owner.name} again, which repairs the endpoint.",
    ),
    "default_bridge_only": Cause(
        "path",
        "{source.name} and {target.name} are both on the default bridge only, which has no names",
        "Attach both to a network of their own (live; nothing is recreated), or link them.",
        isolates=True,
    ),
    "no_common_network": Cause(
        "path",
        "{source.name} and {target.name} have no network in common: {evidence.places}",
        "Attach {here.name} to a network of {there.name}.",
        isolates=True,
    ),
    "source_host_network": Cause(
        "name",
        "{source.name} uses the network of its host, which does not know the name {host}",
        "Use the address of {target.name} as host, or run {source.name} on a network of {target.name}.",
    ),
    "target_host_network": Cause(
        "name",
        "{target.name} uses the network of its host, so no network has the name {host}",
        "Use an address of the machine as host (from {source.name}, the gateway of its network), or run {target.name}"
        " on a network of {source.name}.",
    ),
    "target_without_name": Cause(
        "name",
        "{target.name} has no network of its own, and so no name on any: it uses the network of {target.owner.name}",
        "Use {target.owner.name} as host.",
        split_from=("target_shares_network",),
    ),
    "resolver_lost": Cause(
        "name",
        f"{_NOT_ASKED}. This happens when a legacy link is removed while its source is on the default bridge and on"
        " another network",
        "Restart {source.owner.name}.",
    ),
    "name_unknown": Cause(
        "name",
        "{target.name} has no name {host}{meant} where {source.name} can see it; its names there are {names}",
        "{advice}",
    ),
    "name_not_resolved": Cause(
        "name",
        "{host} is a name of {target.name} on {way}, but it does not resolve in {source.name} (name servers there:"
        " {evidence.name_servers})",
        "Wait if {target.name} was attached just now; else look at /etc/hosts and /etc/resolv.conf of {source.name}.",
        lasting=False,
    ),
    "network_link_shadows": Cause(
        "name",
        "{source.name} has a link on {network} that leads {link.alias} to {link.target} ({others}), which wins over the"
        " names of {target.name}",
        "Remove that link, or use another name of {target.name}.",
    ),
    "hosts_entry_shadows": Cause(
        "name",
        "{source.name} takes {host} from the line '{line}' of its hosts file, which wins over the names of networks;"
        " that is {owner}, not {target.name}",
        "{advice}, or use another name of {target.name}, or its address.",
    ),
    "alias_shared": Cause(
        "name",
        "{host} on {network} is a name of {target.name} and of {holders}, so it resolves to different containers"
        " ({addresses})",
        "Use a name that only {target.name} has, or take the alias from the others.",
    ),
    "resolves_elsewhere": Cause("name", "{host} {what}", "{advice}"),
    "icc_disabled": Cause(
        "tcp",
        "the network {network.name} forbids its containers to talk to each other (enable_icc is false), so that nothing"
        " comes back from {place}",
        "Attach both to a network that allows it, and detach {source.name} from {network.name}, so that the names lead"
        " over the other one.",
        isolates=True,
    ),
    "internal_network": Cause(
        "tcp",
        "{source.name} is on internal networks only, which lead nowhere outside, and {address} is outside: {networks}",
        "Attach {source.name} to a network of {target.name}.",
        isolates=True,
    ),
    "server_starting": Cause(
        "tcp",
        "{address} refuses {packets} to port {check.port} of {target.name} so far: {why}",
        "Wait longer with the option timeout.",
        lasting=False,
    ),
    "skip_networking": Cause(
        "tcp",
        "{address} refuses connections to port {check.port}: the server in {target.name} listens on {sockets} only,"
        " which nobody outside of the container can reach",
        "Start it without skip-networking: take the option out of its configuration, or --skip-networking out of the"
        " arguments of its container.",
        split_from=("server_starting",),
    ),
    "loopback_only": Cause(
        "tcp",
        f"{_ONLY_ON}, which nobody else can reach",
        "Let it listen on all addresses; a MySQL server with bind-address=* in its configuration, or as an argument"
        " --bind-address=* of its container.",
    ),
    "other_address_only": Cause(
        "tcp",
        f"{_ONLY_ON}, and {{source.name}} connects to {{address}}",
        "Let it listen on all addresses, or use a name of that address's network.",
    ),
    "port_closed": Cause(
        "tcp",
        "{address} refuses {packets} to port {check.port}: nothing in {target.name} listens there{listening}",
        "Correct the port, or start the server.",
        lasting=False,
    ),
    "rejected": Cause(
        "tcp",
        "a firewall rule rejects {packets} to port {check.port}: they are {why}",
        "Look for rules that reject packets: on the host (iptables -S DOCKER-USER, firewalld, ufw), and in the networks"
        " of the two containers.",
        lasting=False,
        isolates=True,
        split_from=("server_starting", "no_answer", "no_route"),
    ),
    "no_answer": Cause(
        "tcp",
        "{place} {silent}: packets are lost, as with a firewall",
        "Look for rules that drop packets: the chain DOCKER-USER on the host, and rules in the containers.",
        lasting=False,
        isolates=True,
    ),
    "unanswered": Cause(
        "tcp",
        "{place} does not answer a datagram, which proves nothing: {what}, and a server may have taken it and kept"
        " silent, or a rule may have dropped it",
        "Look whether the server in {target.name} got it (its log). Where it has a TCP port too, check that.",
        lasting=False,
        split_from=("no_answer",),
    ),
    "no_route": Cause(
        "tcp",
        "{source.name} finds no way to {place}: {text}",
        "Look at the routes in {source.name} (ip route), and whether {target.name} was replaced just now.",
        lasting=False,
    ),
    "not_mysql": Cause(
        "greeting",
        "something accepts connections at port {check.port} of {target.name}, but does not greet as a MySQL server"
        " does: {server_message}",
        "Correct the port; use protocol: tcp if it is no MySQL server.",
        lasting=False,
        # Nothing, or nothing that makes sense, where the greeting should be.
        errors=(1043, 2007, 2012, 2013, 2027),
    ),
    "tls_required": Cause(
        "login",
        "the server in {target.name} takes this login with TLS only: {server_message}",
        "Set ssl_mode of the option login to preferred or required.",
        # A login that is refused without TLS is tried once more with it.
        split_from=("access_denied",),
        errors=(3159,),
    ),
    "tls_failed": Cause(
        "login",
        _LOGIN_REFUSED,
        "Set ssl_mode of the option login to preferred, or fix the certificate of the server.",
        errors=(2026,),
    ),
    # The server does not say why: the advice lists what it may be.
    "access_denied": Cause(
        "login",
        "the server in {target.name} refuses the user {check.login.user} with {secret}: {server_message}",
        "It takes the client for {client} and does not say what is wrong. Either the password is another one: correct"
        " the option login. Or no account is for that address, but one for 'localhost' only, say: CREATE USER {account}"
        " IDENTIFIED BY '...'.{root} Or the account demands a client certificate: ALTER USER {account} REQUIRE"
        " NONE.{tls} What there is: SELECT host, plugin, ssl_type FROM mysql.user WHERE user = {user}.",
        errors=(1045,),
    ),
    "account_locked": Cause(
        "login",
        _LOGIN_REFUSED,
        "ALTER USER {account} ACCOUNT UNLOCK, with the host that the account has.",
        split_from=("access_denied", "mysql_error"),
        errors=(3118, 3955, 4151),
    ),
    "password_expired": Cause(
        "login",
        _LOGIN_REFUSED,
        "ALTER USER {account} IDENTIFIED BY '...', or PASSWORD EXPIRE NEVER, with the host that the account has.",
        split_from=("access_denied", "mysql_error"),
        errors=(1820, 1862),
    ),
    "auth_socket": Cause(
        "login",
        _LOGIN_REFUSED,
        "Use another account, or give this one a password: ALTER USER {account} IDENTIFIED WITH caching_sha2_password"
        " BY '...' (MariaDB: IDENTIFIED BY '...'), with the host that the account has.",
        split_from=("access_denied",),
        # MariaDB gives it for a wrong password too, where the account also has unix_socket.
        errors=(1698,),
    ),
    "client_not_allowed": Cause(
        "login",
        _LOGIN_REFUSED,
        "CREATE USER {account} IDENTIFIED BY '...', since no account is for the address of {source.name}; or FLUSH"
        " HOSTS, where the server blocks it.",
        errors=(1129, 1130),
    ),
    "unknown_database": Cause(
        "login",
        "the login works, but not with the database {check.login.database}: {server_message}",
        "Create the database, or grant {check.login.user} its use; MYSQL_DATABASE of an image counts only when its"
        " volume is new.",
        errors=(1044, 1049),
    ),
    "too_many_connections": Cause(
        "login",
        _LOGIN_REFUSED,
        "Raise max_connections, or look for a client that does not close its connections.",
        lasting=False,
        errors=(1040, 1203, 1226),
    ),
    "mysql_error": Cause("login", _LOGIN_REFUSED, "Look up the error {error} in the manual of the server."),
    "wrong_server": Cause(
        "identity",
        "the server that answers at {host} has the hostname {hostname}; that of {target.name} is"
        " {target.owner.hostname}",
        "Use a name that only {target.name} has, or its address.",
    ),
    "no_probe_tool": Cause(
        "name",
        "{source.name} does not have {program}{place}, so the check cannot be made",
        "Set probe_image to an image that has {program}.",
    ),
    "probe_failed": Cause(
        "name",
        "nothing can be run in the network of {source.name}: {evidence.seen.failed}",
        "Fix what the engine reports.",
        lasting=False,
    ),
}


class Wording(t.NamedTuple):
    """As in Cause."""

    message: str
    advice: str


# Cases of a cause that read differently, by the cause and what is special.
VARIANTS: dict[str, Wording] = {
    "no_common_network/address": Wording(
        "{host} is the address of {target.name} on {network}, which {source.name} is not on: {place}",
        "Use the name of {target.name} on a common network as host, or attach {source.name} to {network}.",
    ),
    "resolver_lost/mounted": Wording(
        f"{_NOT_ASKED}: a file is mounted over its /etc/resolv.conf",
        "Recreate {source.name} without that mount.",
    ),
    "other_address_only/family": Wording(
        "the server in {target.name} listens on {listeners} and refuses {address} even to {target.name} itself: it"
        " listens for IPv6 only, or a rule in the container rejects IPv4",
        "Let it listen for IPv4 as well. If it does, look for rules in the network of the container.",
    ),
    "tls_failed/verifying": Wording(
        _LOGIN_REFUSED,
        "The certificate of the server must be signed by an authority in ssl_ca ({check.login.ssl_ca}), {named} be for"
        " the name {host}.",
    ),
    "no_probe_tool/login": Wording(
        "{source.name} does not have {program}{place}, so the login cannot be made. The password is given to no other"
        " image, unless the task names it",
        "Set probe_image to an image that has {program} and may know the password{often}.",
    ),
    "probe_failed/login": Wording("the probe ended without a login", "Try again."),
}


def accepts(given: str, found: str) -> bool:
    """Whether a task that expects one cause accepts another: the same, or one that was split from it."""
    return given == found or given in CAUSES[found].split_from
