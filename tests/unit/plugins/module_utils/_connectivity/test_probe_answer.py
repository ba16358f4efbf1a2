# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scripts in a container print, read back."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import (
    Connect,
    Listener,
    ProbeAnswer,
    Session,
    failure_of,
    is_begun,
    is_complete,
    leads_to,
    parse_answer,
    parse_listeners,
)
from hypothesis import given
from hypothesis import strategies as st

# Word for word from a container of the mysql image.
MYSQL = (
    "@hosts\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.91.0.4\t0f8c1581564e # me\n"
    "@resolver\nnameserver 127.0.0.11\noptions ndots:0\n"
    "@name getent 1795489373.561240258 1795489373.569958685\n10.91.0.2\n10.91.0.2\n"
    "@mysql mysql\nmysql: [Warning] unknown variable 'loose-x'.\n11\t9.7.4-2\t9e0e5c8092bd\troot@%\n"
    "@end 0 1795489373.571142677 1795489373.601314579\n@done\n"
)
# From busybox.
REFUSED = (
    "@hosts\n@resolver\n@name nslookup 1795489385.443441 1795489385.447007\n10.91.0.2\n"
    "@tcp 10.91.0.2 nc 1 1795489385.447437 1795489385.451615\n"
    "nc: can't connect to remote host (10.91.0.2): Connection refused\n@done\n"
)


def session(*lines: str, code: int = 1) -> Session:
    text = "\n".join(["@mysql mysql", *lines, f"@end {code} 1 2", "@done"])
    found = parse_answer(text).session
    assert found is not None
    return found


def test_a_login():
    answer = parse_answer(MYSQL)
    assert is_begun(MYSQL)
    assert is_complete(MYSQL)
    assert answer.addresses == ("10.91.0.2",)
    assert answer.hosts[2] == ("10.91.0.4", ("0f8c1581564e",))
    assert answer.resolvers == ("127.0.0.11",)
    assert answer.tools == (("name", "getent"), ("mysql", "mysql"))
    assert answer.session == Session(row=("11", "9.7.4-2", "9e0e5c8092bd", "root@%"))
    assert answer.ms == pytest.approx(30.17)
    assert answer.where == "source"


def test_a_refused_connection():
    answer = parse_answer(REFUSED, "helper", "busybox")
    assert answer.connects == (
        Connect("10.91.0.2", "refused", "nc: can't connect to remote host (10.91.0.2): Connection refused"),
    )
    assert (answer.where, answer.image, answer.session) == ("helper", "busybox", None)


@pytest.mark.parametrize(
    "code, text, failure",
    [
        (0, "", ""),
        (1, "bash: connect: Connection refused", "refused"),
        (1, "[Errno 113] No route to host", "no_route"),
        (1, "bash: connect: Network is unreachable", "no_route"),
        (1, "nc: timed out", "timeout"),
        (124, "", "timeout"),
        (143, "Terminated", "timeout"),
        (1, "bash: connect: Permission denied", "prohibited"),
        (1, "something else", "other"),
    ],
)
def test_why_a_connection_is_not_made(code, text, failure):
    (connect,) = parse_answer(f"@tcp 10.0.0.1 bash {code} 1 2\n{text}\n@done").connects
    assert connect.failure == failure


@pytest.mark.parametrize(
    "line, error, system, failure",
    [
        ("ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (111)", 2003, 111, "refused"),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (110)", 2003, 110, "timeout"),
        ("ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (113)", 2003, 113, "no_route"),
        # MariaDB's client.
        ("ERROR 2002 (HY000): Can't connect to server on 'db' (115)", 2002, 115, "timeout"),
        ("ERROR 2003 (HY000): Can't connect to server on 'db' (111 \"Connection refused\")", 2003, 111, "refused"),
    ],
)
def test_why_a_client_program_does_not_connect(line, error, system, failure):
    found = session(line)
    assert (found.error, found.system, failure_of(found)) == (error, system, failure)


def test_other_errors_of_a_client_program():
    assert session("mysql: [Warning] x", "ERROR 1045 (28000): Access denied for 'root'@'x' (using password: YES)") == (
        Session(1045, "Access denied for 'root'@'x' (using password: YES)")
    )
    lost = session("ERROR 2013 (HY000): Lost connection at 'waiting for initial packet', system error: 110")
    assert (lost.error, lost.system) == (2013, 110)
    assert session("mysql: unknown option '--x'", code=7) == Session(2000, "mysql: unknown option '--x'")
    # It was ended, since it said nothing for too long.
    assert session(code=124).error == 2013
    assert session(code=1).text == "the program ended with exit code 1"


def test_a_program_that_is_missing():
    answer = parse_answer("@hosts\n@resolver\n@missing name\n@done\n")
    assert answer == ProbeAnswer(missing="name")


def test_a_script_that_did_not_run_or_not_to_its_end():
    error = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": not found\r\n'
    assert not is_begun(error)
    assert not is_complete(error)
    assert is_begun("@hosts\n@resolver\n")
    assert not is_complete("@hosts\n@resolver\n")


words = st.sampled_from(["@", "tcp", "\n", " ", "mysql", "end", "1", "name", "hosts", "x", "\t"])


@given(st.text() | st.lists(words).map("".join))
def test_noise_before_and_after_does_no_harm(noise):
    # What a program prints may not look like the script's own lines.
    quiet = "\n".join(line for line in noise.splitlines() if not line.startswith("@"))
    answer = parse_answer(f"{quiet}\n{REFUSED}{quiet}")
    assert answer.addresses == ("10.91.0.2",)
    assert answer.connects[0].failure == "refused"


def kernel(address: str) -> str:
    """An address as the kernel of a little-endian machine shows it."""
    packed = ipaddress.ip_address(address).packed
    return b"".join(struct.pack("<I", word) for (word,) in struct.iter_unpack(">I", packed)).hex().upper()


@given(st.ip_addresses(), st.integers(1, 65535))
def test_listeners(address, port):
    if str(address) == "127.0.0.11":
        return
    family = "tcp" if address.version == 4 else "tcp6"
    output = f"@{family}\n   0: {kernel(str(address))}:{port:04X} 00000000:0000 0A 0:0 00:0 00 0 0 1\n@done\n"
    mapped = getattr(address, "ipv4_mapped", None)
    assert parse_listeners(output) == (Listener(str(mapped or address), port),)


def test_the_resolver_of_the_engine_is_no_listener():
    line = "   0: 0B00007F:8F5B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0"
    assert parse_listeners(f"@tcp\n{line}\n@tcp6\n@done\n") == ()


def test_how_listeners_are_shown():
    assert [str(Listener("::", 80)), str(Listener("10.0.0.1", 80))] == ["[::]:80", "10.0.0.1:80"]


# Word for word, but for the spaces at the ends of lines, from a container with a route that was added by hand.
ROUTES = """@tcp 10.91.0.9 bash 1 1 2
bash: connect: No route to host
@route
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	01005B0A	0003	0	0	0	00000000	0	0	0
eth0	00005B0A	00000000	0001	0	0	0	C0FFFFFF	0	0	0
*	09005B0A	00000000	0205	0	0	0	FFFFFFFF	0	0	0
@arp
IP address       HW type     Flags       HW address            Mask     Device
10.91.0.1        0x1         0x2         02:42:a1:8d:fc:ae     *        eth0
10.91.0.7        0x1         0x0         00:00:00:00:00:00     *        eth0
@done
"""


def test_a_datagram():
    answer = parse_answer("@udp 10.0.0.1 bash 124 1 5\n\n@udp 10.0.0.2 bash 0 1 1.002\n\n@done")
    assert [one.failure for one in answer.connects] == ["timeout", ""]
    assert answer.tools == (("udp", "bash"), ("udp", "bash"))
    assert answer.ms == pytest.approx(2)


def test_sockets_of_udp_are_apart_from_those_of_tcp():
    text = "@tcp\n@udp\n  12: 00000000:0035 00000000:0000 07 0 0\n@udp6\n@processes\n@done\n"
    assert parse_listeners(text) == ()
    assert parse_listeners(text, "udp") == (Listener("0.0.0.0", 53),)  # noqa: S104 - read, not bound


@pytest.mark.parametrize(
    "address, leads",
    [
        ("10.91.0.2", True),
        ("10.91.0.9", False),  # a route says that nothing leads there
        ("10.91.0.7", False),  # no neighbour answers
        ("192.0.2.1", True),  # over the gateway
        ("fd00::1", False),  # not known for IPv6
    ],
)
def test_where_a_route_leads(address, leads):
    assert leads_to(parse_answer(ROUTES), address) == leads


@pytest.mark.parametrize("old, new", [("0x2 ", "0x0 "), ("0003", "0002"), ("0003", "0203")])
def test_no_route_without_a_gateway_that_answers_or_while_it_is_down(old, new):
    assert not leads_to(parse_answer(ROUTES.replace(old, new)), "192.0.2.1")
