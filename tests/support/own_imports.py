# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file imports from the collection's own module_utils, as AnsiballZ sees it.

Every import statement counts, wherever it stands: in a function, or for types alone.
"""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.linklab.docker.plugins.module_utils"


class OwnImport(t.NamedTuple):
    """An import statement. module: relative to the folder module_utils, such as C(_engine/client.py)."""

    line: int
    module: Path
    relative: bool


def own_imports(file: Path, utils: Path) -> t.Iterator[OwnImport]:
    """Yield what a file imports from I(utils), the folder module_utils."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named = [(alias.name.split("."), 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            begin = _begin(node, file, utils)
            named = [([*begin, alias.name], node.level) for alias in node.names]
        else:
            continue
        for name, level in named:
            module = _module(name, utils)
            if module is not None:
                yield OwnImport(node.lineno, module, bool(level))


def packed(file: Path, utils: Path) -> set[Path]:
    """Return the files of I(utils) that are packed with a file, relative to that folder."""
    found: set[Path] = set()
    new = {one.module for one in own_imports(file, utils)}
    while new:
        found |= new
        new = {one.module for path in new for one in own_imports(utils / path, utils)} - found
    return found


def _begin(node: ast.ImportFrom, file: Path, utils: Path) -> list[str]:
    """Return the absolute name of the module that a C(from) statement begins with, in parts."""
    module = node.module.split(".") if node.module else []
    if not node.level:
        return module
    if utils not in file.parents:
        return []
    folder = file.relative_to(utils).parts[: -node.level]
    return [*PACKAGE.split("."), *folder, *module]


def _module(name: list[str], utils: Path) -> Path | None:
    """Return the file that a name stands for: a module, or something in it."""
    package = PACKAGE.split(".")
    if name[: len(package)] != package:
        return None
    rest = name[len(package) :]
    for parts in (rest, rest[:-1]):
        if parts and (utils.joinpath(*parts[:-1]) / f"{parts[-1]}.py").is_file():
            return Path(*parts[:-1], f"{parts[-1]}.py")
    return None
