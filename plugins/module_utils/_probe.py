# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Make a probe: with what the source has, else from a helper container in the source's network namespace."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    EngineError,
    NotFound,
    Refusal,
    Unreachable,
)
from ansible_collections.linklab.docker.plugins.module_utils._exec import (
    Output,
    Program,
    explain,
    run_beside,
    run_in,
)
from ansible_collections.linklab.docker.plugins.module_utils._probe_answer import (
    Answer,
    is_begun,
    is_complete,
    parse_answer,
    parse_listeners,
    parse_processes,
)
from ansible_collections.linklab.docker.plugins.module_utils._probe_script import (
    LISTEN_SCRIPT,
    PROBE_SCRIPT,
    SCRIPT_SECONDS,
    probe_arguments,
    probe_input,
)

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._check_spec import Check
    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._evidence import Evidence, Peer
    from ansible_collections.linklab.docker.plugins.module_utils._probe_answer import Listener

# The script ends itself; the engine then needs a moment to say so.
_PATIENCE = SCRIPT_SECONDS + 15
# A registry may be slow, and images are large.
_PULL_SECONDS = 600


@dataclass
class Images:
    """The images that helpers may be made of.

    Attributes:
        may_pull: whether an image that is missing may be pulled where the check allows it (not in check mode).
        pulled: the images that were pulled.
    """

    may_pull: bool = True
    pulled: list[str] = field(default_factory=list)

    def of(self, engine: Engine, evidence: Evidence) -> list[tuple[str, str]]:
        """Return the images to try, as reference and name to show: probe_image, else the target's, then the source's.

        The images of containers are taken by ID: their names may have moved on to other images.
        """
        check = evidence.check
        if check.probe_image:
            self._have(engine, check)
            return [(check.probe_image, check.probe_image)]
        found = {peer.container.raw["Image"]: peer.container.image for peer in reversed(evidence.ends)}
        return list(found.items())

    def _have(self, engine: Engine, check: Check) -> None:
        try:
            engine.image(check.probe_image)
        except NotFound:
            if check.pull == "never" or not self.may_pull:
                raise Refusal(
                    f"probe_image {check.probe_image} is not on the engine, and it may not be pulled"
                    f" ({'pull: never' if check.pull == 'never' else 'check mode'})."
                    " Load or build it, or set pull: missing."
                ) from None
            pull(engine, check.probe_image)
            self.pulled.append(check.probe_image)


def pull(engine: Engine, image: str) -> None:
    """Pull an image; raise Refusal."""
    name, _at, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, "latest"
    params = {"fromImage": repository, "tag": digest or tag}
    try:
        response = engine.request("POST", "/images/create", params=params, timeout=_PULL_SECONDS)
    except EngineError as exc:
        raise Refusal(f"probe_image {image} cannot be pulled: {exc.explanation}") from exc
    for line in response.text.splitlines():
        if line.strip() and (problem := json.loads(line).get("error")):
            raise Refusal(f"probe_image {image} cannot be pulled: {problem}")


def probe(engine: Engine, evidence: Evidence, images: Images) -> Answer:
    """Look from inside the source's network; raise Unreachable where the engine itself does not answer.

    A probe that cannot be made is an answer, too: with I(missing) or I(failed).
    """
    check = evidence.check
    source, _target = evidence.ends
    command = ("sh", "-c", PROBE_SCRIPT, "linklab-probe", *probe_arguments(check, evidence.host))
    program = Program(command, probe_input(check), _PATIENCE)
    answer = _in_source(engine, source, program)
    if not (answer.missing or answer.failed):
        return answer
    return _beside(engine, source, program, images.of(engine, evidence), answer)


def _in_source(engine: Engine, source: Peer, program: Program) -> Answer:
    try:
        output = run_in(engine, source.container.id, program)
    except (EngineError, Unreachable) as exc:
        return Answer(failed=explain(exc))
    return _read(output)


def _read(output: Output, where: str = "source", image: str = "") -> Answer:
    if is_complete(output.stdout):
        return parse_answer(output.stdout, where, image)
    if is_begun(output.stdout):
        return Answer(where, image, failed=f"the probe did not end within {SCRIPT_SECONDS} seconds")
    return Answer(where, image, missing="shell")


def _beside(engine: Engine, source: Peer, program: Program, images: list[tuple[str, str]], answer: Answer) -> Answer:
    """Try the images in turn; return the first answer that lacks nothing, else what is known of the failures."""
    tried = []
    for image, shown in images:
        try:
            output = run_beside(engine, source.owner.id, image, program)
        except EngineError as exc:
            # 400: the image has no shell. Others: it is gone, or the source has stopped in the meantime.
            failed = "" if exc.status == 400 else exc.explanation
            tried.append(Answer("helper", shown, missing="shell", failed=failed))
            continue
        found = _read(output, "helper", shown)
        if not (found.missing or found.failed):
            return found
        tried.append(found)
    return tried[-1] if tried else answer


def see_listeners(
    engine: Engine, evidence: Evidence, images: Images
) -> tuple[tuple[Listener, ...] | None, tuple[str, ...]]:
    """Return what listens in the target's network namespace, None if it cannot be seen; and the target's processes."""
    _source, target = evidence.ends
    protocol = "udp" if evidence.check.protocol == "udp" else "tcp"
    program = Program(("sh", "-c", LISTEN_SCRIPT, "linklab-probe", "10"), b"go\n", _PATIENCE)
    try:
        output = run_in(engine, target.container.id, program)
        if is_complete(output.stdout):
            return parse_listeners(output.stdout, protocol), parse_processes(output.stdout)
    except (EngineError, Unreachable):
        # The target has no shell, or a link of its own is broken: a helper can still see.
        pass
    for image, _shown in images.of(engine, evidence):
        try:
            output = run_beside(engine, target.owner.id, image, program)
        except EngineError:
            continue
        if is_complete(output.stdout):
            return parse_listeners(output.stdout, protocol), ()
    return None, ()
