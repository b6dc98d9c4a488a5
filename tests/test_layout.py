"""The house: modules import only from those before them in the flow, and none is called after nothing."""

import ast
from pathlib import Path

import advisor
from tests.conftest import ROOT

PACKAGE = ROOT / "advisor"
ORDER = [
    name
    for line in (advisor.__doc__ or "").splitlines()
    if line.startswith(" " * 8)
    for name in line.strip().split(" ▸ ")
]
MODULES = {
    path.stem if path.parent == PACKAGE else path.relative_to(PACKAGE).parts[0]
    for path in PACKAGE.rglob("*.py")
    if path not in (PACKAGE / "__init__.py", PACKAGE / "__main__.py")
}
NAMELESS = {"utils", "helpers", "common", "core", "models", "types", "manager", "engine", "base", "misc"}


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, by their first name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "advisor":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found & MODULES


def test_the_flow_names_every_module_once() -> None:
    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == MODULES


def test_modules_import_only_leftward() -> None:
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name in ORDER:
            later = {other for other in imports(path) if ORDER.index(other) > ORDER.index(name)}
            assert not later, (path, later)


def test_names_say_what_a_file_is() -> None:
    assert not NAMELESS & {path.stem for path in PACKAGE.rglob("*.py")}
