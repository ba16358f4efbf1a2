# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""From what is known about a check to the cause of its failure: a sentence, a hint, a task. Pure.

Called with little evidence it already names the check that fails; called again with the evidence for that check, it
names the cause.
"""

from __future__ import annotations

from .._errors import did_you_mean
from . import remedies
from .causes import BANDS, LAST_BAND
from .diagnose_login import diagnose_login, no_client
from .diagnose_name import diagnose_name
from .diagnose_tcp import diagnose_tcp
from .evidence import BRIDGE, Evidence, NetworkPath, Peer, common, legacy_links, paths, taken_path
from .finding import Finding, Tasks, loop_finding, looping_side, networks_of, on_new_network, why_ended
from .spec import is_address

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
    for step in (diagnose_probe, diagnose_name, diagnose_tcp, diagnose_login):
        finding = step(evidence)
        if finding:
            # A container that is restarted again and again runs now and then, for a moment.
            side = looping_side(evidence) if not finding.lasting else ""
            peer = evidence.source if side == "source" else evidence.target
            return loop_finding(evidence, peer, side) if side and peer else finding
    return None


def diagnose_state(evidence: Evidence) -> Finding | None:
    """Return what the state of the containers alone says."""
    for peer, side, ref in (
        (evidence.source, "source", evidence.check.source),
        (evidence.target, "target", evidence.check.target),
    ):
        if peer is None:
            return Finding(
                f"{side}_missing",
                f"there is no container {ref}{did_you_mean(ref, evidence.known)}",
                f"Correct the name of the {side}, or create the container first.",
            )
        if peer.container.status not in ("running", "paused"):
            return _not_running(evidence, peer, side)
        if peer.container.status == "paused":
            return Finding(
                f"{side}_paused",
                f"{peer.name} is paused: its processes are frozen",
                "Unpause it.",
                (remedies.docker("unpause", peer.name),),
            )
    return _unhealthy(evidence) or _no_path(evidence)


def _not_running(evidence: Evidence, peer: Peer, side: str) -> Finding:
    status = peer.container.status
    if status == "restarting":
        return loop_finding(evidence, peer, side)
    if status == "created":
        words = "was created and never started"
        advice = "Start it."
    else:
        words = f"has ended ({status}, {why_ended(evidence, peer)})"
        advice = "Fix what its log reports, then start it."
    if side == "target" and evidence.source and (links := legacy_links(evidence)):
        return Finding(
            "link_target_stopped",
            f"{evidence.source.name} has a legacy link to {peer.name} (as {links[0][0].alias}), and {peer.name} {words}"
            f". Until it runs, nothing can be executed in {evidence.source.name}, which cannot be restarted either",
            advice,
            (remedies.docker("start", peer.name),),
        )
    cause = f"{side}_created" if status == "created" else f"{side}_exited"
    return Finding(cause, f"{peer.name} {words}", advice, (remedies.docker("start", peer.name),))


def _unhealthy(evidence: Evidence) -> Finding | None:
    """An unhealthy target proves nothing about isolation: it may well be reached."""
    check = evidence.check
    _source, target = evidence.ends
    wanted = check.expect == "reachable" or check.cause == "target_unhealthy"
    if target.health != "unhealthy" or not wanted:
        return None
    output = f": {target.last_check}" if target.last_check else ", which has no output"
    return Finding(
        "target_unhealthy",
        f"the engine calls {target.name} unhealthy. The last healthcheck{output}",
        "Fix what the healthcheck reports. If the healthcheck itself is wrong, recreate the container with a"
        " better one.",
    )


def _no_path(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    if any(_leads_there(evidence, way) for way in paths(evidence)):
        return _unreached_address(evidence)
    for peer, side, other in ((source, "source", target), (target, "target", source)):
        if peer.mode == "none":
            return _no_network(evidence, peer, side, other)
    for find in (_stale_link, _phantom, _bridge_only, _borrowed):
        finding = find(evidence)
        if finding:
            return finding
    # The default bridge has no names, so it is the other one that joins.
    here, there = (source, target) if _best_network(target) != BRIDGE else (target, source)
    return Finding(
        "no_common_network",
        f"{source.name} and {target.name} have no network in common: {networks_of(evidence, source)};"
        f" {networks_of(evidence, target)}",
        f"Attach {here.name} to a network of {there.name}.",
        _join(evidence, here, there),
    )


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


def _unreached_address(evidence: Evidence) -> Finding | None:
    """The host is an address of the target, but on a network that the source is not on."""
    source, target = evidence.ends
    host = evidence.host
    if not is_address(host) or host not in target.addresses or any(host in way.addresses for way in paths(evidence)):
        return None
    if source.mode == "host" or source.owner.id == target.owner.id:
        return None
    network = next(name for name, end in target.networks.items() if host in (end.ipv4, end.ipv6))
    return Finding(
        "no_common_network",
        f"{host} is the address of {target.name} on {network}, which {source.name} is not on:"
        f" {networks_of(evidence, source)}",
        f"Use the name of {target.name} on a common network as host, or attach {source.name} to {network}.",
        (remedies.attach(network, source.owner.name),),
    )


def _no_network(evidence: Evidence, peer: Peer, side: str, other: Peer) -> Finding:
    why = "its network mode is none" if peer.owner.network_mode == "none" else "it was detached from all of them"
    advice = f"Attach {peer.owner.name} to a network of {other.name}."
    if peer.owner.network_mode == "none":
        advice = f"Detach {peer.owner.name} from none, then attach it to a network of {other.name}."
    return Finding(
        f"{side}_no_network",
        f"{peer.name} has no network: {why}",
        advice,
        # Nothing can be attached that uses the network of its host.
        _join(evidence, peer, other) if other.mode != "host" else (),
    )


def _stale_link(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    for link, live in legacy_links(evidence):
        if not live:
            return Finding(
                "link_stale",
                f"{source.owner.name} has a legacy link to {target.name} (as {link.alias}), but {target.name} was"
                " replaced since by another container of that name. The source's hosts file still has the address of"
                f" the old one, nothing can be executed in {source.name}, and it cannot be restarted",
                f"Renew the link, which replaces {source.owner.name} by a container with the same configuration and"
                " volumes; or attach both to a network.",
                (remedies.renew_link(source.owner.name, link),),
            )
    return None


def _phantom(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    for network in common(source, target):
        for peer in (source, target):
            if not peer.networks[network].endpoint_id:
                return phantom(peer, network)
    return None


def phantom(peer: Peer, network: str) -> Finding:
    return Finding(
        "phantom_endpoint",
        f"{peer.name} is attached to {network} in its description only (a phantom endpoint): an attach failed half-way."
        " Its next restart may fail, too",
        f"Attach {peer.owner.name} again, which repairs the endpoint.",
        (remedies.attach(network, peer.owner.name),),
    )


def _borrowed(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    if source.borrowed:
        return Finding(
            "source_shares_network",
            f"{source.name} has no network of its own: it uses that of {source.owner.name}, which has none in common"
            f" with {target.name}: {networks_of(evidence, source)}; {networks_of(evidence, target)}",
            f"Attach {source.owner.name}, whose network {source.name} uses.",
            _join(evidence, source, target),
        )
    if target.borrowed:
        return Finding(
            "target_shares_network",
            f"{target.name} has no network of its own: it uses that of {target.owner.name}, which has none in common"
            f" with {source.name}: {networks_of(evidence, source)}; {networks_of(evidence, target)}",
            f"Attach {source.name} to a network of {target.owner.name}, and use {target.owner.name} as host.",
            (*_join(evidence, source, target), remedies.check_again(evidence.check, host=target.owner.name)),
        )
    return None


def _bridge_only(evidence: Evidence) -> Finding | None:
    source, target = evidence.ends
    if common(source, target) != [BRIDGE]:
        return None
    return Finding(
        "default_bridge_only",
        f"{source.name} and {target.name} are both on the default bridge only, which has no names",
        "Attach both to a network of their own (live; nothing is recreated), or link them.",
        _join(evidence, source, target),
    )


def diagnose_probe(evidence: Evidence) -> Finding | None:
    """Return why there is no answer to draw a conclusion from."""
    answer = evidence.seen
    source, _target = evidence.ends
    if answer.failed:
        return Finding(
            "probe_failed",
            f"nothing can be run in the network of {source.name}: {answer.failed}",
            "Fix what the engine reports.",
        )
    if answer.missing:
        if evidence.check.protocol == "mysql":
            return no_client(evidence, answer)
        program, image = _PROGRAMS.get(answer.missing, ("a shell", "busybox:latest"))
        place = f", nor has the image {answer.image}" if answer.image else ""
        return Finding(
            "no_probe_tool",
            f"{source.name} does not have {program}{place}, so the check cannot be made",
            f"Set probe_image to an image that has {program}.",
            (remedies.check_again(evidence.check, probe_image=image, pull="missing"),),
        )
    return None


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
