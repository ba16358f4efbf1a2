# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs as the role passes them on to a report: passing, failing, a preview, a large one, and one with hostile names."""

from __future__ import annotations

import copy
import typing as t

Json = t.Any

SECRET = "fish-and-chips"

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=https://evil.example/x onerror=alert(1)>",
    "]]></text></svg><b>",
    "{{ 1/0 }}{% raw %}${7*7}",
    "&lt;&amp;&#60;",
    "x" * 200,
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\u202egnp.exe",
    "\ud800\ufffe\x00\x1b[31m\u2028",
    "=HYPERLINK(1)",
    "",
)


def result(source: str, target: str, port: int | None, **more: Json) -> dict[str, Json]:
    """Return a check as the module connectivity returns it: reached, unless there is a cause."""
    cause = more.pop("cause", "")
    return {
        "source": source,
        "target": target,
        "host": target,
        "port": port,
        "protocol": "tcp",
        "expect": "reachable",
        "passed": not cause,
        "reachable": not cause,
        "path": None if cause else "network:front",
        "address": None if cause else "10.0.0.2",
        "latency_ms": None if cause else 4.1,
        "diagnosis": {
            "cause": cause,
            "message": "it is so",
            "hint": "Attach it.\n\n- name: Attach it\n",
            "task": "- name: Attach it\n",
        }
        if cause
        else None,
        "attempts": [{"seconds": 0.25, "cause": cause or None, "answer": ""}],
        "msg": f"{source} -> {target}: {cause or 'reached'}",
        **more,
    }


def told(**more: Json) -> dict[str, Json]:
    """Return a lab of two containers with one check, which passes."""
    base = {
        "name": "shop",
        "host": "lab1",
        "time": "2026-11-29T12:00:00Z",
        "preview": False,
        "networks": {"front": {}},
        "containers": {
            "web": {"image": "nginx", "networks": ["front"], "secret_environment": {"PASSWORD": SECRET}},
            "app": {"image": "app", "networks": ["front"]},
        },
        "checks": [
            {"source": ["web"], "target": ["app"], "port": [8080], "protocol": "tcp", "login": {"password": SECRET}}
        ],
        "stages": "continue",
        "timeout": 30,
        "topology": {
            "actions": [
                {"action": "create_network", "subject": "front", "reason": "it does not exist", "disruption": "none"}
            ],
            "disruption": "none",
        },
        "proofs": [{"results": [result("web", "app", 8080)], "passed": True}],
        "graph": {
            "networks": [{"name": "front", "driver": "bridge", "subnets": ["10.0.0.0/24"], "topology": "shop"}],
            "containers": [
                {"name": name, "image": "box", "status": "running", "health": "healthy", "topology": "shop"}
                for name in ("app", "web")
            ],
            "endpoints": [
                {"container": name, "network": "front", "ipv4_address": f"10.0.0.{number}", "aliases": [name]}
                for number, name in enumerate(("app", "web"), 2)
            ],
            "links": [],
            "engine": {"name": "Docker Engine", "version": "28.5.1", "api_version": "1.51"},
        },
        "mistakes": [],
        "versions": {"linklab.docker": "0.2.0", "ansible-core": "2.21.5"},
    }
    return {**copy.deepcopy(base), **more}


def failing(**more: Json) -> dict[str, Json]:
    """Return a lab with three stages: the first passes, the second does not, and so the third is skipped."""
    checks = [
        {"name": "Names", "stage": "one", "points": 2, "source": ["web"], "target": ["app"], "protocol": "dns"},
        {"stage": "two", "points": 3, "source": ["web"], "target": ["app"], "port": [80, 81], "protocol": "tcp"},
        {"stage": "three", "points": 4, "source": ["app"], "target": ["web"], "protocol": "dns"},
    ]
    proofs = [
        {"results": [result("web", "app", None, protocol="dns")], "passed": True},
        {"results": [result("web", "app", 80), result("web", "app", 81, cause="port_closed")], "passed": False},
    ]
    return told(checks=checks, proofs=proofs, stages="stop", **more)


def preview(**more: Json) -> dict[str, Json]:
    """Return a lab in check mode that does not exist yet."""
    return told(preview=True, proofs=[{"skipped": True}], graph={}, **more)


def hostile(**more: Json) -> dict[str, Json]:
    """Return a lab in which every text that somebody else chooses is an attack."""
    bad = HOSTILE[0]
    graph: dict[str, Json] = {
        "networks": [
            {"name": f"n{text}", "driver": "bridge", "subnets": [text], "labels": {text: text}, "topology": "shop"}
            for text in HOSTILE
        ],
        "containers": [
            {"name": f"c{text}", "image": text, "status": text, "health": text, "topology": text} for text in HOSTILE
        ],
        "endpoints": [
            {"container": f"c{text}", "network": f"n{text}", "ipv4_address": text, "aliases": [text, bad]}
            for text in HOSTILE
        ],
        "links": [
            {"source": f"c{text}", "target": f"c{bad}", "alias": text, "kind": "network", "stale": False}
            for text in HOSTILE
        ],
        "engine": {"name": bad, "version": bad, "api_version": bad},
    }
    checks = [
        {"name": text, "stage": text, "points": 1, "source": ["web"], "target": [text], "host": "db"}
        for text in HOSTILE
        if text
    ]
    results = [
        result("web", text, 3306, cause="mysql_error", msg=f"{text}\n{text}", path=text, address=text, host=text)
        for text in HOSTILE
        if text
    ]
    for one in results:
        one["diagnosis"] = dict.fromkeys(("cause", "message", "hint", "task"), one["msg"])
    actions = [dict.fromkeys(("action", "subject", "reason", "disruption"), text) for text in HOSTILE]
    return told(
        name=bad,
        host=bad,
        checks=checks,
        proofs=[{"results": results, "passed": False}],
        graph=graph,
        topology={"actions": actions, "failed": True, "msg": "\n".join(HOSTILE)},
        versions={bad: bad},
        **more,
    )


def large(containers: int = 50, networks: int = 6) -> dict[str, Json]:
    """Return a lab of many containers, each on one network or two, with a check between neighbours."""
    nets = [f"zone-{number}" for number in range(networks)]
    names = [f"node-{number:02d}" for number in range(containers)]
    zones = [number * networks // containers for number in range(containers)]
    endpoints = [
        {"container": name, "network": nets[zone], "ipv4_address": f"10.0.{zone}.{number}", "aliases": [f"n{number}"]}
        for number, name in enumerate(names, 2)
        for zone in sorted({zones[number - 2], (zones[number - 2] + (number % 8 == 0)) % networks})
    ]
    results = [
        result(one, other, 80, **({} if number % 3 else {"cause": "no_common_network", "expect": "unreachable"}))
        for number, (one, other) in enumerate(zip(names, names[1:]))
    ]
    for number, one in enumerate(results):
        one["passed"] = number % 16 != 0
    return told(
        name="large",
        checks=[
            {
                "source": [one["source"]],
                "target": [one["target"]],
                "port": [80],
                "protocol": "tcp",
                "expect": one["expect"],
            }
            for one in results
        ],
        proofs=[{"results": results, "passed": False}],
        graph={
            "networks": [
                {
                    "name": name,
                    "driver": "bridge",
                    "subnets": [f"10.0.{zone}.0/24"],
                    "internal": zone == 5,
                    "topology": "large",
                }
                for zone, name in enumerate(nets)
            ],
            "containers": [
                {
                    "name": name,
                    "image": "linklab-test/busybox",
                    "status": "exited" if number == 20 else "running",
                    "health": "unhealthy" if number == 33 else "",
                    "topology": "" if number == 40 else "large",
                }
                for number, name in enumerate(names)
            ],
            "endpoints": endpoints,
            "links": [],
            "engine": {"name": "Docker Engine", "version": "28.5.1", "api_version": "1.51"},
        },
    )
