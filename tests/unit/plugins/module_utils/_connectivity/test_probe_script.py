# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script that looks from inside, run by the shells of this machine with chosen programs."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_answer import (
    ProbeAnswer,
    is_complete,
    parse_answer,
    parse_listeners,
    parse_processes,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_input import (
    option_file,
    probe_arguments,
    probe_input,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.probe_script import (
    LISTEN_SCRIPT,
    PROBE_SCRIPT,
)
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check, Login
from hypothesis import example, given
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

# Which of the script's arguments it is.
LINES, PAYLOAD, LIMIT = 5, 6, 7
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
# A client program that says what it was given: its option file, its arguments, and what is secret in its environment.
CLIENT = """#!/bin/sh
[ "$1" = --version ] && { echo "$VERSION"; exit; }
[ -e /dev/fd/5 ] && cat /dev/fd/5 >"$SEEN.authorities"
cat /dev/stdin >"$SEEN.options"
echo "$@" >"$SEEN.arguments"
env >"$SEEN.environment"
printf '7\\t9.7\\thost\\troot@%%\\n'
"""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return ["busybox", "sh"] if request.param == "busybox" else [request.param]


@pytest.fixture
def listener() -> Iterator[int]:
    """The number of a port of this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def tools(folder: Path, *names: str) -> str:
    """A folder with these programs and no others."""
    place = folder / "bin"
    place.mkdir()
    for name in names:
        # A python3 of the path may be a program that looks for another one.
        program = Path(sys.executable).resolve() if name == "python3" else shutil.which(name)
        (place / name).symlink_to(program or f"/nonexistent/{name}")
    return str(place)


def run(shell: list[str], script: str, arguments: list[str], data: bytes, **environment: str) -> str:
    program = shutil.which(shell[0])
    assert program is not None
    done = subprocess.run(
        [program, *shell[1:], "-c", script, "probe", *arguments],
        input=data,
        capture_output=True,
        check=False,
        timeout=60,
        env=environment,
    )
    return done.stdout.decode()


def look(shell: list[str], path: str, check: Check, **environment: str) -> ProbeAnswer:
    # A login may go to the address that is asked for.
    arguments = probe_arguments(check, check.host, ("192.0.2.1", check.host))
    output = run(shell, PROBE_SCRIPT, arguments, probe_input(check), PATH=path, **environment)
    assert is_complete(output), output
    return parse_answer(output)


@pytest.mark.parametrize("tool", ["getent", "python3"])
def test_names(tool, shell, tmp_path):
    answer = look(shell, tools(tmp_path, tool), Check("a", "b", "localhost", protocol="dns"))
    if shell[0] == "busybox":
        # It may prefer its own programs to those of the path.
        assert answer.tools[0][1] in (tool, "nslookup")
    else:
        assert answer.tools == (("name", tool),)
    assert set(answer.addresses) <= {"127.0.0.1", "::1"}
    assert answer.addresses
    assert any("localhost" in names for _address, names in answer.hosts)


def test_a_name_that_does_not_exist(tmp_path):
    answer = look(["dash"], tools(tmp_path, "getent"), Check("a", "b", "no-such-host.invalid", protocol="tcp"))
    assert answer.addresses == ()
    assert answer.connects == ()


def test_without_any_program(tmp_path):
    assert look(["dash"], tools(tmp_path), Check("a", "b", "localhost", protocol="dns")).missing == "name"
    assert look(["dash"], tools(tmp_path / ".."), Check("a", "b", "127.0.0.1", protocol="tcp")).missing == "tcp"


@pytest.mark.parametrize("tool", ["bash", "python3"])
@pytest.mark.parametrize("reply", [b"\0 \n", b""])
def test_datagrams(tool, reply, shell, tmp_path):
    path = tools(tmp_path, tool, "date", "sleep")
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        check = Check("a", "b", "127.0.0.1", server.getsockname()[1], "udp")

        def answer_one() -> None:
            data, sender = server.recvfrom(100)
            got.append(data)
            server.sendto(reply, sender)

        thread = threading.Thread(target=answer_one)
        thread.start()
        answer = look(shell, path, check)
        thread.join()
    assert answer.connects[0].failure == ""
    assert answer.tools[-1] == ("udp", tool)
    assert got == [b"\n"]
    assert look(shell, path, check).connects[0].failure == "refused"


def test_what_a_name_server_is_asked():
    payload = probe_arguments(Check("a", "b", "b", 53, "udp"), "b")[PAYLOAD]
    query = payload.encode().decode("unicode_escape").encode("latin-1")
    # One question, for the type NS of the root.
    assert query[2:] == bytes.fromhex("0100 0001 0000 0000 0000 00 0002 0001")


@pytest.mark.parametrize("tool", ["bash", "python3"])
def test_connections(tool, shell, listener, tmp_path):
    path = tools(tmp_path, tool, "date", "sleep", "timeout")
    open_one = look(shell, path, Check("a", "b", "127.0.0.1", listener, "tcp"))
    assert open_one.connects[0].failure == ""
    assert open_one.tools == (("name", "literal"), ("tcp", tool))
    assert 0 <= open_one.ms < 5000
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert look(shell, path, Check("a", "b", "127.0.0.1", port, "tcp")).connects[0].failure == "refused"


@pytest.mark.skipif("busybox" not in SHELLS, reason="the machine has no busybox; those of the engine's tests have")
def test_connections_by_busybox(listener, tmp_path):
    answer = look(["busybox", "sh"], tools(tmp_path, "busybox"), Check("a", "b", "127.0.0.1", listener, "tcp"))
    assert answer.tools[1] == ("tcp", "nc")
    assert answer.connects[0].failure == ""


def test_each_address_is_tried(shell, listener, tmp_path):
    # The test listens on IPv4 alone; localhost may have IPv6 first.
    answer = look(shell, tools(tmp_path, "bash", "getent", "date"), Check("a", "b", "localhost", listener, "tcp"))
    assert answer.connects[-1].failure == ""


@pytest.fixture
def client(tmp_path: Path) -> tuple[str, Path]:
    """A path with a client program and little else, and the beginning of the names of what it writes."""
    path = tools(tmp_path, "head", "cat", "env", "getent")
    program = tmp_path / "bin/mysql"
    program.write_text(CLIENT)
    program.chmod(0o755)
    return path, tmp_path / "seen"


def test_the_password_goes_through_the_input_alone(shell, client):
    path, seen = client
    login = Login("root", "s3cret 'x' \"y\"", "shop")
    check = Check("a", "b", "127.0.0.1", 3307, login=login)
    answer = look(shell, path, check, SEEN=str(seen), MYSQL_PWD="other", MYSQL_HOST="other")
    assert answer.session is not None
    assert answer.session.row == ("7", "9.7", "host", "root@%")
    assert seen.with_suffix(".options").read_text() == option_file(login)
    arguments, environment = seen.with_suffix(".arguments").read_text(), seen.with_suffix(".environment").read_text()
    assert "--port=3307" in arguments
    assert "--host=127.0.0.1" in arguments
    assert "s3cret" not in arguments + environment
    assert "other" not in environment


@pytest.mark.parametrize("host, own", [("127.0.0.1", ("127.0.0.2", "127.0.0.11")), ("localhost", ("192.0.2.1",))])
def test_no_login_to_an_address_that_is_not_the_targets(host, own, shell, client):
    path, seen = client
    check = Check("a", "b", host)
    output = run(shell, PROBE_SCRIPT, probe_arguments(check, host, own), probe_input(check), PATH=path, SEEN=str(seen))
    assert is_complete(output)
    assert parse_answer(output).addresses
    assert parse_answer(output).session is None
    assert list(seen.parent.glob("seen.*")) == []


def test_a_login_goes_to_the_address_and_not_to_the_name(shell, client):
    path, seen = client
    own = ("127.0.0.1", "::1")
    check = Check("a", "b", "localhost")
    run(shell, PROBE_SCRIPT, probe_arguments(check, "localhost", own), probe_input(check), PATH=path, SEEN=str(seen))
    arguments = seen.with_suffix(".arguments").read_text()
    assert re.search(r"--host=(127\.0\.0\.1|::1) ", arguments)
    assert "localhost" not in arguments


MYSQL, MARIADB = "mysql  Ver 9.7.4", "mysql from 11.8.3-MariaDB"


@pytest.mark.parametrize(
    "version, mode, options, host",
    [
        (MYSQL, "preferred", "", "127.0.0.1"),
        (MARIADB, "preferred", "", "127.0.0.1"),
        (MYSQL, "disabled", "--ssl-mode=disabled", "127.0.0.1"),
        (MARIADB, "disabled", "--skip-ssl", "127.0.0.1"),
        (MYSQL, "required", "--ssl-mode=required", "127.0.0.1"),
        (MYSQL, "verify_ca", "--ssl-mode=verify_ca --ssl-ca=/dev/fd/5", "127.0.0.1"),
        (MYSQL, "verify_identity", "--ssl-mode=verify_identity --ssl-ca=/dev/fd/5", "localhost"),
        (MARIADB, "verify_ca", "--ssl --ssl-verify-server-cert --ssl-ca=/dev/fd/5", "localhost"),
        (MARIADB, "verify_identity", "--ssl --ssl-verify-server-cert --ssl-ca=/dev/fd/5", "localhost"),
    ],
)
def test_tls(version, mode, options, host, shell, client):  # noqa: PLR0917 - a row of the table
    path, seen = client
    authorities = "".join(f"line {number}\n" for number in range(2000))
    check = Check("a", "b", "localhost", login=Login(ssl_mode=mode, authorities=authorities))
    arguments = probe_arguments(check, "localhost", ("127.0.0.1", "::1"))
    output = run(shell, PROBE_SCRIPT, arguments, probe_input(check), PATH=path, SEEN=str(seen), VERSION=version)
    assert parse_answer(output).session is not None
    given = seen.with_suffix(".arguments").read_text().replace("--host=::1 ", "--host=127.0.0.1 ")
    assert re.findall(r"--(?:skip-)?ssl\S*", given) == options.split()
    assert f"--host={host} " in given
    if "verify" in mode:
        assert seen.with_suffix(".authorities").read_text() == f"{authorities}\n"


def test_a_client_that_cannot_demand_tls(shell, client):
    path, seen = client
    check = Check("a", "b", "127.0.0.1", login=Login(ssl_mode="required"))
    assert look(shell, path, check, SEEN=str(seen), VERSION=MARIADB).missing == "tls"
    assert list(seen.parent.glob("seen.*")) == []


def test_nothing_is_left_behind(shell, tmp_path):
    check = Check("a", "b", "localhost", protocol="dns")
    # A time that no other process of the machine waits for.
    arguments = probe_arguments(check, "localhost")
    arguments[LIMIT] = "4242"
    output = run(shell, PROBE_SCRIPT, arguments, b"go\n", PATH=tools(tmp_path, "getent", "sleep"))
    assert is_complete(output)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 4242" not in running


def test_a_script_ends_itself_when_its_time_is_over(shell, tmp_path):
    path = tools(tmp_path, "getent", "sleep")
    slow = tmp_path / "bin/getent"
    slow.unlink()
    slow.write_text("#!/bin/sh\nexec sleep 20\n")
    slow.chmod(0o755)
    check = Check("a", "b", "localhost", protocol="dns")
    arguments = probe_arguments(check, "localhost")
    arguments[LIMIT] = "1"
    begin = time.monotonic()
    process = subprocess.Popen(
        [shutil.which(shell[0]), *shell[1:], "-c", PROBE_SCRIPT, "probe", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PATH": path},
    )
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    process.wait(timeout=10)
    assert time.monotonic() - begin < 10
    process.stdin.close()


def test_a_script_whose_task_is_gone_does_nothing(shell, tmp_path):
    check = Check("a", "b", "localhost", protocol="dns")
    begin = time.monotonic()
    assert run(shell, PROBE_SCRIPT, probe_arguments(check, "localhost"), b"", PATH=tools(tmp_path, "sleep")) == ""
    assert time.monotonic() - begin < 10


def test_what_listens(shell, listener, tmp_path):
    output = run(shell, LISTEN_SCRIPT, ["10"], b"go\n", PATH=tools(tmp_path, "sleep"))
    assert is_complete(output)
    assert "sleep" in parse_processes(output)
    assert ("127.0.0.1", listener) in {(one.address, one.port) for one in parse_listeners(output)}


def read_options(text: str) -> dict[str, str]:
    """What MySQL makes of an option file (mysys/my_default.cc): quotes around a value, and escapes, are taken away."""
    escapes = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "s": " ", '"': '"', "'": "'", "\\": "\\"}
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals:
            continue
        quote = None
        for index, char in enumerate(value):
            escaped = len(re.search(r"\\*$", value[:index])[0]) % 2
            if char in "\"'" and not escaped:
                quote = char if quote is None else None if quote == char else quote
            assert char != "#" or quote, "a comment"
        value = value.strip()
        if len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]:
            value = value[1:-1]
        found[name] = re.sub(r"\\(.)", lambda one: escapes.get(one[1], one[0]), value)
    return found


# What a login may hold: no control characters.
TEXTS = st.characters(exclude_characters="\u2028\u2029", exclude_categories=["Cs", "Cc"])


@given(st.text(TEXTS, max_size=128), st.text(TEXTS, max_size=256), st.text(TEXTS, max_size=64))
@example('"' * 128, "\\" * 1024, '"' * 64)
@example("\U0001f600" * 128, "ü" * 512, "\U0001f600" * 64)
def test_any_login_survives_the_option_file(user, password, database):
    login = Login(user, password, database)
    text = option_file(login)
    found = read_options(text)
    assert (found["user"], found["password"], found.get("database", "")) == (user, password, database)
    # The client programs take what goes beyond 4 KiB for a line of its own.
    assert max(len(line.encode()) for line in text.splitlines()) < 4000
    # The script reads as many lines as it was asked to.
    assert text.count("\n") == int(probe_arguments(Check("a", "b", login=login), "b")[LINES])
