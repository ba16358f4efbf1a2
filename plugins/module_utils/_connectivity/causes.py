# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why a source does not reach a target: the causes, in the order in which they are looked for.

The table in C(docs/connectivity.md) and the choices of the option C(cause) are this table; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

# The checks, in order. A check is made only when those before it passed.
BANDS = {
    "source": "The source exists and runs.",
    "target": "The target exists, runs, and the engine does not call it unhealthy.",
    "path": "There is a way: a link, a shared network, or a shared network namespace.",
    "name": "The host resolves in the source, to an address of the target and of nothing else.",
    "tcp": "The target accepts a TCP connection. With C(protocol: udp) this is C(udp): it answers a datagram.",
    "greeting": "A MySQL server greets.",
    "login": "The login works.",
    "identity": "The server that answered is the target: its hostname is the container's.",
}

# Where the checks of each protocol end.
LAST_BAND = {"dns": "name", "tcp": "tcp", "udp": "tcp", "mysql": "identity"}


@dataclass(frozen=True)
class Cause:
    """One reason.

    Attributes:
        band: the check that fails for this reason.
        meaning: what is wrong.
        remedy: what to do, in general. The hint of a diagnosis says it for the containers at hand.
        lasting: whether it stays so until somebody does something, so that waiting is of no use.
        isolates: whether it proves that the two are isolated: nothing leads from one to the other, or a rule keeps
            packets from it.
        split_from: the causes that this case was called before it had a name of its own. A task that expects one of
            them accepts this one too.
    """

    band: str
    meaning: str
    remedy: str
    lasting: bool = True
    isolates: bool = False
    split_from: tuple[str, ...] = ()


def _peer(side: str) -> dict[str, Cause]:
    """The states of a container in which it has no working network; the same for either side."""
    return {
        f"{side}_missing": Cause(side, f"No container has the {side}'s name.", "Correct the name, or create it."),
        f"{side}_created": Cause(side, f"The {side} was created and never started.", "Start it."),
        f"{side}_exited": Cause(
            side,
            f"The {side} has ended. The message has its exit code and the end of its log.",
            "Fix what the log reports, then start it.",
        ),
        f"{side}_paused": Cause(side, f"The {side} is paused: its processes are frozen.", "Unpause it."),
        f"{side}_restarting": Cause(
            side,
            f"The {side} ends and is restarted, again and again. The message has its exit code and the end of its log.",
            "Fix what the log reports.",
            lasting=False,
        ),
    }


CAUSES: dict[str, Cause] = {
    **_peer("source"),
    "link_target_stopped": Cause(
        "target",
        "A legacy link of the source leads to the target, which does not run. Nothing can be executed in the source"
        " either, and it cannot be restarted, until the target runs.",
        "Start the target.",
    ),
    **_peer("target"),
    "target_unhealthy": Cause(
        "target",
        "The engine calls the target unhealthy. The message has the output of its last healthcheck.",
        "Fix what the healthcheck reports, or the healthcheck itself.",
        lasting=False,
    ),
    "source_no_network": Cause(
        "path",
        "The source has no network: its network mode is C(none), or it was detached from all.",
        "Attach it to a network that the target is on. Mode C(none) must be left first.",
        isolates=True,
    ),
    "target_no_network": Cause(
        "path",
        "The target has no network: its network mode is C(none), or it was detached from all.",
        "Attach it to a network that the source is on. Mode C(none) must be left first.",
        isolates=True,
    ),
    "source_shares_network": Cause(
        "path",
        "The source has no network of its own: it uses that of another container (C(container:) mode), and that one has"
        " no network in common with the target.",
        "Attach the container whose network it uses.",
        isolates=True,
    ),
    "target_shares_network": Cause(
        "path",
        "The target has no network of its own: it uses that of another container (C(container:) mode), and that one has"
        " no network in common with the source.",
        "Attach the container whose network it uses, and use that one's name as host.",
        isolates=True,
    ),
    "link_stale": Cause(
        "path",
        "The target of a legacy link was replaced by another container. The line in the source's hosts file is that of"
        " the old one, nothing can be executed in the source, and it cannot be restarted.",
        "Renew the link, which replaces the source, or move both to a network.",
    ),
    "phantom_endpoint": Cause(
        "path",
        "A container is attached to the common network in its description only: an attach failed half-way.",
        "Attach it again.",
    ),
    "default_bridge_only": Cause(
        "path",
        "Both are on the default bridge and on no other common network. There are no names on it.",
        "Attach both to a network of their own, or link them.",
        isolates=True,
    ),
    "no_common_network": Cause(
        "path",
        "Both have networks, but none in common.",
        "Attach the source to a network of the target.",
        isolates=True,
    ),
    "source_host_network": Cause(
        "name",
        "The source uses the network of its host (network mode C(host)), which does not know the names of containers.",
        "Use the target's address as host, or run the source on a network of the target.",
    ),
    "target_host_network": Cause(
        "name",
        "The target uses the network of its host (network mode C(host)), so no network has its name.",
        "Use an address of the machine as host, or run the target on a network of the source.",
    ),
    "target_without_name": Cause(
        "name",
        "The target uses the network of another container (C(container:) mode), so no resolver knows its own name.",
        "Use the name of the container whose network it uses as host.",
        split_from=("target_shares_network",),
    ),
    "resolver_lost": Cause(
        "name",
        "The source is on a network with names, but no longer asks the engine's resolver 127.0.0.11. This happens when"
        " a legacy link is removed while its source is on the default bridge and on another network.",
        "Restart the source.",
    ),
    "name_unknown": Cause(
        "name",
        "The target has no such name on any network that it has in common with the source. The message says which it"
        " has.",
        "Use one of its names, or add the alias.",
    ),
    "name_not_resolved": Cause(
        "name",
        "The target should have this name, but it does not resolve in the source.",
        "Wait if the target was attached just now; else look at the source's hosts and resolver files.",
        lasting=False,
    ),
    "network_link_shadows": Cause(
        "name",
        "A network link of the source has the same name and leads to another container. Links win over names.",
        "Remove the link, or use another name of the target.",
    ),
    "hosts_entry_shadows": Cause(
        "name",
        "A line in the source's hosts file gives the name to another address. The hosts file wins over names.",
        "Remove the line (or the extra host, legacy link or hostname of the source that made it), or use another name"
        " of the target.",
    ),
    "alias_shared": Cause(
        "name",
        "Several containers have the name, so it resolves to different containers.",
        "Use a name that only the target has, or take the alias from the others.",
    ),
    "resolves_elsewhere": Cause(
        "name",
        "The host is the name or address of something else: of another container, or of none.",
        "Use a name of the target.",
    ),
    "icc_disabled": Cause(
        "tcp",
        "The network forbids its containers to talk to each other (C(com.docker.network.bridge.enable_icc=false)).",
        "Attach both to a network that allows it.",
        isolates=True,
    ),
    "internal_network": Cause(
        "tcp",
        "The source is on internal networks only, which lead nowhere outside, and the host is outside of them.",
        "Attach the source to a network of the target, or to one that is not internal.",
        isolates=True,
    ),
    "server_starting": Cause(
        "tcp",
        "Connections to the port are refused so far: the server is still initialising.",
        "Wait longer: raise the timeout of the check, or give the target a healthcheck and wait for it.",
        lasting=False,
    ),
    "skip_networking": Cause(
        "tcp",
        "The server is up and listens on a socket file only: it was started with C(skip-networking).",
        "Start it without C(skip-networking).",
        split_from=("server_starting",),
    ),
    "loopback_only": Cause(
        "tcp",
        "The server listens on the port on the target's loopback address only.",
        "Let it listen on all addresses (MySQL: C(bind-address=*)).",
    ),
    "other_address_only": Cause(
        "tcp",
        "The server listens on the port on another address of the target only.",
        "Let it listen on all addresses, or use that address's network.",
    ),
    "port_closed": Cause(
        "tcp",
        "Nothing listens on the port. The message says what listens instead.",
        "Correct the port, or start the server.",
        lasting=False,
    ),
    "rejected": Cause(
        "tcp",
        "A firewall rule rejects the connection: it is refused although the port listens, or answered as prohibited or"
        " unreachable although the target is alive and there is a route.",
        "Look for rules that reject packets, on the host (chain DOCKER-USER, firewalld) and in the containers.",
        lasting=False,
        isolates=True,
        split_from=("server_starting", "no_answer", "no_route"),
    ),
    "no_answer": Cause(
        "tcp",
        "The connection is neither accepted nor refused: packets are lost, as with a firewall. With C(protocol: udp):"
        " nothing listens on the port, and not even that is answered.",
        "Look for rules that drop packets, on the host (chain DOCKER-USER) and in the containers.",
        lasting=False,
        isolates=True,
    ),
    "unanswered": Cause(
        "tcp",
        "No answer came to a datagram, which proves nothing: the server may have taken it and kept silent, or a rule"
        " dropped it. Only with C(protocol: udp).",
        "Look whether the server got it (its log). Where it has a TCP port too, check that.",
        lasting=False,
        split_from=("no_answer",),
    ),
    "no_route": Cause(
        "tcp",
        "There is no route from the source to the address, or the address is not alive.",
        "Look at the routes in the source; if the target was just replaced, wait.",
        lasting=False,
    ),
    "not_mysql": Cause(
        "greeting",
        "Something accepts the connection and does not greet as a MySQL server does.",
        "Correct the port, or start the server.",
        lasting=False,
    ),
    "tls_required": Cause(
        "login",
        "The server, or the account, demands TLS and the client did not use it.",
        "Set the login's ssl_mode to preferred or required.",
        # A login that is refused without TLS is tried once more with it.
        split_from=("access_denied",),
    ),
    "tls_failed": Cause(
        "login",
        "Client and server do not agree on TLS: one of them has none, their versions have nothing in common, or the"
        " server's certificate is not one that the login's ssl_mode accepts.",
        "Set the login's ssl_mode to preferred, correct its ssl_ca, or fix the server's certificate.",
    ),
    "access_denied": Cause(
        "login",
        "The server refuses the user from that address with that password. It does not say which of them is wrong: no"
        " account may be for the client's address (C('app'@'localhost') is for the server's own container only), the"
        " password may be another, or the account may demand a client certificate.",
        "Correct the login, or the account: C(SELECT user, host, ssl_type FROM mysql.user). An image's password and its"
        " C(MYSQL_ROOT_HOST) count only when its volume is new.",
    ),
    "account_locked": Cause(
        "login",
        "The account is locked, by an administrator or after too many wrong passwords.",
        "C(ALTER USER ... ACCOUNT UNLOCK).",
        split_from=("access_denied", "mysql_error"),
    ),
    "password_expired": Cause(
        "login",
        "The password is right and has expired: the server wants another one first.",
        "C(ALTER USER ... IDENTIFIED BY ...), or C(ALTER USER ... PASSWORD EXPIRE NEVER).",
        split_from=("access_denied", "mysql_error"),
    ),
    "auth_socket": Cause(
        "login",
        "The account has no password that counts: it is for users of the server's own machine, who connect through its"
        " socket file (C(auth_socket), C(unix_socket)).",
        "Use another account, or give this one a password:"
        " C(ALTER USER ... IDENTIFIED WITH caching_sha2_password BY ...).",
        split_from=("access_denied",),
    ),
    "client_not_allowed": Cause(
        "login",
        "The server refuses the client's address, whoever logs in.",
        "Allow the user from that address, or unblock it with C(FLUSH HOSTS).",
    ),
    "unknown_database": Cause(
        "login",
        "The login works, but the database does not exist or the user may not use it.",
        "Create the database, grant the user its use, or correct the name.",
    ),
    "too_many_connections": Cause(
        "login",
        "The server has no connection to spare.",
        "Raise max_connections, or look for a client that does not close its own.",
        lasting=False,
    ),
    "mysql_error": Cause(
        "login",
        "The server or the client program reports another error. The message has it.",
        "Look the error's number up in the manual of the server.",
    ),
    "wrong_server": Cause(
        "identity",
        "The login works, but the server that answers runs in another container.",
        "Use a name that only the target has.",
    ),
    "no_probe_tool": Cause(
        "name",
        "Neither the source nor an image that may be used has the programs for the check. A login is made by the"
        " source, its image, or C(probe_image).",
        "Set probe_image to an image that has them. For a login, to one that may know the password, such as the"
        " target's.",
    ),
    "probe_failed": Cause(
        "name",
        "The engine can run nothing in the source's network. The message has what it said.",
        "Fix what the engine reports.",
        lasting=False,
    ),
}


def accepts(given: str, found: str) -> bool:
    """Whether a task that expects one cause accepts another: the same, or one that was split from it."""
    return given == found or given in CAUSES[found].split_from
