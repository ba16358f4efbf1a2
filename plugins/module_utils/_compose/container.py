# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The desired state of a container, in the terms of the Compose Specification, and in those of the Engine API."""

from __future__ import annotations

import re
import typing as t

from .._engine.images import image_name
from .._errors import Mistakes, SpecError, agreeing
from .._model.labels import TOPOLOGY_LABEL
from .._model.words import meant
from . import items, values

if t.TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from .._errors import Place

Json = t.Any

# Labels of this collection say whose a container is; no user sets them.
OWN_LABELS = "linklab.docker."
# What the engine itself demands of a container's name.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class ContainerSpec:
    """The desired state of a container: what a task gives of WORDS, each as an attribute in its normal form.

    One that is not given is None, and is neither compared nor touched.
    """

    def __init__(self, **given: Json) -> None:
        self._given = {word: given[word] for word in WORDS if given.get(word) is not None}

    def __getattr__(self, word: str) -> Json:
        if word not in WORDS:
            raise AttributeError(f"there is no word {word!r} for a container")
        return self._given.get(word)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ContainerSpec) and self._given == other._given

    __hash__ = None  # type: ignore[assignment]  # it holds dictionaries; Python does this too, but a linter wants it said

    def __repr__(self) -> str:
        shown = (f"{word}={value!r}" for word, value in self._given.items() if not WORDS[word].option.get("no_log"))
        return f"ContainerSpec({', '.join(shown)})"

    @classmethod
    def parse(cls, options: Mapping[str, Json], where: Place) -> ContainerSpec:
        """Read the options of a task.

        Args:
            where: the place of the options as a whole.

        Raises:
            SpecError: with each option that is wrong, and what to do.
        """
        found: dict[str, Json] = {}
        mistakes = Mistakes()
        for name, value in options.items():
            with mistakes.collected():
                if name not in WORDS:
                    raise SpecError(f"there is no option {name!r}{meant(name, WORDS)}", where)
                if value is not None:
                    found[name] = values.parse_option((*where, name), WORDS[name].parse, value)
        both = set(found.get("environment") or ()) & set(found.get("secret_environment") or ())
        if both:
            text = f"{agreeing(sorted(both), 'is', 'are')} in both environment and secret_environment"
            mistakes.found.append(SpecError(text, where))
        mistakes.raise_any()
        return cls(**found)

    def given(self) -> dict[str, Json]:
        """Return what is given, in the order of WORDS."""
        return dict(self._given)

    @property
    def variables(self) -> dict[str, str]:
        """All variables, secret ones too."""
        return {**(self.environment or {}), **(self.secret_environment or {})}

    def to_api(self) -> dict[str, Json]:
        """Return the Engine API's configuration for a new container: what is given, and nothing else."""
        body: dict[str, Json] = {"HostConfig": {}}
        for name, value in self._given.items():
            room, _point, key = WORDS[name].key.rpartition(".")
            if key:
                (body[room] if room else body)[key] = WORDS[name].write(value)
        if self.variables:
            body["Env"] = [f"{name}={value}" for name, value in self.variables.items()]
        if self.ports:
            body["ExposedPorts"] = {port.container: {} for port in self.ports}
        anonymous: dict[str, Json] = {volume.target: {} for volume in self.volumes or () if volume.anonymous}
        if anonymous:
            body["Volumes"] = anonymous
        return body

    def update_to_api(self, names: Container[str]) -> dict[str, Json]:
        """Return the body of C(/containers/NAME/update), which no running process notices.

        Args:
            names: which options are to be changed; others than those of is_live are left out.
        """
        found = {name: WORDS[name] for name, value in self._given.items() if name in names and is_live(name, value)}
        body = {word.key.rpartition(".")[2]: word.write(self._given[name]) for name, word in found.items()}
        if "mem_limit" in found:
            # The engine refuses a limit above that of memory and swap, which is twice the limit if not given.
            body["MemorySwap"] = 2 * self.mem_limit
        return body


def check_name(name: str, where: Place) -> str:
    """Return a name that the engine takes for a container; raise SpecError."""
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name!r} cannot be the name of a container; use two or more letters, digits, '_', '.' and '-',"
            " beginning with a letter or digit",
            where,
        )
    return name


def _image(value: Json) -> str:
    return image_name(values.some_text(value))


def _labels(value: Json) -> dict[str, str]:
    found = values.mapping(value)
    own = [name for name in found if name.startswith(OWN_LABELS) and name != TOPOLOGY_LABEL]
    if own:
        raise SpecError(f"{own[0]} is for this collection to set; use another name")
    return found


def _pull(value: Json) -> str:
    if value not in ("missing", "never"):
        raise SpecError(f"{value!r} is neither missing nor never")
    return str(value)


# -- the words --------------------------------------------------------------------------------------------------------


def _same(value: Json) -> Json:
    return value


def plain(value: Json) -> Json:
    """Return a value as differences show it: a set of words as a sorted list."""
    return sorted(map(str, value)) if isinstance(value, tuple) else value


class Word(t.NamedTuple):
    """What a task can say of a container.

    Attributes:
        option: for Ansible. Documented in the fragment linklab.docker._container.
        parse: what stands in a task to its normal form; raises SpecError.
        key: where the Engine API's configuration has it, such as C(User) or C(HostConfig.Init); empty for what is no
            single value there.
        write: the normal form to the API's.
        read: what the API has, or None where it has nothing, to the form that I(show) makes of the normal form; None
            for words that container_compare has rules of their own for.
        show: the normal form as it is compared, and shown where it differs.
        live: whether the engine changes it while the container runs.
    """

    option: dict[str, Json]
    parse: Callable[[Json], Json]
    key: str = ""
    write: Callable[[Json], Json] = _same
    read: Callable[[Json], Json] | None = None
    show: Callable[[Json], Json] = plain
    live: bool = False


_TEXT: dict[str, Json] = {"type": "str"}
_LIST: dict[str, Json] = {"type": "list", "elements": "str"}
_DICT: dict[str, Json] = {"type": "dict"}
_RAW: dict[str, Json] = {"type": "raw"}
_PULL: dict[str, Json] = {"type": "str", "choices": ["missing", "never"], "default": "missing"}
_HEALTHCHECK: dict[str, Json] = {
    "type": "dict",
    "options": {
        "test": _RAW,
        "interval": _TEXT,
        "timeout": _TEXT,
        "retries": {"type": "int"},
        "start_period": _TEXT,
        "disable": {"type": "bool"},
    },
}


def _or(default: Json) -> Callable[[Json], Json]:
    return lambda there: there or default


def _flag(key: str) -> Word:
    return Word({"type": "bool"}, values.flag, key, read=_or(False))


def _text(key: str) -> Word:
    return Word(_TEXT, values.some_text, key, read=_or(""))


def _number(
    key: str, parse: Callable[[Json], int], show: Callable[[int], str], kind: str = "str", *, live: bool = False
) -> Word:
    return Word({"type": kind}, parse, key, read=lambda there: show(there or 0), show=show, live=live)


def _capabilities(key: str) -> Word:
    return Word(_LIST, values.capabilities, key, list, lambda there: list(values.plain_capabilities(list(there or ()))))


# To a new word belong a row here and its documentation. The order is that in which differences are listed.
WORDS: dict[str, Word] = {
    "image": Word(_TEXT, _image, "Image"),
    "pull": Word(_PULL, _pull),
    "command": Word(_RAW, values.words, "Cmd", list),
    "entrypoint": Word(_RAW, values.words, "Entrypoint", list),
    "environment": Word(_DICT, values.variables),
    "secret_environment": Word({**_DICT, "no_log": True}, values.variables),
    "user": _text("User"),
    "working_dir": Word(_TEXT, values.path, "WorkingDir", read=lambda there: values.clean(there or "/")),
    "hostname": _text("Hostname"),
    "init": _flag("HostConfig.Init"),
    "cap_add": _capabilities("HostConfig.CapAdd"),
    "cap_drop": _capabilities("HostConfig.CapDrop"),
    "privileged": _flag("HostConfig.Privileged"),
    "sysctls": Word(_DICT, values.mapping, "HostConfig.Sysctls", dict, _or({})),
    "volumes": Word(_LIST, items.volumes, "HostConfig.Binds", items.binds),
    "tmpfs": Word(_RAW, values.mounts_in_memory, "HostConfig.Tmpfs", dict),
    "ports": Word(_LIST, items.ports, "HostConfig.PortBindings", items.port_bindings, items.read_ports),
    "healthcheck": Word(_HEALTHCHECK, items.Healthcheck.parse, "Healthcheck", items.Healthcheck.to_api),
    "labels": Word(_DICT, _labels, "Labels", dict),
    "restart": Word(
        _TEXT,
        items.Restart.parse,
        "HostConfig.RestartPolicy",
        items.Restart.to_api,
        items.read_restart,
        str,
        live=True,
    ),
    "stop_grace_period": Word(_TEXT, values.seconds, "StopTimeout", read=lambda there: 10 if there is None else there),
    "stop_signal": Word(
        _TEXT, values.stop_signal, "StopSignal", read=lambda there: values.stop_signal(there or "SIGTERM")
    ),
    "tty": _flag("Tty"),
    "stdin_open": _flag("OpenStdin"),
    "extra_hosts": Word(
        _RAW, values.hosts, "HostConfig.ExtraHosts", values.host_lines, values.read_hosts, values.host_lines
    ),
    "dns": Word(_LIST, values.addresses, "HostConfig.Dns", list, lambda there: list(there or ()), list),
    "security_opt": Word(_LIST, values.security, "HostConfig.SecurityOpt", list),
    "read_only": _flag("HostConfig.ReadonlyRootfs"),
    "mem_limit": _number("HostConfig.Memory", values.memory, values.shown_size, live=True),
    "cpus": _number("HostConfig.NanoCpus", values.cpus, values.shown_cpus, "float", live=True),
    "shm_size": _number("HostConfig.ShmSize", values.some_size, values.shown_size),
}

# For the argument spec of a module that creates containers.
CONTAINER_OPTIONS: dict[str, Json] = {name: word.option for name, word in WORDS.items()}


def is_live(name: str, wanted: Json) -> bool:
    """Whether the engine changes an option to this value while the container runs.

    It does not take a limit away: in C(/containers/NAME/update), 0 is what stays as it is.
    """
    return WORDS[name].live and wanted != 0
