# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a run of a lab, or of a migration, did and proved, as plain data: the content of lab.json. Pure.

Only what is listed here gets into a report, and what others wrote, such as messages, only without the lab's secrets.
"""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine.mask import mask
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.plugin_utils._lab_checks import checks_of, groups, stage_of
from ansible_collections.linklab.docker.plugins.plugin_utils._spec_graph import graph_of_topology, plain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import Check

Json = t.Any
Record = dict[str, Json]

# The part of a graph that a report has.
_GRAPH = {
    "networks": ("name", "driver", "internal", "subnets", "topology"),
    "containers": ("name", "id", "image", "status", "health", "topology", "network_mode"),
    "endpoints": ("container", "network", "ipv4_address", "ipv6_address", "mac_address", "aliases"),
    "links": ("source", "kind", "network", "alias", "target", "stale"),
}
_ACTION = ("action", "subject", "reason", "disruption")


def build(told: Mapping[str, Json]) -> Record:
    """Return the report of a run.

    Args:
        told: what the role lab passes on, see M(lab_report).
    """
    told = plain(dict(told))
    hide = _hider(told)
    topology = _mapping(told, "topology")
    error = hide(_error(told, topology))
    records, criteria = _migrated(told, hide) if told.get("names") is not None else _checked(told, hide, error)
    graph, planned = _graph(told)
    differs = bool(told.get("preview") and topology.get("actions"))
    if told.get("names") is None and not (error or differs) and _untried(records):
        error = "The checks were not made."
    counts = {status: sum(one["status"] == status for one in records) for status in ("passed", "failed", "skipped")}
    return {
        "lab": told["name"],
        **{key: told.get(key) or "" for key in ("host", "time")},
        "preview": bool(told.get("preview")),
        "result": _result(error, counts, differs=differs),
        "message": error,
        "counts": {"checks": len(records), **counts},
        "points": _points(criteria),
        "criteria": criteria,
        "checks": records,
        "changes": [{key: hide(str(one.get(key) or "")) for key in _ACTION} for one in topology.get("actions") or ()],
        "disruption": str(topology.get("disruption") or "none"),
        "planned": planned,
        "topology": graph,
        "engine": _mapping(_mapping(told, "graph"), "engine"),
        "versions": _mapping(told, "versions"),
    }


def _mapping(holder: Mapping[str, Json], key: str) -> Record:
    return dict(holder.get(key) or {})


def _untried(records: Sequence[Record]) -> bool:
    return bool(records) and all(one["status"] == "skipped" for one in records)


def _points(criteria: Sequence[Record]) -> Record | None:
    """Return the sum of the points; None if there are none to earn."""
    given = [one for one in criteria if one["points"] is not None]
    if not given:
        return None
    return {"earned": sum(one["earned"] for one in given), "possible": sum(one["points"] for one in given)}


def _error(told: Mapping[str, Json], topology: Mapping[str, Json]) -> str:
    mistakes = told.get("mistakes")
    if mistakes:
        return "\n".join(["The lab has mistakes. Nothing was changed.", *(f"- {one}" for one in mistakes)])
    if topology.get("failed") or topology.get("unreachable"):
        return str(topology.get("msg") or "The lab could not be brought up.")
    return ""


def _result(error: str, counts: Mapping[str, int], *, differs: bool) -> str:
    if error:
        return "error"
    if counts["failed"]:
        return "failed"
    return "preview" if differs and not counts["passed"] else "passed"


def _hider(told: Mapping[str, Json]) -> Callable[[str], str]:
    """Return what takes the lab's secrets out of a text.

    A password that is the name of its user stays legible: as the name, it is no secret (see M(names_of_users)).
    """
    logins = [one.get("login") or {} for one in told.get("checks") or () if isinstance(one, dict)]
    secrets = {str(login.get("password") or "") for login in logins}
    for container in (told.get("containers") or {}).values():
        variables = container.get("secret_environment") if isinstance(container, dict) else None
        if isinstance(variables, dict):
            secrets.update(str(value) for value in variables.values() if value is not None)
    secrets -= {str(login.get("user") or "root") for login in logins} | {""}
    return lambda text: mask(text, secrets)


def _graph(told: Mapping[str, Json]) -> tuple[Record, bool]:
    """Return what is there; else what is planned, and that it is."""
    found = told.get("graph") or {}
    planned = not found.get("containers") and bool(told.get("containers") or told.get("networks"))
    if planned:
        try:
            found = graph_of_topology({key: told.get(key) for key in ("name", "networks", "containers")})
        except SpecError:
            # The message of the report says what is wrong with it.
            found = {}
    return {
        kind: [{key: one[key] for key in keys if key in one} for one in found.get(kind) or ()]
        for kind, keys in _GRAPH.items()
    }, planned


# -- checks -----------------------------------------------------------------------------------------------------------


def _checked(told: Mapping[str, Json], hide: Callable[[str], str], error: str) -> tuple[list[Record], list[Record]]:
    """Return a record for each check, and one for each element of lab_checks."""
    elements = [one for one in told.get("checks") or () if isinstance(one, dict)]
    proofs = told.get("proofs") or []
    records: list[Record] = []
    criteria: dict[int, Record] = {}
    why = "The lab could not be brought up." if error else "A preview has nothing to look at."
    try:
        for number, (stage, members) in enumerate(groups(elements, stop=told.get("stages") == "stop")):
            checks, numbers = checks_of([elements[one] for one in members], float(told.get("timeout") or 0))
            proof = proofs[number] if number < len(proofs) else {"skipped": True}
            first = len(records) + 1
            found = [{"number": number, **one} for number, one in enumerate(_records(checks, proof, hide, why), first)]
            for one, own in zip(members, numbers):
                criteria[one] = _criterion(elements[one], [found[place] for place in own])
            records += found
            if any(one["status"] == "failed" for one in found):
                why = f"Skipped, since a check of the stage before it is not as expected{_of(stage)}."
    except SpecError:
        # The message of the report says what is wrong with it.
        return [], []
    return records, [criteria[number] for number in sorted(criteria)]


def _of(stage: str) -> str:
    return f" ({stage})" if stage else ""


def _records(
    checks: Sequence[Check], proof: Mapping[str, Json], hide: Callable[[str], str], why: str
) -> Iterator[Record]:
    """Yield what became of each check. proof: the result of the task that made them."""
    results = proof.get("results") or []
    for number, check in enumerate(checks):
        asked = {
            "source": check.source,
            "target": check.target,
            "host": check.host or check.target,
            "port": None if check.protocol == "dns" else check.port,
            "protocol": check.protocol,
            "expect": check.expect,
        }
        if number < len(results):
            yield {**asked, **_outcome(results[number], hide)}
        elif proof.get("skipped"):
            yield {**asked, **_untold("skipped", why)}
        else:
            yield {**asked, **_untold("failed", hide(str(proof.get("msg") or "It was not made.")), "error")}


def _outcome(result: Mapping[str, Json], hide: Callable[[str], str]) -> Record:
    diagnosis = result.get("diagnosis") or {}
    passed, reachable = bool(result.get("passed")), bool(result.get("reachable"))
    # What would connect two that are to be isolated is no help.
    helps = not passed and result.get("expect") != "unreachable"
    attempts = result.get("attempts") or [{"seconds": 0.0}]
    return {
        "host": str(result.get("host") or ""),
        "status": "passed" if passed else "failed",
        "reachable": reachable,
        "path": result.get("path"),
        "address": result.get("address"),
        "cause": diagnosis.get("cause") or ("" if passed or reachable else "error"),
        "message": hide(str(result.get("msg") or "")),
        "hint": hide(str(diagnosis.get("hint") or "")) if helps else "",
        "task": hide(str(diagnosis.get("task") or "")) if helps else "",
        "latency_ms": result.get("latency_ms"),
        "seconds": float(attempts[-1].get("seconds") or 0.0),
    }


def _untold(status: str, message: str, cause: str = "") -> Record:
    return {
        "status": status,
        "reachable": False,
        "path": None,
        "address": None,
        "cause": cause,
        "message": message,
        "hint": "",
        "task": "",
        "latency_ms": None,
        "seconds": 0.0,
    }


def _criterion(element: Mapping[str, Json], records: Sequence[Record]) -> Record:
    """Return what an element of lab_checks is worth: all of its points if all of its checks passed, else none."""
    status = next(
        (one for one in ("failed", "skipped") if any(record["status"] == one for record in records)), "passed"
    )
    points = None if element.get("points") is None else float(element["points"])
    for record in records:
        record.setdefault("stage", stage_of(element))
        record.setdefault("name", str(element.get("name") or ""))
    return {
        "name": str(element.get("name") or ""),
        "stage": stage_of(element),
        "status": status,
        "points": points,
        "earned": (points or 0.0) if status == "passed" else 0.0,
        "checks": [record["number"] for record in records],
    }


# -- a migration ------------------------------------------------------------------------------------------------------


def _migrated(told: Mapping[str, Json], hide: Callable[[str], str]) -> tuple[list[Record], list[Record]]:
    """Return a record for each name of a link, from what M(link_migrate) returns."""
    records = []
    for number, name in enumerate(told["names"], 1):
        tried = name.get("resolves") is not None
        good = tried and name["resolves"] and name.get("reachable") is not False
        records.append(
            {
                "number": number,
                "name": "",
                "stage": "",
                "source": str(name.get("source") or ""),
                "target": str(name.get("target") or ""),
                "host": str(name.get("name") or ""),
                "port": name.get("port"),
                "protocol": "tcp" if name.get("port") else "dns",
                "expect": "reachable",
                **_untold("skipped" if not tried else "passed" if good else "failed", hide(str(name.get("msg") or ""))),
                "reachable": bool(good),
                "address": name.get("address"),
                "cause": "" if good or not tried else "not_reached" if name["resolves"] else "name_not_resolved",
            }
        )
    return records, []
