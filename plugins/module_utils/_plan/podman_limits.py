# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What Podman cannot do, or ignores, behind its compatible socket. Pure.

It answers much that it ignores with a success, so the actions that work are listed, and not those that do not. By
name, so that whoever makes no containers does not load what those actions are.
"""

from __future__ import annotations

import typing as t

from .._errors import Refusal
from .plan import Attach

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .plan import Action

_WORKS = ("attach", "create_network", "detach", "remove_container", "remove_network", "remove_volume")
NO_LINKS = (
    "the engine is Podman, which has no links: it refuses legacy ones and ignores those on networks. Give the target an"
    " alias on a network of both instead (network_attach). Nothing was changed."
)


def check(actions: Iterable[Action]) -> None:
    """Raise Refusal for what Podman would not do, or would ignore."""
    found = [f"{action.describe()} ({why})" for action in actions if (why := _objection(action))]
    if found:
        raise Refusal(
            f"the engine is Podman, and this does not work through its socket: {'; '.join(found)}. Nothing was changed."
        )


def _objection(action: Action) -> str:
    """Return why Podman cannot do it, or an empty string."""
    if action.name == "reattach":
        return f"{action.reason}; it does not tell all settings of the endpoint, so a reconnect would lose some"
    if action.name == "create_container":
        return "it describes containers otherwise than they were wanted, so the next run would take them for different"
    if action.name not in _WORKS:
        return action.reason
    if not isinstance(action, Attach):
        return ""
    # Links, driver_opts and gw_priority are ignored; addresses are taken, but not told as what was asked for.
    options = [name for name, value in action.settings.given().items() if value and name != "aliases"]
    return f"it ignores, or does not tell, {', '.join(options)}" if options else ""
