# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Put right what an interrupted run left of a container's replacement, or of a removal of its links."""

from __future__ import annotations

import typing as t

from .._errors import ApplyError, LinklabError, engine_message
from .._model.bridge import on_default_bridge
from .._model.find import find_container
from .._plan.container_actions import FinishUnlink
from .._plan.restorations import Note, RestoreEndpoints
from .._recovery.endpoint_notes import discard, restore_endpoints
from .._recovery.journal import Recover
from .._recovery.names import Verdict
from .._recovery.unlink_mark import mark_name, read_instead
from .bridge_address import release_addresses
from .replacement import finish, roll_back, take_over
from .unlink import as_it_is_now, lost_a_link, return_to_bridge

if t.TYPE_CHECKING:
    from .._engine.client import Engine
    from .._model.state import ContainerState
    from .stages import Executors


def recover(engine: Engine, action: Recover) -> list[str]:
    """Carry out a Recover; return what the user should know."""
    found = action.interrupted
    try:
        if found.verdict is Verdict.BACK:
            rollback = roll_back(engine, found)
            if not rollback.complete:
                raise ApplyError(str(rollback))
            return list(rollback.sentences)
        if found.verdict is Verdict.FINISH:
            return finish(engine, found)
        if found.verdict is Verdict.ADOPT:
            take_over(engine, found)
    except LinklabError as exc:
        text = f"could not {action.describe()}: {engine_message(exc)}. Nothing of it is lost; run the task again"
        raise ApplyError(text, may_have_changed=True) from exc
    return []


def finish_unlink(engine: Engine, action: FinishUnlink) -> None:
    """Complete a removal of links, if its mark was made for this very container; then the mark goes."""
    source, mark = as_it_is_now(engine, action.container), find_container(engine, action.helper)
    if mark is not None and mark.name == mark_name(source):
        _complete(engine, action, source, mark)
    discard(engine, action.helper)


def _complete(engine: Engine, action: FinishUnlink, source: ContainerState, mark: ContainerState) -> None:
    if not on_default_bridge(source):
        return_to_bridge(engine, action.container)
    release_addresses(engine, source.id)
    instead = read_instead(engine, mark.raw, source.id)
    if instead is not None and lost_a_link(engine, source.id, instead.aliases):
        note = Note(mark.id, mark.name, (instead.endpoint,))
        restore_endpoints(engine, RestoreEndpoints(action.reason, action.disruption, note))


RECOVERY_EXECUTORS: Executors = {Recover: recover, FinishUnlink: finish_unlink}
