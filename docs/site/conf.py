# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Sphinx for the documentation, which tests/tools/docs builds from a copy of the repository's pages."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from docutils import nodes
from pygments.lexers.special import TextLexer

project = "linklab.docker"
author = "The linklab.docker maintainers"
project_copyright = author
html_title = project

extensions = ["myst_parser", "sphinx_antsibull_ext"]
# Loads nothing from elsewhere, is readable on a phone, and has a dark side.
html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
smartquotes = False
default_role = "any"
nitpicky = True
# Headings are link targets, as they are for code hosts.
myst_heading_anchors = 4
# The report of a lab, if one was made.
html_extra_path = [path for path in ["extra"] if Path(path).exists()]
exclude_patterns = ["extra"]

_ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
_PAGES_OF_ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
_CONTENTS = re.compile(r"^\.\. contents::\n(?:   :.*\n)*", re.MULTILINE)
_PLUGIN_FILE = re.compile(r"\]\((?:\.\./)*plugins/(?:modules|filter)/(\w+)\.py\)")


def _adapt(_app: t.Any, name: str, source: list[str]) -> None:
    """Let links to the file of a module lead to its page, and leave out the contents, which the theme has beside."""
    up = "../" * name.count("/")
    text = _PLUGIN_FILE.sub(rf"]({up}collection/\1_module.rst)", source[0])
    source[0] = _CONTENTS.sub("", text) if name.startswith("collection/") else text


def _of_ansible(_app: t.Any, _env: t.Any, node: t.Any, content: t.Any) -> nodes.reference | None:
    """Let references to ansible-core's own documentation, of which there is no copy here, lead to its site."""
    found = re.match(r"ansible_collections\.ansible\.builtin\.(\w+)_(\w+?)(?:__|$)", node["reftarget"])
    if found:
        page = f"{_ANSIBLE}/collections/ansible/builtin/{found[1]}_{found[2]}.html"
    elif node["reftarget"] in _PAGES_OF_ANSIBLE:
        page = f"{_ANSIBLE}/{_PAGES_OF_ANSIBLE[node['reftarget']]}"
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=page)


def setup(app: t.Any) -> None:
    app.add_lexer("mermaid", TextLexer)
    app.connect("source-read", _adapt)
    app.connect("missing-reference", _of_ansible)
