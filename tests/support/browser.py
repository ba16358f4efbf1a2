# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages in a headless Chromium: what is in them, what the console says, and what they request."""

from __future__ import annotations

import html.parser
import re
import shutil
import socket
import subprocess
import threading
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_CONSOLE = re.compile(r"CONSOLE[:(].*")
# What the browser asks for of its own accord, despite the options. Pages have no reason to.
_OWN_REQUESTS = re.compile(
    r"\w+ (http://)?([\w-]+\.google\.com|(update|safebrowsing|[\w-]+-pa|content-[\w-]+)\.googleapis\.com|[\w.-]+\.gvt1\.com)[:/]"
)
_QUIET = (
    "--headless",
    "--no-sandbox",  # it does not run as root otherwise
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--enable-logging=stderr",
)


class Page(html.parser.HTMLParser):
    """The elements of a page, and the texts in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.classes: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name == "class":
                self.classes.append(value or "")
            elif name in ("src", "href", "data", "action", "srcset", "poster", "xlink:href"):
                self.links.append(value or "")
            elif name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@dataclass
class Seen:
    """What became of a page. requests: the first lines of those that it sent anywhere."""

    page: Page
    console: list[str]
    requests: list[str] = field(default_factory=list)


def browser() -> str | None:
    """Return the path of a browser, if there is one."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def see(path: Path, profile: Path) -> Seen:
    """Open a file in a browser. profile: a folder of its own."""
    program = browser()
    assert program, f"none of these is installed: {', '.join(PROGRAMS)}"
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        requests: list[str] = []
        listener = threading.Thread(target=_listen, args=(proxy, requests), daemon=True)
        listener.start()
        done = subprocess.run(
            [
                program,
                *_QUIET,
                f"--user-data-dir={profile}",
                # Whatever is requested, of this machine too, comes to the listener, which answers nothing.
                f"--proxy-server=127.0.0.1:{proxy.getsockname()[1]}",
                "--proxy-bypass-list=<-loopback>",
                "--virtual-time-budget=2000",
                "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        # Else accept() would go on waiting.
        proxy.shutdown(socket.SHUT_RDWR)
        listener.join(10)
    others = [one for one in requests if one and not _OWN_REQUESTS.match(one)]
    return Seen(Page(done.stdout), _CONSOLE.findall(done.stderr), others)


def _listen(proxy: socket.socket, requests: list[str]) -> None:
    with suppress(OSError):  # it was shut down
        while True:
            connection, _address = proxy.accept()
            with connection:
                connection.settimeout(5)
                with suppress(OSError):  # a connection that was only opened
                    requests.append(connection.recv(4096).decode(errors="replace").split("\r\n", 1)[0])
