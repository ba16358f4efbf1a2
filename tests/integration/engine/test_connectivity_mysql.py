# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine, with a real MySQL server: logins, and why they fail."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
import yaml

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = t.Any

PASSWORD = "root"
MYSQL = {"protocol": "mysql", "port": 3306, "login": {"password": PASSWORD}}


@contextlib.contextmanager
def changed(sql: Json, there: str, back: str) -> Iterator[None]:
    sql(there)
    try:
        yield
    finally:
        sql(back)


def test_a_login_that_works(shared_lab, mysql_client, mysql_server, mysql_net, connectivity):
    result = connectivity(mysql_client, mysql_server, **MYSQL)
    hostname = shared_lab.inspect(mysql_server)["Config"]["Hostname"]
    assert result["mysql"]["hostname"] == hostname
    # The user's name is legible although it equals the password.
    assert result["mysql"]["current_user"] == "root@%"
    assert result["mysql"]["connection_id"] > 0
    assert result["mysql"]["version"][0].isdigit()
    assert result["path"] == f"network:{mysql_net}"
    assert result["latency_ms"] > 0
    assert result["probe"] == {"where": "source", "image": None, "tools": {"name": "getent", "mysql": "mysql"}}
    assert [one["name"] for one in result["checks"]][-3:] == ["greeting", "login", "identity"]


def test_a_source_without_a_client_program(lab, mysql_server, mysql_image, mysql_net, connectivity):
    box = lab.run("box", networks=[mysql_net])
    lacks = connectivity(box, mysql_server, "no_probe_tool", **MYSQL)
    (task,) = yaml.safe_load(lacks["diagnosis"]["task"])
    options = task["linklab.docker.connectivity"]
    assert options["login"] == {"password": "{{ database_password }}"}
    result = connectivity(box, mysql_server, **{**MYSQL, "probe_image": options["probe_image"]})
    assert result["probe"]["where"] == "helper"
    assert result["probe"]["image"] == mysql_image


def test_a_database(mysql_client, mysql_server, connectivity):
    login = {"password": PASSWORD, "database": "shop"}
    connectivity(mysql_client, mysql_server, **{**MYSQL, "login": login})
    wrong = connectivity(
        mysql_client, mysql_server, "unknown_database", **{**MYSQL, "login": {**login, "database": "shpo"}}
    )
    assert "shpo" in wrong["msg"]


def test_a_wrong_password_is_not_tried_twice(mysql_client, mysql_server, connectivity):
    result = connectivity(
        mysql_client, mysql_server, "access_denied", **{**MYSQL, "login": {"password": "wrong"}, "timeout": 30}
    )
    assert len(result["attempts"]) == 1
    assert (
        "with no password" in connectivity(mysql_client, mysql_server, "access_denied", **{**MYSQL, "login": {}})["msg"]
    )


@pytest.mark.parametrize(
    "password", [r"back\slash\n", 'it\'s "quoted" #1; [x]=y', " spaces  ", "ümläut-☃", "-x", "$(id)`id`"]
)
def test_passwords_with_any_character(password, mysql_client, mysql_server, sql, connectivity):
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    with changed(sql, f"CREATE USER odd@'%' IDENTIFIED BY '{quoted}'", "DROP USER odd@'%'"):
        connectivity(mysql_client, mysql_server, **{**MYSQL, "login": {"user": "odd", "password": password}})


def test_settings_of_the_source_take_no_part_in_the_login(lab, mysql_image, mysql_server, mysql_net, connectivity):
    env = ["MYSQL_PWD=wrong", "MYSQL_HOST=nowhere", "MYSQL_TCP_PORT=1"]
    box = lab.run("box", "sleep", "1000", image=mysql_image, networks=[mysql_net], Env=env)
    lab.exec(box, "sh", "-c", "printf '[client]\\nuser=nobody\\npassword=wrong\\nport=1\\n' >~/.my.cnf")
    connectivity(box, mysql_server, **MYSQL)
    # Nor do they give a password to a login that has none.
    right = lab.run(
        "right", "sleep", "1000", image=mysql_image, networks=[mysql_net], Env=[f"MYSQL_PWD={PASSWORD}", "HOME=/tmp"]
    )
    lab.exec(right, "sh", "-c", f"printf '[client]\\npassword={PASSWORD}\\n' >/tmp/.my.cnf")
    connectivity(right, mysql_server, "access_denied", **{**MYSQL, "login": {}})


def test_a_server_that_demands_tls(mysql_client, mysql_server, sql, connectivity):
    demand = ("SET GLOBAL require_secure_transport=ON", "SET GLOBAL require_secure_transport=OFF")
    without = {**MYSQL, "login": {"password": PASSWORD, "ssl_mode": "disabled"}}
    connectivity(mysql_client, mysql_server, **without)
    with changed(sql, *demand):
        connectivity(mysql_client, mysql_server, "tls_required", **without)
        connectivity(mysql_client, mysql_server, **MYSQL)


def test_a_server_without_tls(mysql_client, mysql_server, sql, connectivity):
    file = sql("SELECT @@ssl_cert").split()[-1]
    off = "SET GLOBAL ssl_cert='/nowhere'; ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR"
    with changed(sql, off, f"SET GLOBAL ssl_cert='{file}'; ALTER INSTANCE RELOAD TLS"):
        required = {"password": PASSWORD, "ssl_mode": "required"}
        connectivity(mysql_client, mysql_server, "tls_failed", **{**MYSQL, "login": required})
        connectivity(mysql_client, mysql_server, **MYSQL)


def test_a_server_that_lets_nobody_in_from_there(mysql_client, mysql_server, sql, connectivity):
    # Only a flush makes the server forget at once that it had accounts for any host.
    away, back = ("RENAME USER root@'%' TO root@'10.1.1.1'", "RENAME USER root@'10.1.1.1' TO root@'%'")
    with changed(sql, f"{away}; FLUSH PRIVILEGES", f"{back}; FLUSH PRIVILEGES"):
        connectivity(mysql_client, mysql_server, "client_not_allowed", **MYSQL)


def test_a_server_without_a_connection_to_spare(mysql_client, mysql_server, sql, connectivity):
    limit = "CREATE USER one@'%' WITH MAX_CONNECTIONS_PER_HOUR 1"
    with changed(sql, limit, "DROP USER one@'%'"):
        one = {**MYSQL, "login": {"user": "one"}}
        connectivity(mysql_client, mysql_server, **one)
        connectivity(mysql_client, mysql_server, "too_many_connections", **one)


def test_another_error_is_passed_on(mysql_client, mysql_server, sql, connectivity):
    with changed(
        sql, "CREATE USER two@'%'; SET GLOBAL offline_mode=ON", "SET GLOBAL offline_mode=OFF; DROP USER two@'%'"
    ):
        result = connectivity(mysql_client, mysql_server, "mysql_error", **{**MYSQL, "login": {"user": "two"}})
        assert "error 3032" in result["msg"]


def test_something_else_listens_on_the_port(lab, mysql_client, mysql_net, connectivity):
    server = lab.run("server", "nc", "-ll", "-p", "3306", "-e", "true", networks=[mysql_net])
    connectivity(mysql_client, server, "not_mysql", **MYSQL)


def test_another_server_answers(lab, mysql_client, mysql_server, mysql_net, connectivity):
    server = lab.run("server", "nc", "-ll", "-p", "3306", "-e", "nc", mysql_server, "3306", networks=[mysql_net])
    assert server in connectivity(mysql_client, server, "wrong_server", **MYSQL)["msg"]
    connectivity(mysql_client, server, protocol="tcp", port=3306)


def test_a_server_that_initialises_and_listens_on_another_port(lab, mysql_image, mysql_client, mysql_net, connectivity):
    environment = [f"MYSQL_ROOT_PASSWORD={PASSWORD}"]
    # Without its healthcheck, so that the process alone must tell.
    server = lab.run(
        "server",
        "--port=3307",
        image=mysql_image,
        networks=[mysql_net],
        Env=environment,
        Healthcheck={"Test": ["NONE"]},
    )
    first = connectivity(mysql_client, server, "server_starting", **{**MYSQL, "port": 3307})
    assert len(first["attempts"]) == 1
    result = connectivity(mysql_client, server, **{**MYSQL, "port": 3307, "timeout": 90, "interval": 0.5})
    causes = {one["cause"] for one in result["attempts"]}
    assert causes == {"server_starting", None}, result["attempts"]
    assert ":3307" in connectivity(mysql_client, server, "port_closed", **MYSQL)["msg"]


def test_over_a_legacy_link(lab, mysql_image, mysql_server, shared_lab, connectivity):
    # The server joins the default bridge, as far as a link needs it.
    shared_lab.engine.connect("bridge", mysql_server, {})
    try:
        box = lab.run("box", "sleep", "1000", image=mysql_image, links=[f"{mysql_server}:db"])
        assert connectivity(box, mysql_server, host="db", **MYSQL)["path"] == "legacy_link"
        lab.engine.remove_container(box, force=True, volumes=True)
    finally:
        shared_lab.engine.disconnect("bridge", mysql_server)
