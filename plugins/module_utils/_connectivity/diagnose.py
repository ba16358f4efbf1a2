# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""From evidence to the cause. Pure.

Called with little evidence it already names the check that fails; called again with the evidence for that check, it
names the cause.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from .._engine.logs import in_one_line
from .._engine.mask import mask_of_container
from .._errors import did_you_mean
from . import remedies
from .causes import BANDS, LAST_BAND
from .diagnose_login import diagnose_login, no_client
from .diagnose_name import diagnose_name
from .diagnose_tcp import diagnose_tcp
from .evidence import BRIDGE, Evidence, NetworkPath, Peer, common, legacy_links, paths, taken_path
from .finding import Finding, Tasks, found, on_new_network
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# The engine waits longer and longer between restarts, until a container has run for this long.
_LOOP_SECONDS = 10.0
# What a stage of the probe needs, and an image that has it. For logins see no_client.
_PROGRAMS = {
    "tcp": ("bash, nc or python3", "busybox:latest"),
    "udp": ("bash or python3", "mysql:latest"),
    "name": ("getent, nslookup or python3", "busybox:latest"),
}


def diagnose(evidence: Evidence) -> Finding | None:
    """Return why the check fails, None if nothing speaks against it (or, before a probe, against probing)."""
    finding = diagnose_state(evidence)
    if finding or evidence.answer is None:
        return finding
    for step in (_no_answer, diagnose_name, diagnose_tcp, diagnose_login):
        finding = step(evidence)
        if finding:
            return finding if finding.lasting else _loop_of_either(evidence) or finding
    return None


# -- the containers ---------------------------------------------------------------------------------------------------


def diagnose_state(evidence: Evidence) -> Finding | None:
    """Return what the state of the containers alone says."""
    check = evidence.check
    return (
        _not_up(evidence, "source", evidence.source, check.source)
        or _not_up(evidence, "target", evidence.target, check.target)
        or _unhealthy(evidence)
        or _no_path(evidence)
    )


def _not_up(evidence: Evidence, side: str, peer: Peer | None, ref: str) -> Finding | None:
    if peer is None:
        return found(evidence, f"{side}_missing", ref=ref, meant=did_you_mean(ref, evidence.known))
    status = peer.container.status
    if status == "running":
        return None
    if status == "paused":
        return found(evidence, f"{side}_paused", remedies.docker("unpause", peer.name), peer=peer)
    if status == "restarting":
        return _loop(evidence, side, peer)
    start, why = remedies.docker("start", peer.name), _why_ended(evidence, peer)
    own = found(evidence, f"{side}_{'created' if status == 'created' else 'exited'}", start, peer=peer, why=why)
    if side == "target" and (links := legacy_links(evidence)):
        return found(evidence, "link_target_stopped", start, alias=links[0][0].alias, own=own)
    return own


def _why_ended(evidence: Evidence, peer: Peer) -> str:
    """Return the exit code and the end of the log."""
    parts = [f"exit code {peer.state.get('ExitCode') or 0}"]
    if peer.state.get("OOMKilled"):
        parts.append("killed for lack of memory")
    if peer.state.get("Error"):
        parts.append(mask_of_container(str(peer.state["Error"]), peer.container.raw))
    log = in_one_line(evidence.log)
    parts.append(f"its log ends with: {log}" if log else "nothing in its log")
    return ", ".join(parts)


def _loop(evidence: Evidence, side: str, peer: Peer) -> Finding:
    return found(evidence, f"{side}_restarting", peer=peer, why=_why_ended(evidence, peer))


def _loop_of_either(evidence: Evidence) -> Finding | None:
    """A container that is restarted again and again runs now and then, for a moment."""
    for side, peer in zip(("source", "target"), evidence.ends):
        started = _seconds(str(peer.state.get("StartedAt") or ""))
        if peer.restarts and 0 <= evidence.now - started < _LOOP_SECONDS:
            return _loop(evidence, side, peer)
    return None


def _seconds(moment: str) -> float:
    """C(2026-11-24T02:58:08.466993782Z) as seconds since the epoch; 0 if it is none."""
    try:
        return datetime.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return 0.0


def _unhealthy(evidence: Evidence) -> Finding | None:
    """An unhealthy target proves nothing about isolation: it may well be reached."""
    check = evidence.check
    _source, target = evidence.ends
    wanted = check.expect == "reachable" or check.cause == "target_unhealthy"
    if target.health != "unhealthy" or not wanted:
        return None
    return found(evidence, "target_unhealthy")


# -- the way between them ---------------------------------------------------------------------------------------------


def _no_path(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    if any(_leads_there(evidence, way) for way in paths(evidence)):
        return _unreached_address(evidence)
    finding = next(_obstacles(evidence, source, target), None)
    if finding:
        return finding
    # The default bridge has no names, so it is the other one that joins.
    here, there = (source, target) if _best_network(target) != BRIDGE else (target, source)
    return found(evidence, "no_common_network", *_join(evidence, here, there), here=here, there=there)


def _obstacles(evidence: Evidence, source: Peer, target: Peer) -> Iterator[Finding]:
    """Yield what is special about a pair without a way, the first that counts first."""
    for side, peer, other in (("source", source, target), ("target", target, source)):
        if peer.mode == "none":
            yield _no_network(evidence, side, peer, other)
    for link, live in legacy_links(evidence):
        if not live:
            yield found(evidence, "link_stale", remedies.renew_link(source.owner.name, link), link=link)
    for network in common(source, target):
        yield from (_phantom(evidence, peer, network) for peer in (source, target) if not _is_made(peer, network))
    if common(source, target) == [BRIDGE]:
        yield found(evidence, "default_bridge_only", *_join(evidence, source, target))
    if source.borrowed:
        yield found(evidence, "source_shares_network", *_join(evidence, source, target))
    if target.borrowed:
        again = remedies.check_again(evidence.check, host=target.owner.name)
        yield found(evidence, "target_shares_network", *_join(evidence, source, target), again)


def _join(evidence: Evidence, here: Peer, there: Peer) -> Tasks:
    """Return the tasks that attach one container to a network of the other, or both to a new one.

    Where the target joins, it gets the host as an alias if that is another name than its own.
    """
    _source, target = evidence.ends
    leave = tuple(
        remedies.detach("none", peer.owner.name) for peer in (here, there) if peer.owner.network_mode == "none"
    )
    network = _best_network(there) if there.networks else BRIDGE
    if network == BRIDGE:
        return (*leave, on_new_network(evidence))
    host = evidence.host
    alias = host if here is target and not is_address(host) and host != target.owner.name else ""
    return (*leave, remedies.attach(network, here.owner.name, alias=alias))


def _leads_there(evidence: Evidence, way: NetworkPath) -> bool:
    """The default bridge is a way for addresses, and for the extra hosts of the source; it has no names."""
    if way.kind != "network" or way.network != BRIDGE or is_address(evidence.host):
        return True
    source, _target = evidence.ends
    extra = (source.owner.raw.get("HostConfig") or {}).get("ExtraHosts") or ()
    return any(entry.partition(":")[0].lower() == evidence.name for entry in extra)


def _best_network(peer: Peer) -> str:
    """A network with names rather than the default bridge."""
    return min(peer.networks, key=lambda name: (name == BRIDGE, name))


def _is_made(peer: Peer, network: str) -> bool:
    return bool(peer.networks[network].endpoint_id)


def _phantom(evidence: Evidence, peer: Peer, network: str) -> Finding:
    attach, why = remedies.attach(network, peer.owner.name), "an attach failed half-way. Its next restart may fail, too"
    return found(evidence, "phantom_endpoint", attach, peer=peer, network=network, why=why)


def _unreached_address(evidence: Evidence) -> Finding | None:
    """The host is an address of the target, but on a network that the source is not on."""
    source, target = evidence.ends
    host = evidence.host
    if not is_address(host) or host not in target.addresses or any(host in way.addresses for way in paths(evidence)):
        return None
    if source.mode == "host" or source.owner.id == target.owner.id:
        return None
    network = next(name for name, end in target.networks.items() if host in (end.ipv4, end.ipv6))
    attach = remedies.attach(network, source.owner.name)
    return found(evidence, "no_common_network/address", attach, network=network, place=evidence.place_of(source))


def _no_network(evidence: Evidence, side: str, peer: Peer, other: Peer) -> Finding:
    name = peer.owner.name
    if peer.owner.network_mode == "none":
        why, how = "its network mode is none", f"Detach {name} from none, then attach it"
    else:
        why, how = "it was detached from all of them", f"Attach {name}"
    # Nothing can be attached that uses the network of its host.
    tasks = _join(evidence, peer, other) if other.mode != "host" else ()
    return found(evidence, f"{side}_no_network", *tasks, peer=peer, other=other, why=why, how=how)


# -- the probe --------------------------------------------------------------------------------------------------------


def _no_answer(evidence: Evidence) -> Finding | None:
    """Return why there is no answer to draw a conclusion from."""
    answer = evidence.seen
    if answer.failed:
        return found(evidence, "probe_failed")
    if not answer.missing:
        return None
    place = f", nor has the image {answer.image}" if answer.image else ""
    if evidence.check.protocol == "mysql":
        return no_client(evidence, place)
    program, image = _PROGRAMS.get(answer.missing, ("a shell", "busybox:latest"))
    again = remedies.check_again(evidence.check, probe_image=image, pull="missing")
    return found(evidence, "no_probe_tool", again, program=program, place=place)


def band_results(evidence: Evidence, finding: Finding | None) -> list[dict[str, object]]:
    """Return the checks that were made: name, passed, detail. The first that fails is the last."""
    results: list[dict[str, object]] = []
    last = LAST_BAND[evidence.check.protocol]
    for band in BANDS:
        failed = finding is not None and finding.band == band
        detail = finding.message if finding and failed else _detail(evidence, band)
        name = "udp" if band == "tcp" and evidence.check.protocol == "udp" else band
        results.append({"name": name, "passed": not failed, "detail": detail})
        if failed or band == last:
            break
    return results


def _detail(evidence: Evidence, band: str) -> str:
    """Return what there is to say of a check that passed."""
    if band in ("source", "target"):
        peer = evidence.source if band == "source" else evidence.target
        return peer.describe() if peer else ""
    answer = evidence.answer
    session = answer.session if answer else None
    version, hostname, user, number = "", "", "", ""
    if session and session.row:
        number, version, hostname, user = session.row
    address = answer.addresses[0] if answer and answer.addresses else ""
    return {
        "path": str(taken_path(evidence, address) or taken_path(evidence) or ""),
        "name": f"{evidence.host} is {', '.join(answer.addresses if answer else ())}",
        "tcp": f"port {evidence.check.port} {'answers' if evidence.check.protocol == 'udp' else 'accepts connections'}",
        "greeting": f"a MySQL server greets{f', version {version}' if version else ''}",
        "login": f"logged in as {user}, connection {number}",
        "identity": f"the hostname of the server is {hostname}",
    }[band]
