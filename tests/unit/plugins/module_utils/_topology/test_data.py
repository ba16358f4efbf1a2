# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a replacement of a container leaves behind."""

from __future__ import annotations

import shlex
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from topology_model import converge, new_engine, plan

Json = t.Any

# The model names an anonymous volume by its place.
ANONYMOUS = b"/data".hex().ljust(64, "0")


def lab(volumes: list[str] | None, **options: Json) -> dict[str, Json]:
    given_ = {} if volumes is None else {"volumes": volumes}
    return {"name": "lab", "networks": {}, "containers": {"web": {"image": "plain", **given_, **options}}}


def told(before: list[str], after: list[str] | None, image: str = "plain", **options: Json) -> list[str]:
    engine = new_engine()
    converge(engine, lab(before, image=image))
    return list(plan(engine, lab(after, **{"image": image, "environment": {"A": "1"}, **options})).warnings)


@pytest.mark.parametrize(
    "before, after, old, new, mounts",
    [
        ("/data", "d1:/data", f"the volume {ANONYMOUS}", "the volume d1 there", [f"{ANONYMOUS}:/from:ro", "d1:/to"]),
        ("d1:/data", "d2:/data", "the volume d1", "the volume d2 there", ["d1:/from:ro", "d2:/to"]),
        ("/srv/a b:/data", "d1:/data", "the folder /srv/a b of the host", "the volume d1 there", ["/srv/a b:/from:ro"]),
        ("d1:/data", "/srv/x:/data", "the volume d1", "the folder /srv/x of the host there", ["/srv/x:/to"]),
        ("/srv/x:/data", "/data", "the folder /srv/x of the host", "a new volume there", ["--volumes-from", "web"]),
        ("d1:/data:ro", "/data", "the volume d1", "a new volume there", ["d1:/from:ro", "/data/"]),
        ("/data", "/moved", f"the volume {ANONYMOUS}", "a new volume at /moved", [f"{ANONYMOUS}:/from:ro", "/moved/"]),
        ("/data", "d1:/moved", f"the volume {ANONYMOUS}", "the volume d1 at /moved", ["d1:/to"]),
    ],
)
def test_what_is_left_is_named_with_the_command_that_copies_it(before, after, old, new, mounts) -> None:
    (warning,) = told([before], [after])
    text, command = warning.split(": docker stop web && ")
    assert text.startswith(f"recreating web leaves {old} behind, mounted at /data until now; its successor has {new}. ")
    assert set(mounts) <= set(shlex.split(command))
    assert command.endswith(" && docker start web")


@pytest.mark.parametrize(
    "before, after",
    [
        (["d1:/data"], ["d1:/data:ro"]),
        (["d1:/data"], ["d1:/moved"]),
        (["d1:/a", "d2:/b"], ["d2:/a", "d1:/b"]),
        (["/data"], ["/data"]),
        (["/data"], None),
        (["d1:/data"], None),
        ([], ["d1:/data"]),
        # Where the user put it, it is found again.
        (["/srv/x:/data"], []),
        (["/srv/x:/data"], ["/srv/y:/data"]),
    ],
)
def test_what_goes_on_or_lies_where_the_user_put_it_is_not_reported(before, after) -> None:
    assert told(before, after) == []


def test_a_volume_that_nothing_takes_the_place_of() -> None:
    (warning,) = told(["d1:/data"], [])
    assert warning == (
        "recreating web leaves the volume d1 behind, mounted at /data until now, and nothing takes its place; d1:/data"
        " among its volumes mounts it again"
    )
    (first, second) = told(["d1:/data", "/data2"], ["d3:/moved"])
    # Which of the two it is that moved, nobody can tell.
    assert "nothing takes its place" in first
    assert "nothing takes its place" in second


def test_a_volume_that_another_container_mounts_is_not_left() -> None:
    engine = new_engine()
    task = lab(["d1:/data"])
    task["containers"]["db"] = {"image": "plain", "volumes": ["d1:/data"]}
    converge(engine, task)
    task["containers"]["web"]["volumes"] = []
    assert plan(engine, task).warnings == ()


def test_places_that_the_image_declares() -> None:
    # Its volume goes on, be it that the new image does not declare it.
    assert told([], [], image="server") == []
    engine = new_engine()
    converge(engine, lab([], image="server"))
    assert plan(engine, lab([], image="plain")).warnings == ()
    # What is given there no more is followed by a new volume of the image.
    (warning,) = told(["d1:/var/lib/server"], [], image="server")
    assert "its successor has a new volume there" in warning


def test_volumes_of_other_containers_go_on() -> None:
    engine = new_engine()
    converge(engine, lab(["d1:/data"]))
    (raw,) = engine.raw.values()
    engine.create_container("other", {"Image": "plain", "HostConfig": {"Binds": ["theirs:/theirs"]}})
    raw["HostConfig"]["VolumesFrom"] = ["other"]
    raw["Mounts"].append({"Type": "volume", "Name": "theirs", "Destination": "/theirs", "RW": True})
    (warning,) = plan(engine, lab(["d2:/data"])).warnings
    assert "leaves the volume d1 behind" in warning


_places = st.sampled_from(["/a", "/b", "/var/lib/server"])
_sources = st.sampled_from(["", "d1:", "d2:", "d3:"])
_volumes = st.dictionaries(_places, _sources).map(lambda found: [f"{source}{place}" for place, source in found.items()])


@settings(deadline=None)
@given(_volumes, _volumes, st.sampled_from(["plain", "server"]))
def test_each_volume_either_goes_on_or_is_named(before: list[str], after: list[str], image: str) -> None:
    engine = new_engine()
    converge(engine, lab(before, image=image))
    (old,) = engine.raw.values()
    warnings = converge(engine, lab(after, image=image)).warnings
    (new,) = engine.raw.values()
    there = {mount["Name"] for mount in new["Mounts"]}
    for mount in old["Mounts"]:
        # An anonymous volume that is made where one was left would have the same name here; none is.
        named = any(f"leaves the volume {mount['Name']} behind" in warning for warning in warnings)
        assert named == (mount["Name"] not in there)
