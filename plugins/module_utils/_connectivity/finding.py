# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The result of a diagnosis, and the phrases that its parts share. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .._engine.logs import in_one_line
from .._engine.mask import mask_of_container
from .causes import CAUSES
from .remedies import attach, to_yaml
from .spec import is_address

if t.TYPE_CHECKING:
    from .evidence import Evidence, Peer

Json = t.Any
Tasks = tuple[dict[str, t.Any], ...]

# The engine waits longer and longer between restarts, until a container has run for this long.
_LOOP_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """Why a check fails.

    Attributes:
        cause: a key of CAUSES.
        message: what is wrong, a clause without a full stop.
        advice: what to do, as sentences.
        tasks: the tasks that would fix it; none if no task can.
        passing: whether it can resolve on its own although the cause usually does not.
    """

    cause: str
    message: str
    advice: str
    tasks: Tasks = field(default=(), compare=False)
    passing: bool = False

    @property
    def band(self) -> str:
        return CAUSES[self.cause].band

    @property
    def lasting(self) -> bool:
        """Whether waiting is of no use."""
        return CAUSES[self.cause].lasting and not self.passing

    @property
    def hint(self) -> str:
        return f"{self.advice}\n\n{to_yaml(self.tasks)}\n" if self.tasks else self.advice

    def as_dict(self) -> dict[str, Json]:
        """Return what a task returns as its diagnosis."""
        return {
            "cause": self.cause,
            "message": self.message,
            "hint": self.hint,
            "task": to_yaml(self.tasks) + "\n" if self.tasks else None,
        }


def networks_of(evidence: Evidence, peer: Peer) -> str:
    """Return such as C(client is on a, b (internal))."""
    shown = [
        f"{name} (internal)" if name in evidence.networks and evidence.networks[name].internal else name
        for name in sorted(peer.networks)
    ]
    return f"{peer.name} is on {', '.join(shown) or 'none'}"


def on_new_network(evidence: Evidence) -> dict[str, Json]:
    """Return the task that attaches both to a network of their own, where the host is a name of the target."""
    source, target = evidence.ends
    host = evidence.host
    own = is_address(host) or host in (target.owner.name, target.owner.short_id)
    ends = (source.owner.name, target.owner.name)
    return attach(f"{target.name}-net", *ends, new=True, alias="" if own else host)


def why_ended(evidence: Evidence, peer: Peer) -> str:
    """Return the exit code and the end of the log."""
    parts = [f"exit code {peer.exit_code}"]
    if peer.state.get("OOMKilled"):
        parts.append("killed for lack of memory")
    if peer.state.get("Error"):
        parts.append(mask_of_container(str(peer.state["Error"]), peer.container.raw))
    log = in_one_line(evidence.log)
    parts.append(f"its log ends with: {log}" if log else "nothing in its log")
    return ", ".join(parts)


def loop_finding(evidence: Evidence, peer: Peer, side: str) -> Finding:
    return Finding(
        f"{side}_restarting",
        f"{peer.name} ends and is restarted again and again ({peer.restarts} restarts, {why_ended(evidence, peer)})",
        "Fix what its log reports: its command, its environment, or its files.",
    )


def looping_side(evidence: Evidence) -> str:
    """Return source or target for one that runs just now, between two restarts; else an empty string."""
    for peer, side in zip(evidence.ends, ("source", "target")):
        if peer.restarts and 0 <= evidence.now - _seconds(str(peer.state.get("StartedAt") or "")) < _LOOP_SECONDS:
            return side
    return ""


def _seconds(moment: str) -> float:
    """C(2026-11-24T02:58:08.466993782Z) as seconds since the epoch; 0 if it is none."""
    try:
        return datetime.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return 0.0
