# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams: what is drawn, and that no name ever becomes syntax."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.plugin_utils._diagram import (
    Drawing,
    Edge,
    GraphError,
    Node,
    dot,
    draw,
    mermaid,
    mermaid_label,
    visible,
)
from hypothesis import example, given
from hypothesis import strategies as st

GRAPH: dict[str, t.Any] = {
    "networks": [
        {"name": "back", "driver": "bridge", "internal": True, "subnets": ["10.0.0.0/24"], "topology": "shop"},
        {"name": "bridge", "driver": "bridge", "topology": ""},
        {"name": "host", "driver": "host", "topology": ""},
        {"name": "none", "driver": "null", "topology": ""},
    ],
    "containers": [
        {"name": "db", "image": "mysql", "status": "running", "health": "healthy", "topology": "shop"},
        {"name": "lone", "image": "box", "status": "exited", "health": "", "topology": "shop"},
        {"name": "probe", "image": "box", "status": "running", "topology": "", "network_mode": "container:db"},
        {"name": "web", "image": "nginx:1.27", "status": "running", "health": "", "topology": "shop"},
    ],
    "endpoints": [
        {"container": "db", "network": "back", "ipv4_address": "10.0.0.2", "ipv6_address": "", "aliases": ["sql"]},
        {"container": "lone", "network": "none", "ipv4_address": "", "aliases": []},
        {"container": "web", "network": "bridge", "ipv4_address": "", "aliases": []},
    ],
    "links": [
        {"source": "web", "target": "db", "alias": "data", "kind": "network", "stale": False},
        {"source": "web", "target": "gone", "alias": "old", "kind": "legacy", "stale": True},
        # The name of a container that is there, but the link leads to the one before it.
        {"source": "web", "target": "lone", "alias": "l", "kind": "legacy", "stale": True},
    ],
}


# -- what is drawn ----------------------------------------------------------------------------------------------------


def test_a_graph_as_a_mermaid_flowchart():
    assert mermaid(draw(GRAPH)) == (
        "flowchart LR\n"
        '    n0(["back<br>10.0.0.0/24<br>internal"])\n'
        '    n1(["bridge"])\n'
        '    c0["db<br>mysql<br>running, healthy"]\n'
        '    c1["lone<br>box<br>exited"]\n'
        '    c2["probe<br>box<br>running"]\n'
        '    c3["web<br>nginx:1.27<br>running"]\n'
        '    m0["gone<br>missing"]\n'
        '    m1["lone<br>missing"]\n'
        '    c0 ---|"10.0.0.2, sql"| n0\n'
        "    c3 --- n1\n"
        '    c2 ==>|"shares the network of"| c0\n'
        '    c3 -.->|"link data"| c0\n'
        '    c3 -.-x|"stale legacy link old"| m0\n'
        '    c3 -.-x|"stale legacy link l"| m1\n'
        "    classDef outside stroke-dasharray:4 4\n"
        "    class n1,c2,m0,m1 outside\n"
    )


def test_a_graph_as_a_graph_of_graphviz():
    assert dot(draw(GRAPH)) == (
        "digraph topology {\n"
        "    rankdir=LR;\n"
        '    n0 [label="back\\n10.0.0.0/24\\ninternal", shape=ellipse];\n'
        '    n1 [label="bridge", shape=ellipse, style=dashed];\n'
        '    c0 [label="db\\nmysql\\nrunning, healthy", shape=box];\n'
        '    c1 [label="lone\\nbox\\nexited", shape=box];\n'
        '    c2 [label="probe\\nbox\\nrunning", shape=box, style=dashed];\n'
        '    c3 [label="web\\nnginx:1.27\\nrunning", shape=box];\n'
        '    m0 [label="gone\\nmissing", shape=box, style=dashed];\n'
        '    m1 [label="lone\\nmissing", shape=box, style=dashed];\n'
        '    c0 -> n0 [label="10.0.0.2, sql", dir=none];\n'
        "    c3 -> n1 [dir=none];\n"
        '    c2 -> c0 [label="shares the network of", style=bold];\n'
        '    c3 -> c0 [label="link data", style=dashed];\n'
        '    c3 -> m0 [label="stale legacy link old", style=dashed, arrowhead=tee];\n'
        '    c3 -> m1 [label="stale legacy link l", style=dashed, arrowhead=tee];\n'
        "}\n"
    )


def test_what_is_taken_out_of_the_lists_is_not_drawn():
    fewer = {**GRAPH, "containers": [one for one in GRAPH["containers"] if one["name"] != "db"]}
    assert {edge.text for edge in draw(fewer).edges} == {"", "stale legacy link old", "stale legacy link l"}
    fewer = {**GRAPH, "networks": []}
    assert not [edge for edge in draw(fewer).edges if edge.kind == "endpoint"]


def test_where_several_topologies_are_drawn_none_is_outside():
    several = {"containers": [{"name": name, "topology": name} for name in ("one", "two", "")]}
    assert not [node for node in draw(several).nodes if node.outside]


def test_an_empty_graph_is_an_empty_diagram():
    assert mermaid(draw({})) == "flowchart LR\n"
    assert dot(draw({})) == "digraph topology {\n    rankdir=LR;\n}\n"


@pytest.mark.parametrize(
    "graph,message",
    [
        ({"containers": {"web": {}}}, "containers must be a list"),
        ({"containers": ["web"]}, "containers[0] lacks name"),
        ({"networks": [{"name": "a"}, {"name": None}]}, "networks[1] lacks name"),
        ({"endpoints": [{"network": "a"}]}, "endpoints[0] lacks container"),
        ({"links": [{"source": "a"}]}, "links[0] lacks target, alias"),
    ],
)
def test_what_is_no_graph_is_one_message(graph, message):
    with pytest.raises(GraphError, match=re.escape(message)):
        draw(graph)


# -- what a name can do -----------------------------------------------------------------------------------------------

HOSTILE = (
    'a"]; x["b',
    "line\nc9[other]\r\u2028\u2029\x85",
    "`md` **bold** _it_ 1. item - item # head",
    "<img src=x onerror=alert(1)>",
    "#quot; &quot; &#34;",
    "end\\",
    'back\\" -> c0; c1 [label="',
    "\\N \\G \\n \\\\",
    "style:#fff; classDef x:#1;",
    "%% comment {{ x }} %%{init: {}}%%",
    "direction TB",
    "www.example.com https://example.com a@b.c",
    "\ud800 \u202e \x00",
    "",
)
names = st.one_of(st.sampled_from(HOSTILE), st.text(), st.from_regex(r"[\"\\#;:\[\]`&<>a-z ]{0,12}"))
nodes = st.builds(
    Node, st.just("c0"), st.sampled_from(["network", "container", "missing"]), st.lists(names, min_size=1).map(tuple)
)
drawings = st.builds(
    lambda node, text, kind: Drawing((node,), (Edge("c0", "c0", kind, (text,)),)),
    nodes,
    names,
    st.sampled_from(["endpoint", "link", "stale", "shares"]),
)

MERMAID_LABEL = r'"((?:[A-Za-z0-9 ._:/,-]|#[0-9]+;|<br>)*)"'
MERMAID_NODE = re.compile(rf"    c0(?:\(\[{MERMAID_LABEL}\]\)|\[{MERMAID_LABEL}\])")
MERMAID_EDGE = re.compile(rf"    c0 (?:---|-\.->|-\.-x|==>)(?:\|{MERMAID_LABEL}\|)? c0")
DOT_LABEL = r'"((?:[^"\\&]|&amp;|\\["\\n])*)"'
DOT_NODE = re.compile(rf"    c0 \[label={DOT_LABEL}, shape=[a-z]+(?:, style=dashed)?\];")
DOT_EDGE = re.compile(rf"    c0 -> c0 \[(?:label={DOT_LABEL}, )?(?:dir=none|style=\w+(?:, arrowhead=tee)?)\];")


def from_mermaid(label: str) -> list[str]:
    """Read a label as Mermaid does."""
    return [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), line) for line in label.split("<br>")]


def from_dot(label: str) -> list[str]:
    """Read a label as Graphviz does."""
    lines = re.sub(r"\\(.)", lambda pair: "\n" if pair[1] == "n" else pair[1], label).split("\n")
    return [line.replace("&amp;", "&") for line in lines]


@given(drawings)
def test_mermaid_has_one_statement_in_each_line_and_the_names_in_labels_alone(drawing):
    lines = mermaid(drawing).splitlines()
    (node,), (edge,) = drawing.nodes, drawing.edges
    assert len(lines) == 3 + 2 * (node.kind == "missing")
    found, line = MERMAID_NODE.fullmatch(lines[1]), MERMAID_EDGE.fullmatch(lines[2])
    assert found, lines[1]
    assert line, lines[2]
    assert from_mermaid(found[1] or found[2] or "") == [visible(text) for text in node.lines]
    assert from_mermaid(line[1] or "") == [visible(edge.text)]
    # Mermaid takes such a line for a style, and its last character away before it parses it.
    assert not [text for text in lines if re.search(r"(style|classDef).*:\S*#.*;", text)]
    # And these for statements as a whole.
    assert not [text for text in lines if re.search(r"direction\s", text)]


@given(drawings)
def test_dot_has_one_statement_in_each_line_and_the_names_in_labels_alone(drawing):
    lines = dot(drawing).splitlines()
    (node,), (edge,) = drawing.nodes, drawing.edges
    assert (len(lines), lines[-1]) == (5, "}")
    found, line = DOT_NODE.fullmatch(lines[2]), DOT_EDGE.fullmatch(lines[3])
    assert found, lines[2]
    assert line, lines[3]
    assert from_dot(found[1]) == [visible(text) for text in node.lines]
    assert from_dot(line[1] or "") == [visible(edge.text)]


@given(names)
@example("\u202e\u200b\ud800\x1b[31m")
def test_what_is_visible_is_one_line_that_can_be_written_to_a_file(name):
    shown = visible(name)
    assert len(shown.splitlines()) <= 1
    assert shown.isprintable()
    assert shown.encode().decode() == shown


@pytest.mark.parametrize(
    "lines,label",
    [
        (["mysql:8.4"], '"mysql:8.4"'),
        (
            ["shop-web_1", "registry.example.org:5000/shop/web:1"],
            '"shop-web_1<br>registry.example.org:5000/shop/web:1"',
        ),
        (["172.18.0.2, db"], '"172.18.0.2, db"'),
        (['a"b'], '"a#34;b"'),
        (["_a_"], '"#95;a#95;"'),
        (["style:1", 'a"b'], '"style#58;1<br>a#34;b"'),
        (["direction TB"], '"direction#32;TB"'),
        (["www.example.org"], '"www#46;example#46;org"'),
        (["a\nb"], '"a#92;nb"'),
        (["é"], '"#233;"'),
    ],
)
def test_a_label_is_as_readable_as_it_may_be(lines, label):
    assert mermaid_label(lines) == label
