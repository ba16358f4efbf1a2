# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity with a real MySQL server: why accounts are refused, TLS with certificates, and what a login may hold."""

from __future__ import annotations

import io
import subprocess
import tarfile
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Lab

Json = t.Any

NAME = "db.test"
SECRET = "vErY-secret-0815"
PASSWORD = "some-words"


@pytest.fixture
def account(sql: Callable[..., str]) -> Iterator[Callable[..., Json]]:
    """Make an account and return the options of a check that logs in as it; by default C(app)@C(%)."""
    made: list[str] = []

    def make(options: str = "IDENTIFIED BY 'some-words'", host: str = "%", **login: str) -> Json:
        made.append(f"app@'{host}'")
        sql(f"CREATE USER {made[-1]} {options}")
        return {"protocol": "mysql", "port": 3306, "login": {"user": "app", "password": PASSWORD, **login}}

    yield make
    for name in made:
        sql(f"DROP USER {name}")


def hint(result: Json) -> str:
    return str(result["diagnosis"]["hint"])


def test_an_account_that_demands_tls(mysql_client, mysql_server, account, connectivity):
    check = account("IDENTIFIED BY 'some-words' REQUIRE SSL", ssl_mode="disabled")
    result = connectivity(mysql_client, mysql_server, "tls_required", **check)
    assert "ssl_mode" in hint(result)
    connectivity(mysql_client, mysql_server, **{**check, "login": {"user": "app", "password": PASSWORD}})
    # A wrong password stays one, whether TLS is used or not.
    wrong = {"user": "app", "password": "other-words", "ssl_mode": "disabled"}
    connectivity(mysql_client, mysql_server, "access_denied", **{**check, "login": wrong})


def test_an_account_that_demands_a_certificate(mysql_client, mysql_server, account, connectivity):
    check = account("IDENTIFIED BY 'some-words' REQUIRE X509")
    for mode in ("preferred", "disabled"):
        login = {**check["login"], "ssl_mode": mode}
        result = connectivity(mysql_client, mysql_server, "access_denied", **{**check, "login": login})
        assert "ALTER USER 'app'@'%' REQUIRE NONE" in hint(result)


def test_an_account_for_localhost_only(  # noqa: PLR0917 - fixtures
    lab, mysql_client, mysql_server, mysql_net, account, connectivity
):
    check = account(host="localhost")
    result = connectivity(mysql_client, mysql_server, "access_denied", **check)
    address = lab.inspect(mysql_client)["NetworkSettings"]["Networks"][mysql_net]["IPAddress"]
    assert f"'app'@'{address}'" in hint(result)
    assert "CREATE USER 'app'@'%'" in hint(result)
    # The image's variable says where root may come from.
    root = connectivity(mysql_client, mysql_server, "access_denied", **{**check, "login": {"password": "other-words"}})
    assert "MYSQL_ROOT_HOST" in hint(root)
    assert "MYSQL_ROOT_HOST" not in hint(result)


@pytest.mark.parametrize(
    "options, cause, statement",
    [
        ("IDENTIFIED BY 'some-words' ACCOUNT LOCK", "account_locked", "ALTER USER 'app'@'%' ACCOUNT UNLOCK"),
        (
            "IDENTIFIED BY 'some-words' PASSWORD EXPIRE",
            "password_expired",
            "ALTER USER 'app'@'%' IDENTIFIED BY 'some-words'",
        ),
    ],
)
def test_an_account_and_the_statement_that_repairs_it(  # noqa: PLR0917 - fixtures
    options, cause, statement, mysql_client, mysql_server, account, sql, connectivity
):
    check = account(options)
    result = connectivity(mysql_client, mysql_server, cause, **check, timeout=30)
    assert len(result["attempts"]) == 1
    assert statement.partition(" IDENTIFIED BY")[0] in hint(result)
    sql(statement)
    connectivity(mysql_client, mysql_server, **check)


def test_an_account_that_too_many_wrong_passwords_locked(mysql_client, mysql_server, account, connectivity):
    check = account("IDENTIFIED BY 'some-words' FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1")
    wrong = {**check, "login": {"user": "app", "password": "other-words"}}
    connectivity(mysql_client, mysql_server, "account_locked", **wrong)
    assert "UNLOCK" in hint(connectivity(mysql_client, mysql_server, "account_locked", **check))


def test_an_account_that_logs_in_by_socket(mysql_client, mysql_server, account, sql, connectivity):
    sql("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'")
    try:
        check = account("IDENTIFIED WITH auth_socket")
        result = connectivity(mysql_client, mysql_server, "auth_socket", **check)
        assert "ALTER USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY" in hint(result)
        sql("ALTER USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY 'some-words'")
        connectivity(mysql_client, mysql_server, **check)
    finally:
        sql(
            "ALTER USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY 'some-words'", "UNINSTALL PLUGIN auth_socket"
        )


def test_a_server_without_networking(lab, mysql_image, mysql_client, mysql_net, connectivity):
    server = lab.run(
        "server", "--skip-networking", image=mysql_image, networks=[mysql_net], Env=["MYSQL_ROOT_PASSWORD=root"]
    )
    check = {"protocol": "mysql", "port": 3306, "login": {"password": "root"}}
    first = connectivity(mysql_client, server, "server_starting", **check)
    assert first["diagnosis"]["cause"] == "server_starting"
    result = connectivity(mysql_client, server, "skip_networking", **check, timeout=60, interval=0.5)
    # What lasts is not waited for.
    assert result["attempts"][-1]["seconds"] < 55
    assert "skip-networking" in hint(result)


# -- TLS with certificates -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two authorities (C(ca.pem), C(other.pem)), and a server's certificate of the first for NAME."""
    folder: Path = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        new = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
        openssl("req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", "-keyout", "key", "-out", "request")
    (folder / "names").write_text(f"subjectAltName=DNS:{NAME}")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "request", *signed, "-out", "certificate")
    return folder


@pytest.fixture(scope="module")
def certified(shared_lab: Lab, mysql_server: str, sql: Callable[..., str], authority: Path) -> Iterator[None]:
    """Let the server have that certificate."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("key", "certificate", "ca.pem"):
            member = tarfile.TarInfo(f"own-{name.removesuffix('.pem')}.pem")
            content = (authority / name).read_bytes()
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    path = f"/containers/{mysql_server}/archive"
    shared_lab.engine.request("PUT", path, params={"path": "/tmp"}, data=packed.getvalue())
    before = sql("SELECT CONCAT_WS(' ', @@ssl_ca, @@ssl_cert, @@ssl_key)").splitlines()[-1].split()
    use = "SET GLOBAL ssl_ca='{}', ssl_cert='{}', ssl_key='{}'; ALTER INSTANCE RELOAD TLS"
    sql(use.format("/tmp/own-ca.pem", "/tmp/own-certificate.pem", "/tmp/own-key.pem"))
    yield
    sql(use.format(*before))


@pytest.fixture
def named(lab: Lab, mysql_image: str, mysql_server: str, mysql_net: str, certified: None) -> str:
    """A client that knows the server by the name in its certificate."""
    address = lab.inspect(mysql_server)["NetworkSettings"]["Networks"][mysql_net]["IPAddress"]
    extra = {"ExtraHosts": [f"{NAME}:{address}", f"wrong.test:{address}"]}
    return lab.run("named", "sleep", "1000", image=mysql_image, networks=[mysql_net], host=extra)


def test_certificates(named, mysql_server, authority, connectivity):
    def check(mode: str, ca: str, host: str, cause: str | None = None) -> Json:
        login = {"password": "root", "ssl_mode": mode, "ssl_ca": str(authority / ca)}
        return connectivity(named, mysql_server, cause, protocol="mysql", port=3306, host=host, login=login)

    check("verify_ca", "ca.pem", "wrong.test")
    check("verify_identity", "ca.pem", NAME)
    assert "ssl_ca" in hint(check("verify_ca", "other.pem", NAME, "tls_failed"))
    assert "wrong.test" in hint(check("verify_identity", "ca.pem", "wrong.test", "tls_failed"))


def test_a_certificate_is_checked_from_a_helper_too(  # noqa: PLR0917 - fixtures
    lab, mysql_server, mysql_image, mysql_net, certified, authority, connectivity
):
    box = lab.run("box", networks=[mysql_net])
    login = {"password": "root", "ssl_mode": "verify_ca", "ssl_ca": str(authority / "ca.pem")}
    check = {"protocol": "mysql", "port": 3306, "probe_image": mysql_image}
    assert connectivity(box, mysql_server, login=login, **check)["probe"]["where"] == "helper"
    login["ssl_ca"] = str(authority / "other.pem")
    connectivity(box, mysql_server, "tls_failed", login=login, **check)


# -- what a login may hold -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login, message",
    [
        ({"user": f"{'a' * 4090}\ninit-command=DROP DATABASE shop"}, "login.user"),
        ({"user": "a" * 200}, "login.user has more than 128 characters"),
        ({"database": "a" * 65}, "login.database has more than 64 characters"),
        ({"password": SECRET * 100}, "login.password has more than 1024 bytes"),
        ({"password": f"{SECRET}\n[mysql]"}, "login.password has control characters"),
        ({"ssl_mode": "verify_ca"}, "ssl_ca"),
        ({"ssl_ca": "/etc/hostname"}, "ssl_mode"),
        ({"ssl_mode": "verify_ca", "ssl_ca": "/nowhere.pem"}, "/nowhere.pem"),
        ({"ssl_mode": "verify_ca", "ssl_ca": "/etc/hostname"}, "no certificate"),
    ],
)
def test_logins_that_are_refused(login, message, mysql_client, mysql_server, module):
    params = {"source": mysql_client, "target": mysql_server, "login": login, "timeout": 0}
    result = module("connectivity", params, fails=True)
    assert message in result["msg"]
    assert "attempts" not in result
    assert SECRET not in str(result)


def test_the_longest_login(mysql_client, mysql_server, sql, connectivity):
    # Each character is written as two.
    user, password, database = "u" * 32, '"\\' * 120, "d" * 64
    sql(f"CREATE DATABASE {database}", f"CREATE USER {user} IDENTIFIED BY '{password.replace(chr(92), chr(92) * 2)}'")
    sql(f"GRANT ALL ON {database}.* TO {user}")
    try:
        login = {"user": user, "password": password, "database": database}
        connectivity(mysql_client, mysql_server, protocol="mysql", port=3306, login=login)
        # One that no server has is as long as it may be, and is one line to the client all the same.
        long = {"user": "ü" * 128, "password": '"' * 1024, "database": '"' * 64}
        connectivity(mysql_client, mysql_server, "access_denied", protocol="mysql", port=3306, login=long)
    finally:
        sql(f"DROP USER {user}", f"DROP DATABASE {database}")
