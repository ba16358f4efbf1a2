# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The lines of a container's hosts file: what they say, and which of them are whose. Pure.

A line of the engine, or of this collection, is known by its form: the address, a tab, names with a blank between, and
nothing behind them but our own tag. Whatever has another form, or another comment, is the user's.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# By this a line is known that stands in for a legacy link's until names are resolved by the network alone.
TAG = "# linklab.docker"
# The names in the lines that the engine writes into the file of each container (moby/libnetwork, etchosts.go).
NAMES_OF_ALL = frozenset(
    ("localhost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters")
)

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Earlier versions of padded() left blanks at the end.
_OWN_FORM = re.compile(rf"[^\s#]+\t[^\s#]+(?: [^\s#]+)*(?: {TAG})?[ ]*")
_BLANK_END = re.compile(r"\n[ \n]*\Z")


class HostsLine(t.NamedTuple):
    """A line.

    Attributes:
        text: as it is in the file, with its end.
        comment: from C(#) on.
        ours: whether it has the form that the engine's and this collection's have.
    """

    text: str
    address: str
    names: tuple[str, ...]
    comment: str
    ours: bool

    @property
    def tagged(self) -> bool:
        return self.ours and bool(self.comment)

    def is_link(self, alias: str) -> bool:
        """Whether a legacy link made it: the target's host name follows the alias. Extra hosts have one name only."""
        return self.ours and len(self.names) > 1 and self.names[0] == alias


def parse(hosts: str) -> list[HostsLine]:
    """Return all lines of a hosts file; comments and what says nothing have no address."""
    return [_parsed(text) for text in _LINE.findall(hosts)]


def _parsed(text: str) -> HostsLine:
    entry, mark, comment = text.partition("#")
    address, *names = entry.split() or [""]
    return HostsLine(text, address, tuple(names), mark + comment.rstrip(), bool(_OWN_FORM.fullmatch(text.rstrip("\n"))))


def written(address: str, names: Iterable[str], comment: str = "") -> str:
    """Return a line as the engine writes it."""
    return f"{address}\t{' '.join(dict.fromkeys(filter(None, names)))}{f' {comment}' if comment else ''}\n"


def appended(hosts: str, lines: Iterable[str]) -> str:
    """Return a hosts file with further lines."""
    further = "".join(lines)
    return f"{hosts}\n{further}" if further and hosts and not hosts.endswith("\n") else hosts + further


def padded(before: str, after: str) -> str:
    """Return I(after) so that it covers I(before) to the end, with a line of blanks.

    The engine knows its lines by their ends and would no longer take out one with blanks behind it.
    """
    after = _BLANK_END.sub("\n", after)
    lacking = _size(before) - _size(after)
    if lacking > 0 and not after.endswith("\n"):
        after, lacking = f"{after}\n", lacking - 1
    return f"{after}{' ' * (lacking - 1)}\n" if lacking > 0 else after


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))


# -- the lines of links -----------------------------------------------------------------------------------------------


def link_lines(hosts: str, alias: str) -> list[HostsLine]:
    """Return the lines that a legacy link made."""
    return [line for line in parse(hosts) if line.is_link(alias)]


def redirected(hosts: str, addresses: Mapping[str, str]) -> str:
    """Return a hosts file whose links lead to other addresses, tagged; I(addresses) is by alias.

    Lines of links whose alias is not in I(addresses) stay; those for a second address of the same target go.
    """
    kept: list[str] = []
    done: set[str] = set()
    for line in parse(hosts):
        alias = next((name for name in line.names[:1] if name in addresses and line.is_link(name)), "")
        if not alias:
            kept.append(line.text)
        elif alias not in done:
            done.add(alias)
            kept.append(written(addresses[alias], line.names, TAG))
    return "".join(kept)


def restored(hosts: str, addresses: Mapping[str, str]) -> str:
    """Return a hosts file whose tagged lines lead to I(addresses), by alias, as lines of the engine."""
    return "".join(
        written(addresses[line.names[0]], line.names) if line.tagged and addresses.get(line.names[0]) else line.text
        for line in parse(hosts)
    )


def tidy(hosts: str, aliases: Iterable[str], hostname: str, addresses: Iterable[str]) -> str:
    """Return a hosts file without the lines of links, and without lines for addresses that the container lost.

    Args:
        aliases: the links that are gone. Tagged lines go in any case.
        hostname, addresses: the container's own.
    """
    gone, own = set(aliases), set(addresses)
    kept: list[str] = []
    for line in parse(hosts):
        is_link = line.tagged or any(line.is_link(name) for name in line.names[:1] if name in gone)
        is_lost = line.ours and line.names == (hostname,) and line.address not in own
        if not (is_link or is_lost or (line.ours and line.text in kept)):
            kept.append(line.text)
    return "".join(kept)


def is_tidy(hosts: str) -> bool:
    """Whether no line stands in for a link."""
    return not any(line.tagged for line in parse(hosts))


# -- where a link's alias leads ---------------------------------------------------------------------------------------


def found_at(hosts: str, alias: str, links: Collection[str] = ()) -> list[str]:
    """Return all addresses that the alias of a link has.

    Args:
        links: the aliases of all links: the line of another one may have the same name further back.
    """
    return [line.address for line in parse(hosts) if _says(line, alias, links)]


def _says(line: HostsLine, alias: str, links: Collection[str]) -> bool:
    return alias in line.names and (line.names[0] == alias or line.names[0] not in links)


def pointed(hosts: str, alias: str, addresses: Sequence[str], names: Iterable[str], links: Collection[str] = ()) -> str:
    """Return a hosts file in which a link's alias leads to I(addresses) alone, to the first if it led to none of them.

    Args:
        names: what else the target is called.
        links: as for found_at().
    """
    kept: list[str] = []
    for line in parse(hosts):
        if not _says(line, alias, links) or line.address in addresses:
            kept.append(line.text)
        elif line.names[0] != alias:
            kept.append(written(line.address, (name for name in line.names if name != alias), line.comment))
        elif line.comment and not line.ours:
            # It may be about more than this line.
            kept.append(f"{line.comment}\n")
    text = "".join(kept)
    return text if found_at(text, alias, links) else appended(text, [written(addresses[0], (alias, *names))])
