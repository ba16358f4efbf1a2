# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Make a probe: with what the source has, else from a helper container in the source's network namespace."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .._engine.exec import Output, Program, run_beside, run_in
from .._engine.images import NotPulled, pull
from .._errors import EngineError, NotFound, Refusal, Unreachable
from .._model.endpoint import canonical
from .look import PATIENCE, look_beside, look_from
from .own_addresses import own_addresses
from .probe_answer import (
    ACCESS_DENIED,
    NOT_CONNECTED,
    ProbeAnswer,
    is_complete,
    parse_listeners,
    parse_processes,
    parse_sockets,
)
from .probe_input import probe_arguments, probe_input
from .probe_script import LISTEN_SCRIPT, PROBE_SCRIPT
from .spec import VERIFYING

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._engine.client import Engine
    from .evidence import Evidence, Peer
    from .spec import Check, Login


@dataclass
class ProbeImages:
    """The images that helpers may be made of.

    Attributes:
        may_pull: whether an image that is missing may be pulled where the check allows it (not in check mode).
        pulled: the images that were pulled.
    """

    may_pull: bool = True
    pulled: list[str] = field(default_factory=list)

    def of(self, engine: Engine, check: Check, *peers: Peer) -> list[tuple[str, str]]:
        """Return the images to try, as reference and name to show: probe_image, else those of the containers, in turn.

        The images of containers are taken by ID: their names may have moved on to other images.
        """
        if check.probe_image:
            self._have(engine, check)
            return [(check.probe_image, check.probe_image)]
        return list({peer.container.raw["Image"]: peer.container.image for peer in peers}.items())

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
            try:
                pull(engine, check.probe_image)
            except NotPulled as exc:
                raise Refusal(f"probe_image {check.probe_image} cannot be pulled: {exc}") from exc
            self.pulled.append(check.probe_image)


def probe(engine: Engine, evidence: Evidence, images: ProbeImages) -> ProbeAnswer:
    """Look from inside the source's network; raise Unreachable where the engine itself does not answer.

    A probe that cannot be made is an answer, too: with I(missing) or I(failed).
    """
    program = _program(evidence, evidence.host, evidence.check.login)
    answer = ProbeAnswer()
    for way in _ways(engine, evidence, images):
        answer = way(program)
        if not (answer.missing or answer.failed):
            return _once_more(evidence, answer, way)
    return answer


def _program(evidence: Evidence, host: str, login: Login) -> Program:
    check = replace(evidence.check, login=login)
    own = sorted(own_addresses(evidence)) if check.protocol == "mysql" else ()
    arguments = probe_arguments(check, canonical(host) or host, own)
    return Program(("sh", "-c", PROBE_SCRIPT, "linklab-probe", *arguments), probe_input(check), PATIENCE)


def _ways(engine: Engine, evidence: Evidence, images: ProbeImages) -> Iterator[Callable[[Program], ProbeAnswer]]:
    """Yield where a probe can be made: in the source, else in helpers.

    A login is for the source, and for the image that the task names: nobody else is given the password.
    """
    source, target = evidence.ends
    yield partial(look_from, engine, source.container.id)
    peers = (source,) if evidence.check.protocol == "mysql" else (source, target)
    for image, shown in images.of(engine, evidence.check, *peers):
        yield partial(look_beside, engine, source.owner.id, image, shown)


def _once_more(evidence: Evidence, answer: ProbeAnswer, way: Callable[[Program], ProbeAnswer]) -> ProbeAnswer:
    """Try a login's other addresses, as a client does that is given a name; and with TLS, which an account may demand.

    An account that demands TLS and gets none is refused like one with a wrong password.
    """
    login = evidence.check.login
    for address in answer.addresses[1:]:
        if answer.session is None or answer.session.error not in NOT_CONNECTED or login.ssl_mode in VERIFYING:
            break
        second = way(_program(evidence, address, login))
        if second.session and second.session.error not in NOT_CONNECTED:
            answer = replace(answer, session=second.session, ms=second.ms)
    if answer.session and answer.session.error == ACCESS_DENIED and login.ssl_mode == "disabled":
        second = way(_program(evidence, evidence.host, replace(login, ssl_mode="preferred")))
        return replace(answer, needs_tls=bool(second.session and second.session.row))
    return answer


def see_listeners(engine: Engine, evidence: Evidence, images: ProbeImages) -> Evidence:
    """Add what listens in the target's network namespace, as far as it can be seen, and the target's processes."""
    source, target = evidence.ends
    program = Program(("sh", "-c", LISTEN_SCRIPT, "linklab-probe", "10"), b"go\n", PATIENCE)
    try:
        output = run_in(engine, target.container.id, program)
        if is_complete(output.stdout):
            return replace(_with_listeners(evidence, output), processes=parse_processes(output.stdout))
    except (EngineError, Unreachable):
        # The target has no shell, or a link of its own is broken: a helper can still see.
        pass
    for image, _shown in images.of(engine, evidence.check, target, source):
        try:
            output = run_beside(engine, target.owner.id, image, program)
        except EngineError:
            continue
        if is_complete(output.stdout):
            return _with_listeners(evidence, output)
    return evidence


def _with_listeners(evidence: Evidence, output: Output) -> Evidence:
    protocol = "udp" if evidence.check.protocol == "udp" else "tcp"
    listeners = parse_listeners(output.stdout, protocol)
    return replace(evidence, listeners=listeners, sockets=parse_sockets(output.stdout))
