# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Images by name, and pulling them, with the login that the registry wants."""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import EngineError, LinklabError, SpecError
from .mask import mask
from .streams import open_stream

if t.TYPE_CHECKING:
    from .client import Engine


# How images are named (https://github.com/distribution/reference, reference.go and normalize.go): a registry has a dot,
# a port, or is localhost.
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = rf"(?:localhost|(?=[^/]*[.:])(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\]))(?::[0-9]+)?"
_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-f]{32,}"
_NAME = re.compile(
    rf"(?:sha256:)?[0-9a-f]{{64}}|(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?",
    re.ASCII,
)


class NotPulled(LinklabError):
    """An image could not be pulled; the message is what the engine said."""


def image_name(text: str) -> str:
    """Return the name or ID of an image, without spaces around it; raise SpecError if the engine takes it for none."""
    found = text.strip()
    if not _NAME.fullmatch(found):
        raise SpecError(f"{found!r} is not the name of an image; write name:tag, with the name in lower case")
    return found


def full_name(image: str) -> str:
    """Return an image's name with its tag, and without the parts that everybody leaves out."""
    if image.startswith("sha256:"):
        return image
    for prefix in ("index.docker.io/", "docker.io/", "library/"):
        image = image.removeprefix(prefix)
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"


def pull(engine: Engine, image: str) -> None:
    """Pull; the engine may be silent for as long as any other request may take. Raise NotPulled, Unreachable."""
    name = full_name(image)
    try:
        headers = _credentials(name)
        with open_stream(engine, "POST", "/images/create", params={"fromImage": name}, headers=headers) as response:
            for line in response.iter_lines():
                error = json.loads(line).get("error") if line else None
                if error:
                    raise NotPulled(mask(str(error)))
    except EngineError as exc:
        raise NotPulled(exc.explanation) from exc
    except OSError as exc:  # as requests says that nothing came for a while
        raise NotPulled(f"no progress for {engine.connection.timeout} s") from exc


def _credentials(name: str) -> dict[str, str]:
    """Return what C(docker login) left on the host that this runs on, if anything, for an image's registry."""
    try:
        from docker import auth
        from docker.errors import DockerException
    except ImportError:
        # Only the SDK reads it, and most engines are reached without: the engine says what it wants.
        return {}
    try:
        found = auth.resolve_authconfig(auth.load_config(), auth.resolve_repository_name(name)[0])
    except (DockerException, ValueError):
        # A name without a registry that can be told, or a file that nobody can read: the engine says what it wants.
        return {}
    return {"X-Registry-Auth": auth.encode_header(found).decode()} if found else {}
