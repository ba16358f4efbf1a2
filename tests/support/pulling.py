# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An engine, as far as pulling an image goes."""

from __future__ import annotations

import contextlib
import types
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound

Json = t.Any


class Puller:
    """Has some images, and answers a pull with lines or with an error.

    Attributes:
        there: the images that it has.
        pulls: the requests, as method, path and parameters.
    """

    def __init__(self, *said: str | Exception, there: tuple[str, ...] = ()) -> None:
        self.said, self.there = said, there
        self.pulls: list[tuple[str, str, Json]] = []
        self.connection = Connection(docker_host="unix:///nowhere", timeout=7)

    def image(self, ref: str) -> Json:
        if ref not in self.there:
            raise NotFound(404, "no such image", "GET")
        return {}

    def request(self, method: str, path: str, **options: Json) -> Json:
        self.pulls.append((method, path, options["params"]))
        for one in self.said:
            if isinstance(one, Exception):
                raise one
        return contextlib.nullcontext(types.SimpleNamespace(iter_lines=lambda: iter(self.said)))
