# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image that the role mysql_image builds: its entrypoint, and that a build keeps secrets to itself.

The entrypoint is that of this checkout, whenever the image of the tests was built.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Lab

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
ENTRYPOINT = ROOT / "roles/mysql_image/files/docker-entrypoint.sh"
OURS = f"{ENTRYPOINT}:/usr/local/bin/docker-entrypoint.sh:ro"
builds = pytest.mark.skipif(
    not (shutil.which("apt-get") and os.geteuid() == 0), reason="builds from packages of Debian or Ubuntu, as root"
)
SECRET = "vErY-secret-0815"


@pytest.fixture
def server(lab: Lab, mysql_image: str) -> Callable[..., str]:
    """Start a server with this checkout's entrypoint and wait for it."""

    def start(*options: str, **environment: str) -> str:
        variables = [f"{key}={value}" for key, value in {"MYSQL_ROOT_PASSWORD": "root", **environment}.items()]
        name = lab.run("server", *options, image=mysql_image, Env=variables, host={"Binds": [OURS]})
        lab.wait_healthy(name)
        return name

    return start


def query(lab: Lab, server: str, user: str, statement: str) -> list[str]:
    """Return the lines of the answer, or of the error; the user's password is its name."""
    client = ["mysql", "--no-defaults", "--protocol=TCP", f"--user={user}", f"--password={user}", "-N", "-r", "-B"]
    _code, output = lab.exec(server, *client, f"--execute={statement}")
    return [line for line in output.splitlines() if "on the command line" not in line]


def test_the_name_of_a_database_is_no_pattern(lab, server):
    name = r"a%b_c\d"
    one = server(MYSQL_DATABASE=name, MYSQL_USER="app", MYSQL_PASSWORD="app")
    for other in (r"aXXb_c\d", r"a%bXc\d", "a%b_cd", r"a\%b_c\d"):
        assert query(lab, one, "root", f"CREATE DATABASE `{other}`") == []
    assert query(lab, one, "app", f"CREATE TABLE `{name}`.t (i INT)") == []
    assert set(query(lab, one, "app", "SHOW DATABASES")) == {name, "information_schema", "performance_schema"}


def test_passwords_are_the_same_in_every_sql_mode(lab, server):
    user = r"o'b\c"
    one = server("--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES", MYSQL_USER=user, MYSQL_PASSWORD=user)
    assert query(lab, one, user, "SELECT CURRENT_USER()") == [f"{user}@%"]


def test_a_link_that_leads_out_of_the_data_directory_is_not_followed(lab, mysql_image):
    script = (
        "ln -s /etc/shadow /var/lib/mysql/link; docker-entrypoint.sh mysqld >/dev/null 2>&1 &"
        " until [ $(stat -c %U /var/lib/mysql/link) = mysql ]; do sleep 0.1; done; stat -c %U /etc/shadow >/tmp/owner;"
        " wait"
    )
    environment = ["MYSQL_ROOT_PASSWORD=root"]
    options: Json = {"Entrypoint": ["bash", "-c", script], "Env": environment, "host": {"Binds": [OURS]}}
    name = lab.run("server", image=mysql_image, **options)
    lab.wait(lambda: lab.exec(name, "test", "-s", "/tmp/owner")[0] == 0, what="the owner of /etc/shadow")
    assert lab.exec(name, "cat", "/tmp/owner") == (0, "root\n")


# As apt says it since 1.1; it has no exit status for it.
MMDEBSTRAP = """#!/bin/sh
for argument; do case $argument in
    --aptopt=*) settings=${argument#*=} ;;
esac; done
cat "$settings" >"${0%/*}/settings"
echo "$@" >"${0%/*}/arguments"
cat /proc/self/uid_map >"${0%/*}/uid_map"
cat /etc/shadow >"${0%/*}/shadow"
if grep -q 'Check-Valid-Until "true"' "$settings"; then
    echo 'E: Release file for http://mirror.example/dists/sid/InRelease is expired (invalid since 3d). Updates' >&2
    exit 25
fi
mkdir "$TMPDIR/root" && tar -c -C "$TMPDIR/root" .
"""
# Root may map IDs only with this capability.
NO_MAPS = ["setpriv", "--bounding-set=-setuid"]


@pytest.fixture
def mmdebstrap() -> Iterator[Path]:
    """Return a folder that everybody may enter, with a program that notes whose rights it has."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for note in ("settings", "arguments", "uid_map", "shadow"):
            (folder / note).touch()
            (folder / note).chmod(0o666)
        (folder / "mmdebstrap").write_text(MMDEBSTRAP)
        (folder / "mmdebstrap").chmod(0o755)
        yield folder


@pytest.fixture
def build(lab: Lab, tmp_path: Path) -> Iterator[Callable[..., tuple[str, str]]]:
    """Build an image from a mirror; return its name and all that was printed."""
    name = f"{lab.prefix}built"

    def call(mirror: str, *before: str, path: Path | None = None) -> tuple[str, str]:
        variables = {
            "mysql_image_name": name,
            "mysql_image_build": "always",
            "mysql_image_mirror": mirror,
            "mysql_image_docker_host": lab.engine.connection.docker_host,
        }
        (tmp_path / "variables.json").write_text(json.dumps(variables))
        play = [{"hosts": "localhost", "gather_facts": False, "roles": ["linklab.docker.mysql_image"]}]
        (tmp_path / "play.yml").write_text(json.dumps(play))
        command = ["ansible-playbook", "-vvvv", "--diff", "-e", f"@{tmp_path}/variables.json", f"{tmp_path}/play.yml"]
        # Of a host that nobody asks, so that it is no one's proxy.
        (tmp_path / "apt.conf").write_text(f'Acquire::http::Proxy::no.example "http://somebody:{SECRET}@no.example";')
        environment = {**os.environ, "APT_CONFIG": f"{tmp_path}/apt.conf"}
        if path:
            environment["PATH"] = f"{path}:{environment['PATH']}"
        done = subprocess.run(
            [*before, *command], check=False, capture_output=True, text=True, cwd=ROOT, env=environment
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return name, done.stdout + done.stderr

    yield call
    lab.clear()
    with contextlib.suppress(NotFound):
        lab.engine.delete(f"/images/{name}")


@builds
def test_a_build_keeps_the_password_of_its_mirror_to_itself(lab, build):
    # The mirror that the machine's apt has, with somebody's password, which it does not ask for.
    targets = ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(COMPONENT)"]
    found = subprocess.run([*targets, "Created-By: Packages"], check=True, capture_output=True, text=True).stdout
    mirror = next(line.split()[0] for line in found.splitlines() if line.endswith(" main") and "security" not in line)
    name, printed = build(mirror.replace("//", f"//somebody:{SECRET}@", 1))
    assert SECRET not in printed
    # Names of packages and of files are not secret: a message says where they came from, without the password.
    assert re.search(r"Building it from .* at http", printed)
    box = lab.run("box", "sleep", "1000", image=name, Entrypoint=[])
    code, lines = lab.exec(box, "grep", "-r", "-e", SECRET, "-e", "Acquire", "/etc/apt", "/var/lib/apt", "/var/log")
    assert (code, lines) == (1, "")


@builds
def test_an_index_past_its_date_is_not_accepted_silently(build, mmdebstrap):
    _name, printed = build("http://mirror.example/debian", path=mmdebstrap)
    assert "WARNING: the package index of http://mirror.example/debian is signed" in printed


@builds
def test_a_build_has_no_rights_on_the_host_and_keeps_a_proxy_to_itself(build, mmdebstrap):
    _name, printed = build("http://mirror.example/debian", path=mmdebstrap)
    assert SECRET in (mmdebstrap / "settings").read_text()
    assert SECRET not in (mmdebstrap / "arguments").read_text() + printed
    inside, outside, _count = (mmdebstrap / "uid_map").read_text().split()
    assert inside == "0" != outside
    assert (mmdebstrap / "shadow").read_text() == ""
    assert "cannot have a user namespace" not in printed


@builds
def test_a_build_says_when_it_has_the_rights_of_root_and_why(build, mmdebstrap):
    _name, printed = build("http://mirror.example/debian", *NO_MAPS, path=mmdebstrap)
    assert (mmdebstrap / "uid_map").read_text() == Path("/proc/self/uid_map").read_text()
    assert "WARNING: the build cannot have a user namespace (uid_map: Operation not permitted)" in printed
