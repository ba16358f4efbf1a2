# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A drawing as SVG. Pure, the same in every run, and without a program that does the layout.

Networks are vertical buses next to each other, containers are rows. Each endpoint has a line of its own, which ends at
its bus, so that no line has two meanings. Links and checks are brackets on the other side of the containers, each in a
lane of its own where it overlaps with others. All lengths are pixels, and the origin is the top left corner.
"""

from __future__ import annotations

import typing as t
import unicodedata
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import visible

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import Drawing, Edge, EdgeKind, Node

_MARGIN = 20.0
_LINE = 17.0  # from one line of text to the next
_TAP = 24.0  # from one endpoint of a container to the next
_GAP = 14.0  # between two containers
_SLOT = 10.0  # between two ends of brackets at a container
_LANE = 20.0  # between two brackets
_LANES_WIDTH = 460.0  # lanes get narrower rather than take more than this
_BADGE = 16.0
_MOST = {"name": 30, "small": 34, "tap": 40}  # characters shown of a text; a tooltip has all of it
_CHARACTER = {"name": 8.4, "small": 7.3}  # more than the widest common fonts take
_HUES = 6
_MANY = 12  # with more containers each takes a line less

_LEGEND: dict[EdgeKind, str] = {
    "link": "link",
    "stale": "stale link",
    "shares": "shares the network of",
    "reached": "reached, as expected",
    "isolated": "isolated, as expected",
    "breached": "reached, and must not be",
    "failed": "not as expected",
    "skipped": "not checked",
}

_STYLE = """
.ll{--ink:#1f2328;--soft:#59636e;--paper:#fff;--box:#f6f8fa;--rim:#8c959f;--good:#1a7f37;--wall:#0969da;--bad:#cf222e;
--wait:#9a6700;--dim:#8c959f;--link:#1f2328;--hue0:#6e5bd0;--hue1:#a85a00;--hue2:#ad3a8f;--hue3:#0f7c86;--hue4:#7d5c3c;
--hue5:#57606a;background:var(--paper);font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
@media screen and (prefers-color-scheme:dark){.ll{--ink:#e6edf3;--soft:#9aa4af;--paper:#0d1117;--box:#161b22;
--rim:#6e7681;--good:#3fb950;--wall:#58a6ff;--bad:#ff6a63;--wait:#d29922;--dim:#6e7681;--link:#e6edf3;--hue0:#a797ff;
--hue1:#e3a14e;--hue2:#e98acb;--hue3:#4fc3cd;--hue4:#c9a27b;--hue5:#a5b0bb}}
.ll text{fill:var(--ink)}.ll .name{font-size:14px;font-weight:600}.ll .small{font-size:12px;fill:var(--soft)}
.ll .mono{font-family:ui-monospace,"DejaVu Sans Mono",monospace}.ll .halo{paint-order:stroke;stroke:var(--paper);
stroke-width:4px;stroke-linejoin:round}.ll .bus{stroke-width:7;stroke-linecap:round}.ll .core{stroke:var(--paper);
stroke-width:3;stroke-linecap:round}.ll .wire{stroke-width:2;fill:none}.ll .under{stroke:var(--paper);stroke-width:7;
fill:none}.ll .box{fill:var(--box);stroke:var(--rim);stroke-width:1.5}
.ll .dashed{stroke-dasharray:6 4;stroke-linecap:butt}
.ll .container.stopped .box{stroke:var(--bad);stroke-width:2.5;fill:var(--paper)}
.ll .container.unhealthy .box{stroke:var(--bad);stroke-width:2.5}.ll .container.starting .box{stroke:var(--wait)}
.ll .stopped .state,.ll .unhealthy .state{fill:var(--bad);font-weight:600}.ll .starting .state{fill:var(--wait)}
.ll .lamp{fill:var(--good)}.ll .unhealthy .lamp{fill:var(--bad)}.ll .starting .lamp{fill:var(--wait)}
.ll .stopped .lamp{fill:none;stroke:var(--bad);stroke-width:2}
.ll .edge path,.ll .edge line{fill:none;stroke:currentColor;stroke-width:2}.ll .edge polygon{fill:currentColor}
.ll .badge rect{fill:var(--paper);stroke:currentColor;stroke-width:1.5}.ll .badge text{font-size:11px;font-weight:600;
fill:currentColor}.ll .link,.ll .stale,.ll .shares{color:var(--link)}.ll .reached{color:var(--good)}
.ll .isolated{color:var(--wall)}.ll .failed,.ll .breached{color:var(--bad)}.ll .skipped{color:var(--dim)}
.ll .isolated path,.ll .link path{stroke-dasharray:7 4}.ll .stale path,.ll .skipped path{stroke-dasharray:2 4}
.ll .shares path{stroke-width:4}.ll .failed path,.ll .breached path{stroke-width:3}.ll .edge:hover path{stroke-width:5}
""" + "".join(f".ll .hue{hue}{{stroke:var(--hue{hue})}}.ll .dot{hue}{{fill:var(--hue{hue})}}" for hue in range(_HUES))


@dataclass(frozen=True)
class Row:
    """A container, and where it is. lines: what is shown of its texts."""

    node: Node
    lines: tuple[str, ...]
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


@dataclass(frozen=True)
class Bus:
    """A network, and where it is. bottom: that of its last endpoint."""

    node: Node
    x: float
    bottom: float
    hue: int


@dataclass(frozen=True)
class Tap:
    """An endpoint: a line at a height, from a container to a bus."""

    edge: Edge
    x: float
    y: float
    hue: int


@dataclass(frozen=True)
class Bracket:
    """A link or a check: from the height of its source to that of its target, along a lane."""

    edge: Edge
    begin: float
    end: float
    x: float
    badge: float | None = None


@dataclass(frozen=True)
class Layout:
    """Where everything goes. condition: the line of a container that has its status."""

    width: float
    height: float
    box_left: float
    box_right: float
    rows: tuple[Row, ...] = ()
    buses: tuple[Bus, ...] = ()
    taps: tuple[Tap, ...] = ()
    brackets: tuple[Bracket, ...] = ()
    legend: tuple[EdgeKind, ...] = ()
    condition: int = 2


# -- what goes where --------------------------------------------------------------------------------------------------


@dataclass
class _Ends:
    """What is connected to a container, in the order in which it is drawn: to the right, and to the left."""

    taps: list[Edge] = field(default_factory=list)
    slots: list[tuple[Edge, bool]] = field(default_factory=list)


def lay_out(drawing: Drawing) -> Layout:
    """Return where everything goes."""
    taps = [edge for edge in drawing.edges if edge.kind == "endpoint"]
    spans = [edge for edge in drawing.edges if edge.kind != "endpoint"]
    nets, boxes = _order(drawing.nodes, taps)
    ends = _ends(boxes, nets, taps, spans)
    lines = {node.ident: _lines(node, drawing, spans, narrow=len(boxes) > _MANY) for node in boxes}
    rows = _rows(boxes, ends, lines, _MARGIN + max((len(node.lines) for node in nets), default=0) * _LINE + _GAP)
    brackets, left = _brackets(spans, _slots(rows, ends))
    right = left + max((_box_width(row.lines) for row in rows), default=0.0)
    buses, placed, end = _buses(nets, taps, {row.node.ident: row for row in rows}, ends, right + 34)
    used = {edge.kind for edge in spans}
    legend = tuple(kind for kind in _LEGEND if kind in used)
    bottom = max((row.top + row.height for row in rows), default=0.0)
    return Layout(
        max(end, right, 240.0) + _MARGIN,
        max([bottom, *(bus.bottom for bus in buses)]) + (_LINE * len(legend) + 12 if legend else 0) + _MARGIN,
        left,
        right,
        tuple(rows),
        tuple(buses),
        tuple(placed),
        tuple(brackets),
        legend,
        1 if len(boxes) > _MANY else 2,
    )


def _rows(
    boxes: Iterable[Node], ends: Mapping[str, _Ends], lines: Mapping[str, tuple[str, ...]], top: float
) -> list[Row]:
    rows = []
    for node in boxes:
        end, shown = ends[node.ident], lines[node.ident]
        height = max(len(shown) * _LINE + 14, len(end.taps) * _TAP + 8, (len(end.slots) + 1) * _SLOT)
        rows.append(Row(node, shown, top, height))
        top += height + _GAP
    return rows


def _slots(rows: Iterable[Row], ends: Mapping[str, _Ends]) -> dict[tuple[int, bool], float]:
    """Return the height of each end of a bracket, by the bracket's edge and whether it is the head."""
    return {
        (id(edge), is_head): row.middle + (place - (len(ends[row.node.ident].slots) - 1) / 2) * _SLOT
        for row in rows
        for place, (edge, is_head) in enumerate(ends[row.node.ident].slots)
    }


def _brackets(spans: Sequence[Edge], slots: Mapping[tuple[int, bool], float]) -> tuple[list[Bracket], float]:
    """Return the brackets, and where the containers begin that they lead to."""
    bounds = [(slots[id(edge), False], slots[id(edge), True]) for edge in spans]
    lanes, count = _lanes(bounds)
    step = min(_LANE, _LANES_WIDTH / max(count, 1))
    left = _MARGIN + (count * step + 14 if count else 0)
    found = [
        Bracket(edge, begin, end, left - 14 - (lane + 0.5) * step)
        for edge, (begin, end), lane in zip(spans, bounds, lanes)
    ]
    return (_with_badges(found) if step >= _BADGE else found), left


def _order(nodes: Iterable[Node], taps: Iterable[Edge]) -> tuple[list[Node], list[Node]]:
    """Return networks and containers so that what is connected is near: each where the average of its partners is."""
    nets = sorted((node for node in nodes if node.kind == "network"), key=lambda node: node.lines)
    boxes = sorted((node for node in nodes if node.kind != "network"), key=lambda node: (node.kind, node.lines))
    partners: dict[str, list[str]] = {}
    for tap in taps:
        partners.setdefault(tap.tail, []).append(tap.head)
        partners.setdefault(tap.head, []).append(tap.tail)
    for _round in range(4):
        boxes = _near(boxes, nets, partners)
        nets = _near(nets, boxes, partners)
    return nets, _near(boxes, nets, partners)


def _near(ones: list[Node], others: Iterable[Node], partners: Mapping[str, list[str]]) -> list[Node]:
    place = {node.ident: number for number, node in enumerate(others)}

    def key(node: Node) -> tuple[bool, float, tuple[str, ...]]:
        near = [place[ident] for ident in partners.get(node.ident, ())]
        return not near, sum(near) / len(near) if near else 0.0, node.lines

    return sorted(ones, key=key)


def _ends(boxes: Sequence[Node], nets: Sequence[Node], taps: Iterable[Edge], spans: Iterable[Edge]) -> dict[str, _Ends]:
    columns = {node.ident: number for number, node in enumerate(nets)}
    place = {node.ident: number for number, node in enumerate(boxes)}
    ends = {node.ident: _Ends() for node in boxes}
    for tap in sorted(taps, key=lambda tap: columns[tap.head]):
        ends[tap.tail].taps.append(tap)
    for edge in spans:
        ends[edge.tail].slots.append((edge, False))
        ends[edge.head].slots.append((edge, True))
    for ident, end in ends.items():

        def key(slot: tuple[Edge, bool], here: int = place[ident]) -> tuple[bool, int]:
            # What goes far is in the middle, so that it does not cross what goes less far.
            far = place[slot[0].tail if slot[1] else slot[0].head] - here
            return far > 0, -far

        end.slots.sort(key=key)
    return ends


def _lines(node: Node, drawing: Drawing, spans: Iterable[Edge], *, narrow: bool) -> tuple[str, ...]:
    """Return what stands in a box: also its links, since their lanes have no room for a text."""
    names = {one.ident: one.lines[0] for one in drawing.nodes}
    told = ("link", "stale", "shares")
    words = [
        f"{edge.text} \u2192 {names[edge.head]}" for edge in spans if edge.kind in told and edge.tail == node.ident
    ]
    name, *others = node.lines
    if narrow:
        # What is wrong with it comes first, so that it is not cut off.
        others = [", ".join(reversed(others))] if others else []
    return (short(name, _MOST["name"]), *(short(line, _MOST["small"]) for line in (*others, *words)))


def _lanes(spans: Sequence[tuple[float, float]]) -> tuple[list[int], int]:
    """Return the number of the lane of each, the nearest that is free, the shortest first; and how many there are."""
    taken: list[list[tuple[float, float]]] = []
    lanes = [0] * len(spans)
    bounds = [(min(span), max(span)) for span in spans]
    for number in sorted(range(len(spans)), key=lambda one: (bounds[one][1] - bounds[one][0], bounds[one], one)):
        low, high = bounds[number]
        lane = next(
            (lane for lane, others in enumerate(taken) if all(high + 4 < a or b + 4 < low for a, b in others)),
            len(taken),
        )
        if lane == len(taken):
            taken.append([])
        taken[lane].append((low, high))
        lanes[number] = lane
    return lanes, len(taken)


def _buses(
    nets: Sequence[Node], taps: Sequence[Edge], rows: Mapping[str, Row], ends: Mapping[str, _Ends], left: float
) -> tuple[list[Bus], list[Tap], float]:
    """Return the buses, the endpoints, and where the last column ends."""
    buses, placed = [], []
    for number, node in enumerate(nets):
        hue, bottom, width = number % _HUES, _MARGIN + len(node.lines) * _LINE, _header_width(node)
        for edge in (tap for tap in taps if tap.head == node.ident):
            row, mates = rows[edge.tail], ends[edge.tail].taps
            y = row.middle + (mates.index(edge) - (len(mates) - 1) / 2) * _TAP
            placed.append(Tap(edge, left, y, hue))
            bottom = max(bottom, y)
            width = max(width, len(short(edge.text, _MOST["tap"])) * _CHARACTER["small"])
        buses.append(Bus(node, left, bottom, hue))
        left += width + 44
    return buses, placed, left - 34


def _box_width(lines: Sequence[str]) -> float:
    return max(columns(lines[0]) * _CHARACTER["name"], *(columns(one) * _CHARACTER["small"] + 12 for one in lines)) + 24


def _header_width(node: Node) -> float:
    return max(
        columns(short(node.lines[0], _MOST["name"])) * _CHARACTER["name"],
        *(columns(short(line, _MOST["small"])) * _CHARACTER["small"] for line in node.lines),
    )


def _with_badges(brackets: Sequence[Bracket]) -> list[Bracket]:
    """Return brackets with the height of their numbers: in the middle, or near it where another one is."""
    taken: list[tuple[float, float, float]] = []
    found = []
    for one in brackets:
        low, high = sorted((one.begin, one.end))
        half = _badge_width(one.edge.numbers) / 2
        places = [(low + high) / 2 + step * _BADGE / 2 for pair in range(40) for step in (pair, -pair)]
        inside = [y for y in places if low <= y <= high] or places[:1]
        free = (
            y
            for y in inside
            if all(abs(y - other) > _BADGE or abs(one.x - x) > half + wide for x, other, wide in taken)
        )
        y = next(free, inside[0])
        if one.edge.numbers:
            taken.append((one.x, y, half))
        found.append(Bracket(one.edge, one.begin, one.end, one.x, y if one.edge.numbers else None))
    return found


def _is_free(x: float, y: float, half: float, taken: Iterable[tuple[float, float, float]]) -> bool:
    return all(abs(y - other) > _BADGE or abs(x - place) > half + wide for place, other, wide in taken)


# -- texts ------------------------------------------------------------------------------------------------------------


def short(text: str, most: int) -> str:
    """Return a text in one line, cut where it has more than I(most) characters."""
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def columns(text: str) -> int:
    """Return how wide a text is, in letters."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def numbers_text(numbers: Sequence[int]) -> str:
    """Return such as C(1), C(1-3) or C(1, 4)."""
    if len(numbers) > 2:
        together = numbers[-1] - numbers[0] == len(numbers) - 1
        return f"{numbers[0]}\u2013{numbers[-1]}" if together else f"{numbers[0]}, \u2026"
    return ", ".join(map(str, numbers))


def _badge_width(numbers: Sequence[int]) -> float:
    return max(_BADGE, len(numbers_text(numbers)) * 7.0 + 6)


# -- SVG --------------------------------------------------------------------------------------------------------------


def svg(drawing: Drawing) -> str:
    """Return the text of an SVG image that needs nothing else and has a light and a dark look."""
    layout = lay_out(drawing)
    width, height = _text_of(layout.width), _text_of(layout.height)
    counts = ", ".join(
        f"{len(some)} {word}{'' if len(some) == 1 else 's'}"
        for word, some in (("network", layout.buses), ("container", layout.rows))
    )
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "ll",
            "width": width,
            "height": height,
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-label": f"Topology with {counts}",
        },
    )
    ET.SubElement(root, "style").text = _STYLE
    for tap in layout.taps:
        _add(root, "line", "wire", x1=layout.box_right, y1=tap.y, x2=tap.x, y2=tap.y).set("class", f"wire hue{tap.hue}")
    for bus in layout.buses:
        _draw_bus(root, bus)
    for tap in layout.taps:
        _draw_tap(root, tap)
    for bracket in layout.brackets:
        _draw_bracket(root, bracket, layout.box_left, drawing)
    for row in layout.rows:
        _draw_row(root, row, layout)
    for bracket in layout.brackets:
        _draw_badge(root, bracket)
    _draw_legend(root, layout)
    return ET.tostring(root, encoding="unicode") + "\n"


def _add(parent: ET.Element, tag: str, style: str, text: str = "", /, **places: float) -> ET.Element:
    element = ET.SubElement(parent, tag, {name: _text_of(value) for name, value in places.items()})
    if style:
        element.set("class", style)
    element.text = text or None
    return element


def _group(parent: ET.Element, style: str, title: str) -> ET.Element:
    group = ET.SubElement(parent, "g", {"class": style})
    ET.SubElement(group, "title").text = "\n".join(map(visible, title.split("\n")))
    return group


def _text_of(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _draw_bus(root: ET.Element, bus: Bus) -> None:
    dashed = " dashed" if bus.node.outside else ""
    group = _group(root, "network", "\n".join(bus.node.lines))
    ends = {"x1": bus.x, "y1": _MARGIN, "x2": bus.x, "y2": bus.bottom}
    _add(group, "line", "under", **ends)
    _add(group, "line", f"bus hue{bus.hue}{dashed}", **ends)
    if "internal" in bus.node.lines[1:]:
        _add(group, "line", "core", **ends)
    for number, line in enumerate(bus.node.lines):
        style, most = ("name", _MOST["name"]) if number == 0 else ("small mono", _MOST["small"])
        _add(group, "text", style, short(line, most), x=bus.x + 12, y=_MARGIN + 11 + number * _LINE)


def _draw_tap(root: ET.Element, tap: Tap) -> None:
    group = _group(root, "endpoint", tap.edge.text)
    _add(group, "circle", f"dot{tap.hue}", cx=tap.x, cy=tap.y, r=6)
    if tap.edge.text:
        _add(group, "text", "small mono halo", short(tap.edge.text, _MOST["tap"]), x=tap.x + 12, y=tap.y + 4)


def _draw_row(root: ET.Element, row: Row, layout: Layout) -> None:
    node, left = row.node, layout.box_left
    group = _group(root, f"container {node.mark}".rstrip(), "\n".join(node.lines))
    dashed = " dashed" if node.outside or node.kind == "missing" else ""
    box = _add(group, "rect", f"box{dashed}", x=left, y=row.top, width=layout.box_right - left, height=row.height)
    box.set("rx", "6")
    top = row.middle - len(row.lines) * _LINE / 2 + 13
    told = node.kind == "container" and (node.mark or node.lines[-1].startswith("running"))
    condition = min(len(node.lines) - 1, layout.condition) if told else 0
    for number, line in enumerate(row.lines):
        y = top + number * _LINE
        indent = 0.0
        if condition and number == condition:
            _add(group, "circle", "lamp", cx=left + 16, cy=y - 4, r=4)
            indent = 12.0
        style = "name" if number == 0 else "small state" if indent else "small"
        _add(group, "text", style, line, x=left + 12 + indent, y=y)


def _draw_bracket(root: ET.Element, one: Bracket, right: float, drawing: Drawing) -> None:
    names = {node.ident: node.lines[0] for node in drawing.nodes}
    title = f"{names[one.edge.tail]} \u2192 {names[one.edge.head]}: " + "\n".join(one.edge.words)
    group = _group(root, f"edge {one.edge.kind}", title)
    turn = min(8.0, abs(one.end - one.begin) / 2)
    down = turn if one.end > one.begin else -turn
    begin, end, x = one.begin, one.end, one.x
    stop = right - 7
    path = (
        f"M{_text_of(right)} {_text_of(begin)}H{_text_of(x + turn)}"
        f"Q{_text_of(x)} {_text_of(begin)} {_text_of(x)} {_text_of(begin + down)}V{_text_of(end - down)}"
        f"Q{_text_of(x)} {_text_of(end)} {_text_of(x + turn)} {_text_of(end)}H{_text_of(stop)}"
    )
    ET.SubElement(group, "path", {"d": path})
    _draw_head(group, one.edge.kind, right, end)


def _draw_head(group: ET.Element, kind: EdgeKind, right: float, y: float) -> None:
    """Draw the end of a line at its target: an arrow that gets there, or what keeps it from that."""
    if kind == "isolated":
        _add(group, "line", "", x1=right - 6, y1=y - 6, x2=right - 6, y2=y + 6)
    elif kind in ("failed", "stale"):
        for slope in (-5, 5):
            _add(group, "line", "", x1=right - 12, y1=y - slope, x2=right - 2, y2=y + slope)
    else:
        points = ((right - 1, y), (right - 9, y - 4.5), (right - 9, y + 4.5))
        _add(group, "polygon", "").set("points", " ".join(f"{_text_of(x)},{_text_of(py)}" for x, py in points))


def _draw_badge(root: ET.Element, one: Bracket) -> None:
    if one.badge is None:
        return
    group = ET.SubElement(root, "g", {"class": f"badge {one.edge.kind}"})
    wide = _badge_width(one.edge.numbers)
    box = _add(group, "rect", "", x=one.x - wide / 2, y=one.badge - _BADGE / 2, width=wide, height=_BADGE)
    box.set("rx", "8")
    text = _add(group, "text", "", numbers_text(one.edge.numbers), x=one.x, y=one.badge + 4)
    text.set("text-anchor", "middle")


def _draw_legend(root: ET.Element, layout: Layout) -> None:
    top = layout.height - _MARGIN - _LINE * len(layout.legend) + 8
    for number, kind in enumerate(layout.legend):
        y = top + number * _LINE
        group = ET.SubElement(root, "g", {"class": f"edge {kind}"})
        ET.SubElement(group, "path", {"d": f"M{_text_of(_MARGIN)} {_text_of(y)}h30"})
        _draw_head(group, kind, _MARGIN + 38, y)
        _add(group, "text", "small", _LEGEND[kind], x=_MARGIN + 48, y=y + 4)
