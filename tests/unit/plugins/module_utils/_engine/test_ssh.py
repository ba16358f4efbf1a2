# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a URL with ssh, and what the exit status of the ssh program means; the rest needs a real sshd."""

from __future__ import annotations

import re

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.ssh import SshPlace, told
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError


@pytest.mark.parametrize(
    "url, words, remote",
    [
        ("ssh://Host", ["--", "Host"], "docker system dial-stdio"),
        ("ssh://me@host/", ["-l", "me", "--", "host"], "docker system dial-stdio"),
        ("ssh://me@host:22", ["-l", "me", "-p", "22", "--", "host"], "docker system dial-stdio"),
        ("ssh://[2001:db8::1]:22", ["-p", "22", "--", "2001:db8::1"], "docker system dial-stdio"),
        ("ssh://DOM\\a.user@host", ["-l", "DOM\\a.user", "--", "host"], "docker system dial-stdio"),
        ("ssh://[fe80::1%eth0]", ["--", "fe80::1%eth0"], "docker system dial-stdio"),
        ("ssh://host/run/a b.sock", ["--", "host"], "docker --host 'unix:///run/a b.sock' system dial-stdio"),
        ("ssh://host/;reboot", ["--", "host"], "docker --host 'unix:///;reboot' system dial-stdio"),
    ],
)
def test_a_url_becomes_words_for_ssh(url, words, remote):
    command = SshPlace.parse(url).command(60)
    assert command == ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", *words, remote]


@pytest.mark.parametrize("timeout, seconds", [(1, 1), (0.5, 1), (5, 4), (600, 10)])
def test_ssh_gives_up_before_the_request_is_given_up(timeout, seconds):
    assert f"ConnectTimeout={seconds}" in SshPlace.parse("ssh://host").command(timeout)


@pytest.mark.parametrize(
    "url",
    [
        *("ssh://", "ssh:///path", "ssh://me:secret@host", "ssh://@host", "ssh://a@b@c", "ssh://host:x", "ssh://h?q"),
        *(
            "ssh://-oProxyCommand=secret",
            "ssh://-l@host",
            "ssh://a b",
            "ssh://a b@host",
            "ssh://$(secret)",
            "ssh://h;x",
        ),
        *("ssh://`secret`@host", "ssh://host:70000", "ssh://ho\nst", "ssh://host/a\nb", "ssh://[-oX]", "ssh://ünï"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_being_repeated(url):
    with pytest.raises(SpecError, match="ssh://user@host") as refused:
        SshPlace.parse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "code, message",
    [
        (255, "ssh does not get to the Docker Engine at ssh://me@host; it says: words. .*: ssh -o BatchMode=yes -l me"),
        (127, "the host of ssh://me@host has no docker program .* it says: words. Install the Docker CLI there"),
        (1, "'docker system dial-stdio' on the host of ssh://me@host failed .1.; it says: words"),
        (-9, "failed .-9."),
    ],
)
def test_the_exit_status_says_what_went_wrong(code, message):
    assert re.search(message, str(told(SshPlace.parse("ssh://me@host"), code, "words")))


def test_a_program_that_ended_well_has_nothing_to_say():
    assert told(SshPlace.parse("ssh://host"), 0, "words") is None
