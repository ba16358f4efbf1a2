# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for an engine, asked for many containers."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = t.Any


class OneByOne:
    container: Callable[[str], Json]

    def inspect_containers(self, refs: Iterable[str]) -> dict[str, Json]:
        found = {}
        for ref in dict.fromkeys(refs):
            with contextlib.suppress(NotFound):
                found[ref] = self.container(ref)
        return found
