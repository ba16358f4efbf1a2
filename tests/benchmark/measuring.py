# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: a bare client, plays, peers, and how the results are reported."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import docker

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Json = t.Any
Times = dict[str, list[float]]

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests/benchmark/results"
HOST = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
IMAGE = "linklab-test/busybox:latest"
_PEER_PACKAGES = ("ansible", "docker")


class Client:
    """A bare client: the SDK's low-level one, one for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def api(self) -> docker.APIClient:
        if not hasattr(self._local, "api"):
            self._local.api = docker.APIClient(base_url=HOST, timeout=120)
        return self._local.api

    def _open(self) -> None:
        self.api.ping()

    def each(self, act: Callable[[docker.APIClient, str], object], names: Iterable[str], threads: int) -> float:
        """Do something with each container; return the seconds that it took, connections that are open not counted."""
        with ThreadPoolExecutor(threads, initializer=self._open) as pool:
            ready = threading.Barrier(threads)
            # The SDK asks for the engine's version first: that is done before the clock starts.
            list(pool.map(lambda _number: ready.wait(), range(threads)))
            start = time.perf_counter()
            list(pool.map(lambda name: act(self.api, name), names))
            return time.perf_counter() - start


@dataclass
class Plays:
    """The plays, each timed as a user sees it: from the call of ansible-playbook to its end."""

    folder: Path
    program: str = "ansible-playbook"
    environment: dict[str, str] = field(default_factory=lambda: {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")})

    def write(self, name: str, *tasks: dict[str, Json]) -> None:
        play = [
            {
                "name": name,
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [{"name": name, **one} for one in tasks],
            }
        ]
        # JSON is YAML.
        (self.folder / f"{name}.yml").write_text(json.dumps(play), encoding="utf-8")

    def run(self, name: str, *, changed: bool) -> float:
        """Run a play, which must succeed and report a change or not; return the seconds that it took."""
        seconds, output = timed([self.program, self.folder / f"{name}.yml"], self.environment)
        if ("changed=0" in output) == changed:
            raise RuntimeError(f"the play {name} did not end as expected:\n{output}")
        return seconds


def timed(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, failure: str = ""
) -> tuple[float, str]:
    """Run a command, which must succeed; return the seconds that it took, and its output.

    Args:
        failure: what its output may say when it fails all the same.
    """
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    seconds, output = time.perf_counter() - start, done.stdout + done.stderr
    if done.returncode and not (failure and failure in output):
        raise RuntimeError(f"{shlex.join(map(str, command))} failed:\n{output}")
    return seconds, output


def peer_plays(folder: Path) -> Plays:
    """Return plays that find community.docker, and not the collections of this checkout; install it at first."""
    venv = ROOT / ".cache/bench-venv"
    program = venv / "bin/ansible-playbook"
    if not program.exists():
        print(f"installing {' and '.join(_PEER_PACKAGES)} into {venv.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-qq", *_PEER_PACKAGES], check=True)
    config = folder / "ansible.cfg"
    config.write_text("[defaults]\nlocalhost_warning = False\n", encoding="utf-8")
    return Plays(folder, str(program), {"ANSIBLE_CONFIG": str(config)})


# -- what is reported --------------------------------------------------------------------------------------------------


def rounds(steps: Sequence[Callable[[], None]], count: int, tell: Callable[[], str], unmeasured: Times) -> None:
    """Take the steps in turn, as often as that, each of them first once: what was before weighs on all alike.

    Args:
        unmeasured: emptied after one round before the first: nothing is measured while files are read or compiled for
            the first time.
    """
    for step in steps:
        step()
    unmeasured.clear()
    for number in range(count):
        first = number % len(steps)
        for step in (*steps[first:], *steps[:first]):
            step()
        print(f"round {number + 1} of {count}: {tell()}", flush=True)


def last(times: Times) -> str:
    return ", ".join(f"{name} {seconds[-1]:.2f} s" for name, seconds in times.items())


def medians(times: Times) -> dict[str, float]:
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def row(label: str, seconds: Sequence[float], *more: str) -> str:
    spread = f"{min(seconds):.2f} - {max(seconds):.2f} s"
    return f"| {' | '.join([label, f'{statistics.median(seconds):.2f} s', spread, *more])} |"


def conditions(client: Client, count: int) -> str:
    """Return on what, with what and how it was measured."""
    engine = client.api.version()
    versions = {name: importlib.metadata.version(name) for name in ("ansible-core", "docker")}
    program = Path(sys.argv[0]).resolve().relative_to(ROOT)
    return (
        f"Docker Engine {engine['Version']} (API {engine['ApiVersion']}) on {os.cpu_count()} cores, Python"
        f" {platform.python_version()}, ansible-core {versions['ansible-core']}, Docker SDK for Python"
        f" {versions['docker']}, {datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}. Medians of {count}"
        f" interleaved rounds, by `{shlex.join([str(program), *sys.argv[1:]])}`."
    )


def publish(name: str, text: str) -> None:
    """Print the results, and write them to the file of that name."""
    print(f"\n{text}")
    (RESULTS / f"{name}.md").write_text(f"# {name}, measured\n\n{text}", encoding="utf-8")
