# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Put right what an interrupted run left of a container's replacement."""

from __future__ import annotations

import typing as t

from .._errors import ApplyError, LinklabError, said
from .._model.state import start
from .._recovery.find import leave_text
from .._recovery.names import Before, Verdict
from .replacement import Exchange, bring_back, finish

if t.TYPE_CHECKING:
    from .._engine.client import Engine
    from .._recovery.find import Recover


def recover(engine: Engine, action: Recover) -> list[str]:
    """Carry out a Recover; return what the user should know."""
    found = action.interrupted
    exchange = Exchange(found.name, found.old_id, found.new_id, found.before)
    if found.verdict is Verdict.LEAVE:
        raise ApplyError(leave_text(found))
    try:
        if found.verdict is Verdict.BACK:
            back = bring_back(engine, exchange)
            if not back.complete:
                raise ApplyError(str(back))
            return list(back.sentences)
        if found.verdict is Verdict.FINISH:
            return finish(engine, exchange)
        engine.rename(found.new_id, found.name)
        if found.before is not Before.STOPPED:
            start(engine, found.new_id)
    except LinklabError as exc:
        text = f"could not {action.describe()}: {said(exc)}. Nothing of it is lost; run the task again"
        raise ApplyError(text, unsure=True) from exc
    return []
