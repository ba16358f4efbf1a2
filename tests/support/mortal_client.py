# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the engine that dies in the middle of a task, as the process of a module can."""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine

Json = t.Any


class KilledError(BaseException):
    """The end of a process, as far as its own code can tell: nothing of it runs any more."""


class MortalClient(Engine):
    """An engine's client that dies before or after its n-th changing request, counted from 0."""

    left = 0
    after = False
    dead = False

    def request(self, method: str, path: str, **options: Json) -> Json:
        if self.dead:
            raise KilledError
        if method == "GET":
            return super().request(method, path, **options)
        self.left -= 1
        if self.left < 0 and not self.after:
            self.dead = True
            raise KilledError
        answer = super().request(method, path, **options)
        if self.left < 0:
            self.dead = True
            raise KilledError
        return answer
