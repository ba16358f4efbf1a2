# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What an interrupted replacement leaves behind, and what is to become of it. Pure.

A container cannot be given a note while it exists, except by its name. So the names that a replacement uses on its
way hold all that a later run needs to know: whose they are, and how the container was before.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._model.leftover_names import LEFTOVER_NAME

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = t.Any


class Before(str, enum.Enum):
    """How the old container was when its replacement began."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"

    @classmethod
    def of(cls, status: str) -> Before:
        if status == "paused":
            return cls.PAUSED
        return cls.RUNNING if status in ("running", "restarting") else cls.STOPPED


def successor_name(name: str, old_id: str, before: Before) -> str:
    """Return what the successor is called until it takes over."""
    return f"{name}.linklab-new.{old_id[:12]}.{before.value}"


def predecessor_name(name: str, new_id: str, before: Before, policy: str = "") -> str:
    """Return what the old container is called once the successor has taken over. policy: see M(comes_again)."""
    return f"{name}.linklab-old.{new_id[:12]}.{before.value}{policy and '.'}{policy}"


def comes_again(raw: Mapping[str, Json]) -> str:
    """Return the restart policy of a container which an engine that restarts starts although it was stopped, or ""."""
    policy = (raw.get("HostConfig") or {}).get("RestartPolicy") or {}
    name, retries = policy.get("Name") or "", policy.get("MaximumRetryCount") or 0
    if name not in ("always", "on-failure"):
        return ""
    return f"{name}-{retries}" if retries else str(name)


def policy_to_restore(raw: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return the restart policy that a predecessor had before it lost it to its replacement; None if it did not."""
    match = LEFTOVER_NAME.fullmatch(raw["Name"].lstrip("/"))
    there = ((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no"
    if match is None or not match["policy"] or there != "no":
        return None
    return {"Name": match["policy"], "MaximumRetryCount": int(match["retries"] or 0)}


def helper_name(name: str, source_id: str) -> str:
    """Return what the container is called that marks a removal of links (see _recovery/unlink_mark)."""
    return f"{name}.linklab-unlink.{source_id[:12]}"


def prefix(name: str) -> str:
    """Return what the names of everything that a container's replacement leaves begin with."""
    return f"{name}.linklab-"


@dataclass(frozen=True)
class Leftover:
    """A container that only exists while another one is being changed.

    Attributes:
        role: C(new), C(old) or C(unlink).
        peer: the short ID of the container that it belongs to.
    """

    id: str
    name: str
    status: str
    role: str
    peer: str
    before: Before


def read_leftovers(name: str, summaries: Iterable[Mapping[str, Json]]) -> tuple[Leftover, ...]:
    """Return what is left of changes of the container I(name), from the engine's list of containers."""
    found = []
    for raw in summaries:
        for path in raw.get("Names") or ():
            match = LEFTOVER_NAME.fullmatch(path.lstrip("/"))
            if match and match["name"] == name:
                status = raw.get("State") or ""
                before = Before(match["before"] or "stopped")
                role, peer = match["role"], match["peer"]
                found.append(Leftover(raw["Id"], path.lstrip("/"), status, role, peer, before))
    return tuple(sorted(found, key=lambda leftover: leftover.name))


class Verdict(enum.Enum):
    """What is to become of an interrupted replacement."""

    BACK = "the old container comes back"
    FINISH = "the successor stays"
    ADOPT = "the old container is gone, so the successor takes its place"
    LEAVE = "it is not clear what belongs together"


@dataclass(frozen=True)
class Exchange:
    """Two containers that change places. old_id, new_id: empty if that container is gone."""

    name: str
    old_id: str
    new_id: str
    before: Before


@dataclass(frozen=True)
class Interrupted(Exchange):
    """One that did not come to its end. leftover: the name by which it was found."""

    verdict: Verdict
    leftover: str

    @property
    def remains(self) -> str:
        """The ID of the container that will have the name."""
        return self.old_id if self.verdict is Verdict.BACK else self.new_id


def classify(
    name: str, holder: Mapping[str, Json] | None, leftovers: Iterable[Leftover]
) -> tuple[Interrupted | None, Leftover | None]:
    """Return what to do about an interrupted replacement of a container, and the mark of a removal of its links.

    Args:
        name: what the container is called.
        holder: the description of the container that has the name, if there is one.
    """
    left = {leftover.role: leftover for leftover in leftovers}
    new, old, mark = left.get("new"), left.get("old"), left.get("unlink")
    if old is not None:
        return _classify_old(name, holder, new, old), mark
    return None if new is None else _classify_new(name, holder, new), mark


def _classify_new(name: str, holder: Mapping[str, Json] | None, new: Leftover) -> Interrupted:
    if holder is None:
        return Interrupted(name, "", new.id, new.before, Verdict.ADOPT, new.name)
    if holder["Id"].startswith(new.peer):
        return Interrupted(name, holder["Id"], new.id, new.before, Verdict.BACK, new.name)
    return Interrupted(name, "", new.id, new.before, Verdict.LEAVE, new.name)


def _classify_old(name: str, holder: Mapping[str, Json] | None, new: Leftover | None, old: Leftover) -> Interrupted:
    if holder is None:
        new_id = new.id if new is not None and new.id.startswith(old.peer) else ""
        return Interrupted(name, old.id, new_id, old.before, Verdict.BACK, old.name)
    if not holder["Id"].startswith(old.peer):
        return Interrupted(name, old.id, "", old.before, Verdict.LEAVE, old.name)
    # The successor has all that the old one had once it has the name. What it wrote since must not get lost.
    works = old.before is Before.STOPPED or holder["State"]["Status"] in ("running", "paused")
    return Interrupted(name, old.id, holder["Id"], old.before, Verdict.FINISH if works else Verdict.BACK, old.name)
