# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a diagnosis finds: a cause of the table, worded for the containers at hand. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .causes import CAUSES, VARIANTS
from .remedies import attach, to_yaml
from .spec import is_address

if t.TYPE_CHECKING:
    from .evidence import Evidence

Json = t.Any
Tasks = tuple[dict[str, t.Any], ...]


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


def found(evidence: Evidence, name: str, *tasks: dict[str, Json], passing: bool = False, **facts: Json) -> Finding:
    """Return a cause in the words of the table.

    Args:
        name: a key of CAUSES or of VARIANTS.
        tasks, passing: as in Finding.
        facts: what the words have in braces, besides what is always known.
    """
    cause = name.partition("/")[0]
    message, advice = VARIANTS.get(name) or (CAUSES[cause].message, CAUSES[cause].advice)
    known = {"source": evidence.source, "target": evidence.target, "host": evidence.host, "check": evidence.check}
    words = {**known, "evidence": evidence, **facts}
    return Finding(cause, message.format(**words), advice.format(**words), tasks, passing)


def on_new_network(evidence: Evidence) -> dict[str, Json]:
    """Return the task that attaches both to a network of their own, where the host is a name of the target."""
    source, target = evidence.ends
    host = evidence.host.removesuffix(".")
    own = is_address(host) or host in (target.owner.name, target.owner.short_id)
    ends = (source.owner.name, target.owner.name)
    return attach(f"{target.name}-net", *ends, new=True, alias="" if own else host)
