# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports of real runs: a lab that fails in its second stage, a preview, a migration, and a folder of labs."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from junitparser import JUnitXml

Json = t.Any

ROOT = Path(__file__).resolve().parents[3]
SECRET = "s3cret-Horse-battery"
SERVER = ["sh", "-c", "while :; do nc -l -p 8080 -e true; done"]


@pytest.fixture
def play(lab):
    """Play a book of the collection, and return its exit status and what it shows."""

    def call(book: str, *arguments: str, **variables: Json) -> tuple[int, str]:
        connection = {"docker_host": lab.engine.connection.docker_host}
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                f"playbooks/{book}.yml",
                "-vvv",
                "-e",
                json.dumps({"lab_connection": connection, "migrate_connection": connection, **variables}),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert SECRET not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    return call


def lab_of(lab: Json, port: int = 8080) -> dict[str, Json]:
    """Return a lab of two servers, of which one checks the other in three stages."""
    one, other, net = lab.name("one"), lab.name("other"), lab.name("net")
    box = {
        "image": "linklab-test/busybox",
        "command": SERVER,
        "init": True,
        "stop_grace_period": "0s",
        "networks": [net],
        "secret_environment": {"TOKEN": SECRET},
    }
    check = {"source": [one], "target": [other], "protocol": "tcp"}
    return {
        "lab_name": lab.name("lab"),
        "lab_networks": {net: {}},
        "lab_containers": {one: box, other: box},
        "lab_check_timeout": 1,
        "lab_checks": [
            {"stage": "name", "points": 1, "source": [one], "target": [other], "protocol": "dns"},
            {"name": "It serves", "stage": "port", "points": 2, "port": [port], **check},
            {"stage": "last", "points": 4, "port": [8080], **check},
        ],
    }


def report_in(folder: Path) -> dict[str, Json]:
    assert {one.name for one in folder.iterdir()} == {"report.html", "junit.xml", "lab.json"}
    assert not [one for one in folder.iterdir() if SECRET in one.read_text(encoding="utf-8")]
    return t.cast("dict[str, Json]", json.loads((folder / "lab.json").read_text(encoding="utf-8")))


def remove(lab: Json, play: Json, path: Path) -> None:
    play("lab", lab_file=str(path), lab_state="absent")


def test_a_preview_and_then_a_lab_that_fails(lab, play, tmp_path):
    path = tmp_path / "lab.yml"
    path.write_text(yaml.safe_dump(lab_of(lab, port=81)))
    out = tmp_path / "out"
    options = {"lab_file": str(path), "lab_report": str(out), "lab_stages": "stop"}
    status, _shown = play("lab", "--check", **options)
    assert status == 0
    report = report_in(out)
    assert (report["result"], report["planned"], report["counts"]["skipped"]) == ("preview", True, 3)
    assert {one["action"] for one in report["changes"]} == {"create_network", "create_container"}
    try:
        status, shown = play("lab", **options)
    finally:
        remove(lab, play, path)
    assert status == 2
    assert "Skipped after that: last." in shown
    report = report_in(out)
    assert (report["result"], report["planned"]) == ("failed", False)
    assert report["points"] == {"earned": 1.0, "possible": 7.0}
    assert [(one["status"], one["cause"]) for one in report["checks"]] == [
        ("passed", ""),
        ("failed", "port_closed"),
        ("skipped", ""),
    ]
    assert report["engine"]["api_version"]
    suites = JUnitXml.fromfile(str(out / "junit.xml"))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (3, 1, 0, 1)


def test_a_lab_that_cannot_be_brought_up(lab, play, tmp_path):
    path = tmp_path / "lab.yml"
    wrong = lab_of(lab)
    wrong["lab_containers"][lab.name("one")]["image"] = "linklab-test/none-of-this-name"
    path.write_text(yaml.safe_dump(wrong))
    out = tmp_path / "out"
    try:
        status, _shown = play("lab", lab_file=str(path), lab_report=str(out))
    finally:
        remove(lab, play, path)
    assert status == 2
    report = report_in(out)
    assert report["result"] == "error"
    assert "none-of-this-name" in report["message"]


def test_a_folder_of_labs_is_graded(lab, play, tmp_path):
    folder, out = tmp_path / "labs", tmp_path / "grades"
    folder.mkdir()
    (folder / "ada.yml").write_text(yaml.safe_dump(lab_of(lab)))
    (folder / "ben.yml").write_text(yaml.safe_dump(lab_of(lab, port=81)))
    (folder / "cem.yml").write_text(f"lab_nam: x\npassword: {SECRET}\n")
    status, shown = play("grade", grade_folder=str(folder), grade_report=str(out))
    assert status == 0, shown
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["result"], row["earned"], row["points"]) for row in rows] == [
        ("ada", "passed", "7", "7"),
        ("ben", "failed", "5", "7"),
        ("cem", "error", "", ""),
    ]
    assert "lab_nam: there is no such variable" in rows[2]["message"]
    for name in ("ada", "ben", "cem"):
        report_in(out / name)
    assert not [one for one in lab.engine.containers() if lab.name("one") in str(one["Names"])]


def test_hosts_are_graded_and_not_changed(lab, play, tmp_path):
    """Of two hosts, both with the same engine here, one is not reached."""
    lab.run("one")
    path, inventory, out = tmp_path / "lab.yml", tmp_path / "hosts.ini", tmp_path / "grades"
    # What a student makes by hand has no label: the lab only checks.
    path.write_text(yaml.safe_dump({**lab_of(lab), "lab_networks": {}, "lab_containers": {}}))
    inventory.write_text(
        f"ada ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        "ben ansible_host=192.0.2.1 ansible_timeout=1\n"
    )
    status, shown = play("grade", "-i", str(inventory), lab_file=str(path), grade_report=str(out))
    assert status == 0, shown
    report = report_in(out / "ada")
    assert (report["preview"], report["result"]) == (True, "failed")
    assert report["checks"][0]["cause"] == "target_missing"
    assert lab.name("one") in [one["name"] for one in report["topology"]["containers"]]
    ben = report_in(out / "ben")
    assert ben["result"] == "error"
    assert "192.0.2.1" in ben["message"], ben["message"]


def test_a_migration_has_a_report(lab, play, tmp_path):
    lab.run("db", *SERVER, ExposedPorts={"8080/tcp": {}})
    lab.run("client", links=[f"{lab.name('db')}:db"])
    options = {"migrate_containers": [lab.name("client")], "migrate_report": str(tmp_path)}
    for arguments, results in ((["--check"], ("preview",)), ([], ("passed",))):
        status, shown = play("migrate", *arguments, **options)
        assert status == 0, shown
        report = report_in(tmp_path / "localhost")
        assert report["result"] in results
        assert {one["name"] for one in report["topology"]["containers"]} == {lab.name("db"), lab.name("client")}
    assert report["checks"][0]["host"] == "db"
    assert report["changes"]
