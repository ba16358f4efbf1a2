# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Reports as files: HTML, JUnit, JSON and CSV. What a report has is text, never markup. Pure, except for templates."""

from __future__ import annotations

import csv
import io
import json
import typing as t
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import jinja2
from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import draw, kind_of_check, visible
from ansible_collections.linklab.docker.plugins.plugin_utils._svg import svg
from markupsafe import Markup

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = t.Any
Record = t.Mapping[str, Json]

_TEMPLATES = Path(__file__).resolve().parents[2] / "roles/lab/templates"
# With more columns than this, the matrix has only a mark in each cell.
_WIDE_GRID = 10
# What a spreadsheet takes for a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@")


def report_files(report: Record) -> dict[str, str]:
    """Return the files of a report by name."""
    image = picture(report)
    # It is scaled down to the page, but not until nobody can read it: then one has to scroll.
    least = int(0.75 * float(image.split('width="', 1)[1].split('"', 1)[0]))
    page = _page("report.html.j2", report=report, picture=Markup(image), least=least, grid=grid(report))  # noqa: S704 - escaped by ElementTree
    return {
        "report.html": page,
        "junit.xml": junit(report),
        "lab.json": json.dumps(report, indent=2) + "\n",
    }


def summary_files(reports: Mapping[str, Record]) -> dict[str, str]:
    """Return the files of a summary of many reports, each by the name of its folder. One without data has no report."""
    rows = [_summary_row(name, report) for name, report in reports.items()]
    passed = sum(row["result"] == "passed" for row in rows)
    return {"summary.html": _page("summary.html.j2", rows=rows, passed=passed), "summary.csv": _csv(rows)}


def lines(text: str) -> str:
    """Return a text in which what cannot be seen is written as an escape, except for the ends of lines."""
    return "\n".join(map(visible, text.split("\n")))


# -- HTML -------------------------------------------------------------------------------------------------------------


def _page(template: str, **variables: Json) -> str:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        finalize=lambda value: lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**variables)


def picture(report: Record) -> str:
    """Return the topology as SVG, with what was proven."""
    return svg(draw(report["topology"], [_as_result(one) for one in report["checks"]]))


def _as_result(check: Record) -> dict[str, Json]:
    return {
        **check,
        "passed": check["status"] == "passed",
        "skipped": check["status"] == "skipped",
        "diagnosis": {"cause": check["cause"]},
    }


def grid(report: Record) -> dict[str, Json]:
    """Return the checks as a matrix: sources by targets with their ports, and in each cell what was proven."""
    cells: dict[str, dict[str, list[Json]]] = {}
    columns: dict[str, None] = {}
    for check in report["checks"]:
        port = f":{check['port']}" if check["port"] else ""
        column = f"{check['target'] or check['host']}{port}"
        columns[column] = None
        kind = kind_of_check(_as_result(check))
        cells.setdefault(check["source"], {}).setdefault(column, []).append({"kind": kind, **check})
    return {"columns": list(columns), "rows": cells, "compact": len(columns) > _WIDE_GRID}


# -- JUnit ------------------------------------------------------------------------------------------------------------


def junit(report: Record) -> str:
    """Return the report in the format that CI servers read, a testcase for each check.

    A lab that could not be brought up has one more, with the error.
    """
    checks = report["checks"]
    counts = {
        "tests": str(len(checks) + bool(report["message"])),
        "failures": str(report["counts"]["failed"]),
        "errors": str(int(bool(report["message"]))),
        "skipped": str(report["counts"]["skipped"]),
        "time": f"{sum(one['seconds'] for one in checks):.3f}",
    }
    root = ET.Element("testsuites", {"name": visible(report["lab"]), **counts})
    suite = ET.SubElement(root, "testsuite", {"name": visible(report["lab"]), **counts})
    if report["time"]:
        suite.set("timestamp", visible(report["time"]).removesuffix("Z"))
    if report["host"]:
        suite.set("hostname", visible(report["host"]))
    if report["points"]:
        properties = ET.SubElement(suite, "properties")
        for name, value in report["points"].items():
            ET.SubElement(properties, "property", {"name": f"points.{name}", "value": f"{value:g}"})
    if report["message"]:
        case = _case(suite, report, "", "the lab is brought up", 0.0)
        _tell(case, "error", "not_brought_up", report["message"])
    for check in checks:
        case = _case(suite, report, check["stage"], title_of(check), check["seconds"])
        if check["status"] == "failed":
            _tell(case, "failure", check["cause"] or "reached", check["message"], check["task"])
        elif check["status"] == "skipped":
            _tell(case, "skipped", "", check["message"])
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def title_of(check: Record) -> str:
    """Return the check's own name, if it has one, and what was checked."""
    port = f":{check['port']}" if check["port"] else ""
    expect = ", unreachable" if check["expect"] == "unreachable" else ""
    what = f"{check['source'] or 'host'} -> {check['host']}{port} ({check['protocol']}{expect})"
    return f"{check['name']}: {what}" if check["name"] else what


def _case(suite: ET.Element, report: Record, stage: str, name: str, seconds: float) -> ET.Element:
    group = ".".join(visible(word) for word in (report["lab"], stage) if word)
    return ET.SubElement(suite, "testcase", {"classname": group, "name": visible(name), "time": f"{seconds:.3f}"})


def _tell(case: ET.Element, tag: str, kind: str, message: str, task: str = "") -> None:
    """Say what became of a testcase. The message has the hint; task: what of it is for Ansible."""
    element = ET.SubElement(case, tag, {"type": visible(kind)} if kind else {})
    element.set("message", visible(message.split("\n", 1)[0]))
    element.text = lines(f"{message}\n\n{task}".strip())


# -- many reports -----------------------------------------------------------------------------------------------------


def _summary_row(name: str, report: Record) -> dict[str, Json]:
    if not report:
        report = {"message": "There is no report: the host was not reached, or the run was interrupted."}
    counts, points = report.get("counts") or {}, report.get("points") or {}
    failed = [one for one in report.get("checks") or () if one["status"] == "failed"]
    return {
        "name": name,
        "lab": report.get("lab", ""),
        "result": report.get("result", "error"),
        "earned": points.get("earned"),
        "points": points.get("possible"),
        "checks": counts.get("checks", 0),
        "passed": counts.get("passed", 0),
        "failed": counts.get("failed", 0),
        "skipped": counts.get("skipped", 0),
        # Only a preview compares what is there with the lab; else a new lab differs by everything it has.
        "drift": len(report.get("changes") or ()) if report.get("preview") else None,
        "message": report.get("message") or (failed[0]["message"] if failed else ""),
        "report": f"{quote(name, safe='', errors='surrogatepass')}/report.html" if "lab" in report else "",
    }


def _csv(rows: Sequence[Record]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = ("name", "lab", "result", "earned", "points", "checks", "passed", "failed", "skipped", "drift", "message")
    writer.writerow(keys)
    writer.writerows([_cell(row[key]) for key in keys] for row in rows)
    return text.getvalue()


def _cell(value: Json) -> str:
    """Return a cell that a spreadsheet takes for a text or a number, and never for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"{value:g}"
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def summary_lines(reports: Mapping[str, Record]) -> list[str]:
    """Return a line for each lab, for the terminal."""
    found = []
    for name, report in reports.items():
        row = _summary_row(name, report)
        parts = [row["result"], f"{row['passed']} of {row['checks']} checks"]
        if row["points"] is not None:
            parts.append(f"{row['earned']:g} of {row['points']:g} points")
        if row["result"] == "error":
            parts = [row["message"].split("\n", 1)[0]]
        found.append(visible(f"{name}: {', '.join(parts)}"))
    return found
