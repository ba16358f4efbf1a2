# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The script that looks from inside a container's network.

It is POSIX shell and uses what the image has. Everything it needs comes as arguments, except for what is secret: the
option file of the C(mysql) program comes through its standard input, of which it reads the given number of lines,
so that nobody need close the input (which is impossible half-way on a connection with TLS).

A login goes to an address, which the script has compared with those of the target, and not to a name that could lead
elsewhere when the client program asks for it again.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

# How long one connection attempt may take, in seconds: the kernel takes three to find out that an address is dead.
# And how long the whole script may take, which then ends itself.
ATTEMPT_SECONDS = 4
SCRIPT_SECONDS = 30

# What a datagram carries: a line end, or for a name server the question who serves the root of all names.
_DNS_PORT = 53
_DNS_QUERY = "".join(f"\\{byte:03o}" for byte in bytes.fromhex("6c6c 0100 0001 0000 0000 0000 00 0002 0001"))

_COMMON = r"""
export LC_ALL=C RES_OPTIONS='timeout:2 attempts:2'
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
set -f
have() { command -v "$1" >/dev/null 2>&1; }
bounded() { if have timeout; then timeout "$@"; else shift; "$@"; fi; }
show() { while read -r line || [ -n "$line" ]; do case $line in '' | '#'*) ;; *) echo "$line" ;; esac; done; }
# Ends the script when its time is over, and leaves nothing behind when it ends earlier.
within() {
    have sleep || { work; return; }
    exec 4<&0
    sleep "$1" </dev/null >/dev/null 2>&1 &
    watch=$!
    { work; kill "$watch"; } <&4 &
    worker=$!
    exec 4<&- 0</dev/null
    wait "$watch"
    kill -9 "$worker" || :
} 2>/dev/null
"""

PROBE_SCRIPT = (
    _COMMON
    + r"""
host=$1 port=$2 protocol=$3 literal=$4 seconds=$5 lines=$6 payload=$7 limit=$8 own=$9
shift 9
tls=$1 authorities=$2
# Settings of the container must not take part in the login.
unset MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
export MYSQL_TEST_LOGIN_FILE=/dev/null

clock() {
    now=${EPOCHREALTIME:-$(date +%s.%N 2>/dev/null)}
    case $now in *N* | '') read -r now rest </proc/uptime ;; esac
}
in_hosts() {
    while read -r address names; do
        case $address in '#'*) continue ;; esac
        for one in $names; do
            case $one in '#'*) break ;; esac
            [ "$one" = "$host" ] && echo "$address"
        done
    done </etc/hosts
}
from_nslookup() {
    seen=
    while read -r key value more; do
        case $key in
            Name:) seen=1 ;;
            Address*) case $value in [0-9]:) value=${more%% *} ;; esac; [ -n "$seen" ] && echo "$value" ;;
        esac
    done
}
resolve() {
    clock; begin=$now
    if [ "$literal" = yes ]; then tool=literal addresses=$host
    elif have getent; then
        tool=getent addresses=$(getent ahosts "$host" | while read -r address kind rest; do
            case $kind in STREAM | '') echo "$address" ;; esac
        done)
    elif have python3; then
        tool=python3 addresses=$(python3 -c 'import socket, sys
for found in socket.getaddrinfo(sys.argv[1], None, 0, 1): print(found[4][0])' "$host" 2>/dev/null)
    elif have nslookup || have busybox; then
        tool=nslookup addresses=$(in_hosts)
        if [ -z "$addresses" ]; then
            if have nslookup; then addresses=$(bounded 6 nslookup "$host" 2>/dev/null | from_nslookup)
            else addresses=$(bounded 6 busybox nslookup "$host" 2>/dev/null | from_nslookup); fi
        fi
    else echo "@missing name"; return 1; fi
    clock
    echo "@name $tool $begin $now"
    for address in $addresses; do echo "$address"; done
    [ -n "$addresses" ]
}
by_bash() {
    out=$(bounded "$seconds" bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$port" 2>&1 </dev/null); code=$?
    case $out in *'No such file'*) return 1 ;; esac
}
by_python3() {
    out=$(python3 -c 'import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3])).close()
except OSError as exc: sys.exit(str(exc))' "$1" "$port" "$seconds" 2>&1 </dev/null); code=$?
}
by_nc() {
    nc=nc; have nc || nc='busybox nc'
    out=$($nc -z -v -w "$seconds" "$1" "$port" 2>&1 </dev/null); code=$?
    case $out in
        *option* | *[Uu]sage* | *applet*) out=$($nc -w "$seconds" "$1" "$port" -e true 2>&1 </dev/null); code=$? ;;
    esac
    case $out in *[Uu]sage* | *applet*) return 1 ;; esac
}
connect() {
    for tool in bash python3 nc; do
        have $tool || { [ $tool = nc ] && have busybox; } || continue
        clock; begin=$now
        by_$tool "$1" || continue
        clock
        echo "@tcp $1 $tool $code $begin $now"
        echo "$out"
        return $code
    done
    echo "@missing tcp"
    return 0
}
# Sends one datagram and waits for an answer, or for what the network says instead of one.
udp_bash() {
    out=$(bash -c 'exec 3<>"/dev/udp/$1/$2" && printf %b "$3" >&3 && IFS= read -r -n 1 -d "" -t "$4" one <&3' \
        bash "$1" "$port" "$payload" "$seconds" 2>&1 </dev/null); code=$?
    case $out in *'No such file'*) return 1 ;; esac
    # It reads nothing from an empty answer, and more than 128 is its timeout.
    if [ "$code" -gt 128 ]; then code=124; elif [ -z "$out" ]; then code=0; fi
}
udp_python3() {
    out=$(python3 -c 'import socket, sys
host, port, payload, seconds = sys.argv[1:]
try:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(float(seconds))
    one.connect((host, int(port)))
    one.send(payload.encode().decode("unicode_escape").encode("latin-1"))
    one.recv(1)
except OSError as exc: sys.exit(str(exc))' "$1" "$port" "$payload" "$seconds" 2>&1 </dev/null); code=$?
}
datagram() {
    for tool in bash python3; do
        have $tool || continue
        clock; begin=$now
        udp_$tool "$1" || continue
        clock
        echo "@udp $1 $tool $code $begin $now"
        echo "$out"
        return $code
    done
    echo "@missing udp"
    return 0
}
is_own() { for one in $own; do [ "$one" = "$1" ] && return; done; return 1; }
are_own() { for address in $addresses; do is_own "$address" || return 1; done; }
ask() {
    head -n "$lines" <&6 | bounded "$limit" "$client" --defaults-file=/dev/stdin --protocol=TCP --host="$place" \
        --port="$port" --connect-timeout="$seconds" --batch --skip-column-names "$@" \
        --execute='SELECT CONNECTION_ID(), VERSION(), @@hostname, CURRENT_USER()' 2>&1
}
login() {
    client=
    for one in mysql mariadb; do have $one && { client=$one; break; }; done
    { [ -n "$client" ] && have head; } || { echo "@missing mysql"; return; }
    place=${addresses%%[!0-9a-fA-F:.]*}
    set --
    [ "$tls" = preferred ] || case $tls,$("$client" --version </dev/null 2>/dev/null) in
        disabled,*MariaDB*) set -- --skip-ssl ;;
        # It goes on without TLS where the server has none, unless it verifies.
        required,*MariaDB*) echo "@missing tls"; return ;;
        # Not all of its versions verify the one without the other.
        verify_*,*MariaDB*) set -- --ssl --ssl-verify-server-cert --ssl-ca=/dev/fd/5; place=$host ;;
        verify_identity,*) set -- --ssl-mode="$tls" --ssl-ca=/dev/fd/5; place=$host ;;
        verify_ca,*) set -- --ssl-mode="$tls" --ssl-ca=/dev/fd/5 ;;
        *) set -- --ssl-mode="$tls" ;;
    esac
    clock; begin=$now
    echo "@mysql $client"
    { echo "$authorities" | { ask "$@"; } 5<&0; } 6<&0
    code=$?
    clock
    echo "@end $code $begin $now"
}
ways() {
    echo "@route"; show </proc/net/route
    echo "@arp"; show </proc/net/arp
}
work() {
    read -r go || return
    echo "@hosts"; show </etc/hosts
    echo "@resolver"; show </etc/resolv.conf
    if resolve; then
        case $protocol in
            tcp) for address in $addresses; do connect "$address" && break; done ;;
            udp) for address in $addresses; do datagram "$address" && break; done ;;
            mysql) are_own && login ;;
        esac
        [ "${code:-0}" = 0 ] || ways
    fi
    echo "@done"
}
within "$limit"
"""
)

# What listens, in the words of the kernel (0A is the state LISTEN, 07 that of a UDP socket without a peer), also on
# sockets that are files. And the names of the processes; a helper sees those of its own only.
LISTEN_SCRIPT = (
    _COMMON
    + r"""
work() {
    read -r go || return
    for family in tcp tcp6 udp udp6; do
        case $family in tcp*) state=0A ;; *) state=07 ;; esac
        echo "@$family"
        while read -r line; do case $line in *" $state "*) echo "$line" ;; esac; done <"/proc/net/$family"
    done
    echo "@unix"
    # 00010000: it accepts connections.
    while read -r number users protocol flags kind state inode path; do
        [ "$flags" = 00010000 ] && echo "$path"
    done </proc/net/unix
    echo "@processes"
    set +f
    for file in /proc/[0-9]*/comm; do read -r line <"$file" && echo "$line"; done
    echo "@done"
}
within "$1"
"""
)


def script_arguments(
    host: str,
    port: int,
    protocol: str,
    *,
    literal: bool = False,
    own: Iterable[str] = (),
    lines: int = 0,
    tls: str = "preferred",
    authorities: str = "",
) -> list[str]:
    """Return the arguments of the probe script. None of them is secret.

    Args:
        protocol: C(dns), C(tcp), C(udp) or C(mysql).
        literal: whether I(host) is an address.
        own: the addresses that a login may go to.
        lines: how many lines of an option file follow the first line of its input.
        tls, authorities: of a login; C(ssl_mode), and certificates as PEM.
    """
    payload = _DNS_QUERY if port == _DNS_PORT else "\\n"
    asked = [host, str(port), protocol, "yes" if literal else "no", str(ATTEMPT_SECONDS), str(lines), payload]
    return [*asked, str(SCRIPT_SECONDS), " ".join(own), tls, authorities]
