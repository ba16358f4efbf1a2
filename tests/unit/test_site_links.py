# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of the documentation that lead nowhere are found, and no others."""

from __future__ import annotations

import pytest
from site_links import broken_links


@pytest.mark.parametrize(
    "link, problem",
    [
        ("b.html", ""),
        ("b.html#here", ""),
        ("folder/", ""),
        ("style.css?v=1", ""),
        ("https://example.org/x#y", ""),
        ("data:image/png;base64,AA", ""),
        ("", ""),
        ("c.html", "there is no such file"),
        ("b.html#there", "there is no such place on the page"),
        ("#there", "there is no such place on the page"),
        ("https:///x", "it is not a URL"),
        ("htps://example.org", "it is not a URL"),
        ("http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_links(tmp_path, link, problem):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/index.html").write_text("<p>")
    (tmp_path / "b.html").write_text('<h1 id="here">')
    (tmp_path / "style.css").write_text("")
    (tmp_path / "a.html").write_text(f'<a href="{link}">')
    assert broken_links(tmp_path) == ([f"a.html: {link}: {problem}"] if problem else [])
