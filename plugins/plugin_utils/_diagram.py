# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A graph as a drawing, and a drawing as text for Mermaid or Graphviz; C(_svg) is the third format. Pure.

What a name holds never gets to be syntax: identifiers are numbers made here, and each text is escaped for the one place
where the language takes any text.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Json = t.Any
NodeKind = t.Literal["network", "container", "missing"]
EdgeKind = t.Literal["endpoint", "link", "stale", "shares", "reached", "isolated", "breached", "failed", "skipped"]
Mark = t.Literal["", "stopped", "unhealthy", "starting"]

# Of these networks every engine has one, so that one without containers is no news.
_OF_THE_ENGINE = ("bridge", "host", "none")


class GraphError(Exception):
    """What was given is no graph."""


@dataclass(frozen=True)
class Node:
    """One box.

    Attributes:
        ident: an identifier in the languages of all formats.
        lines: what stands in it, the name first.
        outside: whether it belongs to others than the one topology that is drawn.
        mark: what keeps a container from serving.
    """

    ident: str
    kind: NodeKind
    lines: tuple[str, ...]
    outside: bool = False
    mark: Mark = ""


@dataclass(frozen=True)
class Edge:
    """One line between two boxes, by their identifiers.

    Attributes:
        words: what is said of it: addresses and aliases, a link's alias, or a phrase for each check.
        numbers: the numbers of the checks that it stands for, from 1.
    """

    tail: str
    head: str
    kind: EdgeKind
    words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return ", ".join(self.words)


@dataclass(frozen=True)
class Drawing:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


# -- a graph as a drawing ---------------------------------------------------------------------------------------------


def draw(graph: Mapping[str, Json], checks: Sequence[Mapping[str, Json]] = ()) -> Drawing:
    """Return the drawing of a graph as the module topology_info returns it; raise GraphError.

    Args:
        checks: elements as RV(results) of the module connectivity has them; one that was not made has C(skipped).

    Edges to containers and networks that are not in the graph's lists are left out, so that whoever takes some of them
    out of the lists gets a smaller drawing.
    """
    containers, endpoints, links = (_entries(graph, key) for key in ("containers", "endpoints", "links"))
    networks = list(_worth_drawing(_entries(graph, "networks"), {end["network"] for end in endpoints}))
    outside = _outside([*networks, *containers])
    nets = _idents("n", (one["name"] for one in networks))
    boxes = _idents("c", (one["name"] for one in containers))
    lost = _idents("m", (link["target"] for link in links if link.get("stale") and link["source"] in boxes))
    nodes = {nets[one["name"]]: _network(nets[one["name"]], one, outside) for one in networks}
    nodes.update({boxes[one["name"]]: _container(boxes[one["name"]], one, outside) for one in containers})
    nodes.update({ident: Node(ident, "missing", (name, "missing")) for name, ident in lost.items()})
    known = {**_by_id(containers, boxes), **boxes}
    others = _idents("x", (name for check in checks for name in _ends(check) if name not in known))
    nodes.update({ident: Node(ident, "missing", (name, "not in this topology")) for name, ident in others.items()})
    return Drawing(
        tuple(nodes.values()),
        (
            *_endpoints(endpoints, boxes, nets),
            *_shares(containers, boxes),
            *_links(links, boxes, lost),
            *_checks(checks, {**known, **others}),
        ),
    )


def _worth_drawing(networks: Iterable[Mapping[str, Json]], used: set[str]) -> Iterator[Mapping[str, Json]]:
    for one in networks:
        # A network of this driver connects nobody.
        if one.get("driver") != "null" and (one["name"] in used or one["name"] not in _OF_THE_ENGINE):
            yield one


def _idents(prefix: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{prefix}{number}" for number, name in enumerate(dict.fromkeys(names))}


def _entries(graph: Mapping[str, Json], key: str) -> list[Mapping[str, Json]]:
    needed = {"endpoints": ("container", "network"), "links": ("source", "target", "alias")}.get(key, ("name",))
    entries = graph.get(key)
    if entries is None:
        return []
    if not isinstance(entries, (list, tuple)):
        raise GraphError(f"{key} must be a list, as linklab.docker.topology_info returns it")
    for number, entry in enumerate(entries):
        missing = [name for name in needed if not isinstance(entry, dict) or not isinstance(entry.get(name), str)]
        if missing:
            raise GraphError(f"{key}[{number}] lacks {', '.join(missing)}")
    return list(entries)


def _outside(entries: Iterable[Mapping[str, Json]]) -> frozenset[str]:
    """Return what marks a node as that of others: nothing if more than one topology is drawn, or none at all."""
    owners = {entry.get("topology") or "" for entry in entries}
    return frozenset({""}) if len(owners - {""}) == 1 else frozenset()


def _network(ident: str, entry: Mapping[str, Json], outside: frozenset[str]) -> Node:
    lines = [entry["name"], *(str(subnet) for subnet in entry.get("subnets") or ())]
    lines += ["internal"] if entry.get("internal") else []
    return Node(ident, "network", tuple(lines), (entry.get("topology") or "") in outside)


def _container(ident: str, entry: Mapping[str, Json], outside: frozenset[str]) -> Node:
    condition = ", ".join(str(entry[key]) for key in ("status", "health") if entry.get(key))
    lines = [line for line in (entry["name"], str(entry.get("image") or ""), condition) if line]
    return Node(ident, "container", tuple(lines), (entry.get("topology") or "") in outside, _mark(entry))


def _mark(entry: Mapping[str, Json]) -> Mark:
    # A planned container has no status.
    if (entry.get("status") or "running") != "running":
        return "stopped"
    health = entry.get("health")
    return t.cast("Mark", health) if health in ("unhealthy", "starting") else ""


def _by_id(containers: Iterable[Mapping[str, Json]], boxes: Mapping[str, str]) -> dict[str, str]:
    """A check may name a container by its ID, or the start of it that Docker shows."""
    ids = {one["name"]: str(one.get("id") or "") for one in containers}
    return {ident: boxes[name] for name, full in ids.items() if full for ident in (full, full[:12])}


def _endpoints(
    endpoints: Iterable[Mapping[str, Json]], boxes: Mapping[str, str], nets: Mapping[str, str]
) -> Iterator[Edge]:
    for end in endpoints:
        if end["container"] in boxes and end["network"] in nets:
            addresses = (end.get("ipv4_address"), end.get("ipv6_address"))
            words = tuple(str(word) for word in (*addresses, *(end.get("aliases") or ())) if word)
            yield Edge(boxes[end["container"]], nets[end["network"]], "endpoint", words)


def _shares(containers: Iterable[Mapping[str, Json]], boxes: Mapping[str, str]) -> Iterator[Edge]:
    for one in containers:
        mode, _colon, name = str(one.get("network_mode") or "").partition(":")
        if mode == "container" and name in boxes:
            yield Edge(boxes[one["name"]], boxes[name], "shares", ("shares the network of",))


def _links(links: Iterable[Mapping[str, Json]], boxes: Mapping[str, str], lost: Mapping[str, str]) -> Iterator[Edge]:
    for link in links:
        stale = bool(link.get("stale"))
        head = (lost if stale else boxes).get(link["target"])
        if link["source"] in boxes and head is not None:
            words = ["stale"] * stale + ["legacy"] * (link.get("kind") == "legacy") + ["link", link["alias"]]
            yield Edge(boxes[link["source"]], head, "stale" if stale else "link", (" ".join(words),))


def kind_of_check(check: Mapping[str, Json]) -> EdgeKind:
    """Return what a check proved, as the kind of its edge."""
    if check.get("skipped"):
        return "skipped"
    if check.get("passed"):
        return "reached" if check.get("reachable") else "isolated"
    return "breached" if check.get("reachable") else "failed"


def _ends(check: Mapping[str, Json]) -> tuple[str, str]:
    """Return who reaches out, and to whom; a check from or to no container has another name there."""
    return str(check.get("source") or "the engine's host"), str(check.get("target") or check.get("host") or "elsewhere")


def _checks(checks: Iterable[Mapping[str, Json]], known: Mapping[str, str]) -> Iterator[Edge]:
    """Yield an edge for all checks between the same two that proved the same."""
    found: dict[tuple[str, str, EdgeKind], list[tuple[int, str]]] = {}
    for number, check in enumerate(checks, 1):
        tail, head = (known[name] for name in _ends(check))
        port = f" {check['port']}" if check.get("port") else ""
        cause = (check.get("diagnosis") or {}).get("cause")
        phrase = f"{check.get('protocol') or 'check'}{port}" + (f": {cause}" if cause else "")
        found.setdefault((tail, head, kind_of_check(check)), []).append((number, phrase))
    for (tail, head, kind), ones in found.items():
        yield Edge(tail, head, kind, tuple(phrase for _n, phrase in ones), tuple(number for number, _p in ones))


# -- a drawing as text ------------------------------------------------------------------------------------------------


def visible(text: str) -> str:
    """Return a text in one line, in which what cannot be seen, such as a line break, is written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


# Words with single marks between them. Mermaid could take whatever else there may be for a quote, an entity, Markdown
# or HTML.
_HARMLESS = re.compile(r"[A-Za-z0-9]+((, |[ ._:/-])[A-Za-z0-9]+)*")
# Except these: Mermaid's Markdown makes a link of the one, and its parser a statement of any line with the other.
_MISREAD = re.compile(r"www\.|direction ", re.IGNORECASE)


def mermaid_label(lines: Iterable[str]) -> str:
    """Return lines as one label in quotes.

    Either all of them are harmless, or every mark in any of them is written as an entity: with an entity behind it, a
    colon after a word such as "style" makes Mermaid cut the statement.
    """
    shown = [visible(line) for line in lines]
    if not all(_HARMLESS.fullmatch(line) and not _MISREAD.search(line) for line in shown):
        shown = ["".join(map(_entity, line)) for line in shown]
    return f'"{"<br>".join(shown)}"'


def _entity(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"#{ord(char)};"


_MERMAID_SHAPES = {"network": "([{}])", "container": "[{}]", "missing": "[{}]"}
_MERMAID_LINES = {
    "endpoint": "---",
    "link": "-.->",
    "stale": "-.-x",
    "shares": "==>",
    "reached": "-->",
    "isolated": "--x",
    "breached": "-->",
    "failed": "--x",
    "skipped": "-.->",
}
_RED = "#cf222e"
_COLORS = {"reached": "#1a7f37", "isolated": "#0969da", "breached": _RED, "failed": _RED, "skipped": "#808080"}


def mermaid(drawing: Drawing) -> str:
    """Return the text of a Mermaid flowchart, one statement in each line."""
    lines = ["flowchart LR"]
    lines += [node.ident + _MERMAID_SHAPES[node.kind].format(mermaid_label(node.lines)) for node in drawing.nodes]
    for edge in drawing.edges:
        label = f"|{mermaid_label([edge.text])}|" if edge.text else ""
        lines.append(f"{edge.tail} {_MERMAID_LINES[edge.kind]}{label} {edge.head}")
    faint = [node.ident for node in drawing.nodes if node.outside or node.kind == "missing"]
    if faint:
        lines += ["classDef outside stroke-dasharray:4 4", f"class {','.join(faint)} outside"]
    for number, edge in enumerate(drawing.edges):
        if edge.kind in _COLORS:
            lines.append(f"linkStyle {number} stroke:{_COLORS[edge.kind]}")
    return "\n    ".join(lines) + "\n"


def dot_text(text: str) -> str:
    """Return a text for within the quotes of a string of Graphviz, which knows backslash escapes and HTML entities."""
    return visible(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


_DOT_SHAPES = {"network": "shape=ellipse", "container": "shape=box", "missing": "shape=box"}
_DOT_LINES = {
    "endpoint": "dir=none",
    "link": "style=dashed",
    "stale": "style=dashed, arrowhead=tee",
    "shares": "style=bold",
    "reached": f'color="{_COLORS["reached"]}", constraint=false',
    "isolated": f'color="{_COLORS["isolated"]}", arrowhead=tee, constraint=false',
    "breached": f'color="{_RED}", constraint=false',
    "failed": f'color="{_RED}", arrowhead=tee, constraint=false',
    "skipped": f'color="{_COLORS["skipped"]}", style=dotted, constraint=false',
}


def dot(drawing: Drawing) -> str:
    """Return the text of a directed graph for Graphviz, one statement in each line."""
    lines = ["digraph topology {", "    rankdir=LR;"]
    for node in drawing.nodes:
        style = ", style=dashed" if node.outside or node.kind == "missing" else ""
        label = "\\n".join(dot_text(line) for line in node.lines)
        lines.append(f'    {node.ident} [label="{label}", {_DOT_SHAPES[node.kind]}{style}];')
    for edge in drawing.edges:
        label = f'label="{dot_text(edge.text)}", ' if edge.text else ""
        lines.append(f"    {edge.tail} -> {edge.head} [{label}{_DOT_LINES[edge.kind]}];")
    return "\n".join([*lines, "}"]) + "\n"
