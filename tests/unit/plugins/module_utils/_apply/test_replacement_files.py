# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a container's files are carried over, and that nothing mounted into it is ever read."""

from __future__ import annotations

import posixpath
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement_files import (
    FileChange,
    mounts_of,
    select,
)
from hypothesis import given
from hypothesis import strategies as st

MODIFIED, ADDED, DELETED = 0, 1, 2


def selected(*changes: tuple[str, int], mounts: t.Iterable[str] = ()) -> t.Any:
    return select([FileChange(path, kind) for path, kind in changes], mounts)


def test_a_new_folder_is_read_at_once_and_a_changed_one_by_itself():
    made = selected(("/a", MODIFIED), ("/a/b", ADDED), ("/a/b/c", ADDED), ("/a/b/c/d", ADDED), ("/a/f", MODIFIED))
    assert made.wanted == {"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/f"}
    assert made.roots == {"/a": False, "/a/b": True, "/a/f": False}


def test_the_engines_own_files_and_mounts_are_left_alone():
    made = selected(
        *((path, MODIFIED) for path in ("/etc", "/etc/hosts", "/dev", "/dev/x", "/proc/1")),
        *((path, ADDED) for path in ("/data", "/data/db", "/data/db/table", "/data/own", "/tmp/m", "/tmp/mine")),
        mounts=["/data/db/", "/tmp/m"],
    )
    assert made.wanted == {"/etc", "/data", "/data/own", "/tmp/mine"}
    # The folder around the mount is not read with what is in it.
    assert made.roots == {"/etc": False, "/data": False, "/data/own": True, "/tmp/mine": True}


def test_the_program_of_init_is_the_engines_own():
    assert selected(("/sbin", ADDED), ("/sbin/docker-init", ADDED)).roots == {"/sbin": False}


def test_only_the_top_of_what_was_deleted_is_reported():
    made = selected(("/a", DELETED), ("/a/b", DELETED), ("/c", MODIFIED), ("/c/d", DELETED), ("/etc/hosts", DELETED))
    assert made.deleted == ("/a", "/c/d")
    assert made.wanted == {"/c"}


def test_mounts_are_found_wherever_the_description_has_them():
    raw = {
        "Mounts": [{"Destination": "/a"}],
        "HostConfig": {"Tmpfs": {"/b": ""}},
        "Config": {"Volumes": {"/c": {}}},
    }
    assert mounts_of(raw) == {"/a", "/b", "/c"}
    assert mounts_of({"Mounts": None, "HostConfig": {"Tmpfs": None}, "Config": {"Volumes": None}}) == set()


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))


@st.composite
def trees(draw: t.Any) -> tuple[dict[str, int], set[str], set[str]]:
    """Changes as an engine reports them, all paths that exist, and mounts."""
    image = {"/" + "/".join(path) for path in draw(st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=4))}
    image |= {parent for path in image for parent in parents(path)}
    touched = draw(st.sets(PATHS, max_size=8))
    mounts = draw(st.sets(PATHS, max_size=2))
    changes: dict[str, int] = {}
    for path in touched | mounts:
        for one in (path, *parents(path)):
            changes[one] = MODIFIED if one in image else ADDED
    return changes, image | set(changes), mounts


def parents(path: str) -> list[str]:
    found = []
    while (path := posixpath.dirname(path)) != "/":
        found.append(path)
    return found


def below(path: str, places: set[str]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in places)


@given(trees())
def test_all_that_changed_is_read_once_and_no_mount_is(tree):
    changes, existing, mounts = tree
    made = select([FileChange(path, kind) for path, kind in changes.items()], mounts)
    read: list[str] = []
    for root, whole in made.roots.items():
        read += [path for path in existing if path == root or (whole and path.startswith(root + "/"))]
        if whole:
            assert not any(mount == root or mount.startswith(root + "/") for mount in mounts)
    carried = [path for path in read if path in made.wanted]
    assert sorted(carried) == sorted(path for path in changes if not below(path, mounts))
    # A folder comes before what is in it.
    assert list(made.roots) == sorted(made.roots)
