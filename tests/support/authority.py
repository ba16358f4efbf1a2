# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate authority for one test."""

from __future__ import annotations

import subprocess
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from pathlib import Path


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Authority:
    """A certificate authority that signs for one day."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        folder.mkdir(parents=True, exist_ok=True)
        subject = ("-subj", f"/CN=authority {folder.name}", "-days", "1")
        # Python demands the usage since 3.13.
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl(
            "req", "-x509", *_NEW_KEY, *subject, *usage, "-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem"
        )
        return cls(folder)

    def sign(self, name: str, use: str, *alternatives: str) -> None:
        """Write I(name).pem and I(name)-key.pem, for clientAuth or serverAuth."""
        key, request = self.folder / f"{name}-key.pem", self.folder / f"{name}.csr"
        openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.folder / f"{name}.ext"
        names = f"subjectAltName={','.join(alternatives)}\n" if alternatives else ""
        extensions.write_text(f"extendedKeyUsage={use}\n{names}", encoding="utf-8")
        authority = ("-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca-key.pem", "-CAcreateserial")
        signed = ("-days", "1", "-extfile", extensions, "-out", self.folder / f"{name}.pem")
        openssl("x509", "-req", "-in", request, *authority, *signed)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
