# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links of a built site that lead nowhere."""

from __future__ import annotations

import typing as t
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

if t.TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """The links of a page, what it loads, and the places on it that others may link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(value for name in ("id", "name") if tag != "meta" and (value := given.get(name)))
        self.links += [value for name in ("href", "src") if (value := given.get(name)) is not None]


def broken_links(site: Path) -> list[str]:
    """Return the links that lead nowhere, each with its page. Of links to other sites only the form is checked."""
    pages = {path: Page(path) for path in site.resolve().rglob("*.html")}
    return [
        f"{path.relative_to(site.resolve())}: {link}: {problem}"
        for path, page in sorted(pages.items())
        for link in page.links
        if (problem := _what_is_wrong(link, path, pages))
    ]


def _what_is_wrong(link: str, path: Path, pages: dict[Path, Page]) -> str:
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError as exc:
        return str(exc)
    if parts.scheme in ("data", "mailto"):
        return ""
    if parts.scheme or parts.netloc:
        return "" if parts.scheme in ("http", "https") and host and " " not in link else "it is not a URL"
    return _what_is_wrong_here(unquote(parts.path), unquote(parts.fragment), path, pages)


def _what_is_wrong_here(link: str, anchor: str, path: Path, pages: dict[Path, Page]) -> str:
    target = (path.parent / link).resolve() if link else path
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return "there is no such file"
    if target in pages and anchor not in pages[target].anchors:
        return "there is no such place on the page"
    return ""
