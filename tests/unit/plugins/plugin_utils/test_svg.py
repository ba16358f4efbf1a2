# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a topology: nothing overlaps, each line ends where it should, and no name becomes markup."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import draw, visible
from ansible_collections.linklab.docker.plugins.plugin_utils._svg import columns, lay_out, numbers_text, short, svg
from hypothesis import given
from hypothesis import strategies as st
from report_cases import HOSTILE, hostile, large, result, told

NS = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{NS}text")]  # noqa: S314 - our own


def classes(picture: str, tag: str = "g") -> list[str]:
    return [element.get("class", "") for element in ET.fromstring(picture).iter(NS + tag)]  # noqa: S314 - our own


# -- what is drawn ----------------------------------------------------------------------------------------------------


def test_networks_containers_endpoints_and_checks():
    picture = svg(draw(told()["graph"], [result("web", "app", 8080)]))
    shown = texts(picture)
    for text in (
        "front",
        "10.0.0.0/24",
        "web",
        "app",
        "running, healthy",
        "10.0.0.2, app",
        "1",
        "reached, as expected",
    ):
        assert text in shown, shown
    assert classes(picture).count("endpoint") == 2
    assert "edge reached" in classes(picture)
    assert "web \u2192 app: tcp 8080" in picture


@pytest.mark.parametrize(
    "check,kind",
    [
        ({"passed": True, "reachable": True}, "reached"),
        ({"passed": True, "reachable": False}, "isolated"),
        ({"passed": False, "reachable": True}, "breached"),
        ({"passed": False, "reachable": False}, "failed"),
        ({"skipped": True}, "skipped"),
    ],
)
def test_what_a_check_proved(check, kind):
    picture = svg(draw(told()["graph"], [{"source": "web", "target": "app", **check}]))
    # The second one is that of the legend.
    assert classes(picture).count(f"edge {kind}") == 2


@pytest.mark.parametrize(
    "entry,mark",
    [({"status": "exited"}, "stopped"), ({"health": "unhealthy"}, "unhealthy"), ({"health": "starting"}, "starting")],
)
def test_what_does_not_serve_is_marked(entry, mark):
    graph = told()["graph"]
    graph["containers"][0].update(entry)
    assert classes(svg(draw(graph))).count(f"container {mark}") == 1


def test_what_does_not_belong_is_dashed():
    graph = told()["graph"]
    graph["containers"][0]["topology"] = ""
    assert classes(svg(draw(graph)), "rect").count("box dashed") == 1


def test_a_check_of_what_is_not_there_or_has_no_name_there():
    picture = svg(draw(told()["graph"], [{"source": "web", "target": "nobody"}, {"source": None, "target": "web"}]))
    assert {"nobody", "not in this topology", "the engine's host"} <= set(texts(picture))


def test_a_check_may_name_a_container_by_its_id():
    graph = told()["graph"]
    graph["containers"][0]["id"] = "a" * 64
    for name in ("a" * 64, "a" * 12):
        assert "not in this topology" not in texts(svg(draw(graph, [{"source": "web", "target": name}])))


def test_links_are_arrows_and_have_their_words_in_the_box():
    graph = told()["graph"]
    graph["links"] = [{"source": "web", "target": "app", "alias": "a", "kind": "legacy", "stale": False}]
    picture = svg(draw(graph))
    assert classes(picture).count("edge link") == 2
    assert "legacy link a \u2192 app" in texts(picture)


def test_nothing_at_all():
    assert texts(svg(draw({}))) == []


# -- where it is drawn ------------------------------------------------------------------------------------------------


def graphs() -> st.SearchStrategy[t.Any]:
    names = st.sampled_from([f"c{number}" for number in range(8)])
    nets = st.sampled_from([f"n{number}" for number in range(4)])
    return st.tuples(
        st.lists(names, unique=True, min_size=1),
        st.lists(nets, unique=True),
        st.sets(st.tuples(names, nets)),
        st.lists(st.tuples(names, names, st.booleans()), max_size=20),
    )


@given(graphs())
def test_nothing_overlaps(given_):
    names, nets, ends, checks = given_
    layout = lay_out(
        draw(
            {
                "containers": [{"name": name} for name in names],
                "networks": [{"name": name, "subnets": ["10.0.0.0/8"]} for name in nets],
                "endpoints": [
                    {"container": one, "network": net, "ipv4_address": "10.9.8.7"} for one, net in sorted(ends)
                ],
            },
            [{"source": one, "target": other, "passed": good, "reachable": True} for one, other, good in checks],
        )
    )
    for above, below in zip(layout.rows, layout.rows[1:]):
        assert above.top + above.height < below.top
    for left, right in zip(layout.buses, layout.buses[1:]):
        assert left.x < right.x
    rows = {row.node.ident: row for row in layout.rows}
    check_taps(layout, rows)
    check_brackets(layout, rows)


def check_taps(layout, rows):
    """Each endpoint has a line of its own, within its container and on its network."""
    buses = {bus.node.ident: bus for bus in layout.buses}
    for tap in layout.taps:
        row, bus = rows[tap.edge.tail], buses[tap.edge.head]
        assert row.top < tap.y < row.top + row.height
        assert tap.x == bus.x
        assert tap.y <= bus.bottom
    assert len({(tap.edge.tail, tap.y) for tap in layout.taps}) == len(layout.taps)


def check_brackets(layout, rows):
    """Each check begins and ends within its containers, nowhere where another one does, and crosses none."""
    for one in layout.brackets:
        for ident, y in ((one.edge.tail, one.begin), (one.edge.head, one.end)):
            assert rows[ident].top < y < rows[ident].top + rows[ident].height
        assert 0 < one.x < layout.box_left
    ends_of = [y for one in layout.brackets for y in (one.begin, one.end)]
    assert len(set(ends_of)) == len(ends_of)
    for number, one in enumerate(layout.brackets):
        upper, lower = sorted((one.begin, one.end))
        for other in layout.brackets[:number]:
            apart = lower < min(other.begin, other.end) or max(other.begin, other.end) < upper
            assert apart or one.x != other.x


def test_it_is_the_same_in_every_run_and_in_any_order():
    graph = large()["graph"]
    picture = svg(draw(graph))
    turned = {kind: list(reversed(entries)) for kind, entries in graph.items() if isinstance(entries, list)}
    assert lines_of(turned) == lines_of(graph)
    assert svg(draw(graph)) == picture


def lines_of(graph: t.Any) -> list[tuple[str, ...]]:
    return [row.node.lines for row in lay_out(draw(graph)).rows]


def test_a_full_mesh_keeps_its_width():
    names = [f"c{number}" for number in range(30)]
    checks = [{"source": one, "target": other} for one in names for other in names if one != other]
    assert lay_out(draw({"containers": [{"name": name} for name in names]}, checks)).box_left < 520


# -- texts ------------------------------------------------------------------------------------------------------------


def test_hostile_names_are_text():
    graph = hostile()["graph"]
    picture = svg(draw(graph, [result("c", f"c{HOSTILE[0]}", 1)]))
    root = ET.fromstring(picture)  # noqa: S314 - our own
    assert {element.tag.removeprefix(NS) for element in root.iter()} <= {
        "svg", "style", "line", "g", "title", "circle", "text", "path", "polygon", "rect",
    }  # fmt: skip
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    titles = {element.text for element in root.iter(f"{NS}title")}
    for text in HOSTILE:
        assert any(f"c{visible(text)}" in (title or "") for title in titles)


@given(st.text(), st.integers(2, 40))
def test_a_short_text_is_one_visible_line(text, most):
    shown = short(text, most)
    assert len(shown) <= most
    assert shown.isprintable()


def test_widths_and_numbers():
    assert columns("ab\u4e2d") == 4
    assert [numbers_text(one) for one in ((1,), (1, 2), (1, 3), (4, 5, 6), (1, 2, 9))] == [
        "1", "1, 2", "1, 3", "4\u20136", "1, \u2026",
    ]  # fmt: skip
