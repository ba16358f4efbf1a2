# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._apply.progress import PROGRESS_FILE, Done

if t.TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_is_a_list_that_writes_nothing_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROGRESS_FILE, raising=False)
    done = Done[str](3)
    done.extend(["a", "b"])
    assert done == ["a", "b"]
    assert not list(tmp_path.iterdir())


def test_it_writes_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "progress"
    monkeypatch.setenv(PROGRESS_FILE, str(file))
    done = Done[str](100)
    assert file.read_text().split() == ["0", "100"]
    done.extend(["a", "b"])
    done.extend(["c"])
    assert file.read_text().split() == ["3", "100"]


def test_it_neither_follows_nor_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(precious)
    for path in (precious, link):
        monkeypatch.setenv(PROGRESS_FILE, str(path))
        Done[str](1).extend(["a"])
    assert precious.read_text() == "mine"


def test_it_does_not_fail_where_it_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "nowhere" / "progress"))
    done = Done[str](1)
    done.extend(["a"])
    assert done == ["a"]
