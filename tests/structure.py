"""Holds the structure of the package: the sizes of its folders, files and classes, its map, the tree in the
README, and no circle among its imports.

    python tests/structure.py

Prints a line for each violation, and exits with 1 if there is one. Which layer may import which is
import-linter's (pyproject.toml); this knows what import-linter cannot see.
"""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "seal"
CODE = (".py", ".cpp", ".h")
MAX_FOLDER_SHARE = 0.20
MAX_FILE_LINES = 400
MAX_CLASS_LINES = 250
MAP = Path("docs") / "map.md"

_MAP_ROW = re.compile(r"^\| (\[.+?\)) \| ", re.MULTILINE)
_MAP_LINK = re.compile(r"\]\(\.\./src/seal/([^)]*)\)")
_TREE = re.compile(r"^```\nsrc/seal/\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_BRANCH = re.compile(r"^  (\S+)", re.MULTILINE)


def violations(root: Path = ROOT) -> Iterator[str]:
    """What breaks the structure of the checkout at `root`, one sentence each."""
    package = root / "src" / PACKAGE
    yield from folders_too_large(package)
    yield from files_too_long(package)
    yield from classes_too_long(package)
    yield from map_gaps(package, root / MAP)
    for page in sorted(root.glob("README*.md")):
        yield from tree_gaps(package, page)
    yield from import_circles(root / "src")


def folders_too_large(package: Path) -> Iterator[str]:
    lines = Counter[str]()
    for file in _code(package):
        [top, *inner] = file.relative_to(package).parts
        lines[top if inner else ""] += _count(file)
    for folder, n in sorted(lines.items()):
        share = n / lines.total()
        if folder and share > MAX_FOLDER_SHARE:
            yield (
                f"src/seal/{folder} has {share:.1%} of the package's lines ({n} of {lines.total()}), and "
                f"{MAX_FOLDER_SHARE:.0%} is the most. Move what belongs elsewhere."
            )


def files_too_long(package: Path) -> Iterator[str]:
    for file in _code(package):
        if (n := _count(file)) > MAX_FILE_LINES:
            name = _name(package, file)
            yield f"{name} has {n} lines, and {MAX_FILE_LINES} is the most. Split it by what it knows."


def classes_too_long(package: Path) -> Iterator[str]:
    for file in _code(package):
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                n = (node.end_lineno or node.lineno) - node.lineno + 1
                if n > MAX_CLASS_LINES:
                    yield (
                        f"{_name(package, file)}:{node.lineno}: class {node.name} has {n} lines, and "
                        f"{MAX_CLASS_LINES} is the most. Give a part of it a class or functions of its own."
                    )


def map_gaps(package: Path, page: Path) -> Iterator[str]:
    """A row of the map names files by their links. A folder's row stands for its `__init__.py`."""
    if not page.is_file():
        yield f"{MAP} is missing."
        return
    rows = _MAP_ROW.findall(page.read_text(encoding="utf-8"))
    named = Counter(name for row in rows for name in _MAP_LINK.findall(row))
    there = {_row(package, file) for file in _files(package)}
    for name in sorted(there - set(named)):
        yield f"{MAP} has no row for src/seal/{name}. Say in one line what it is for."
    for name in sorted(set(named) - there):
        yield f"{MAP} has a row for src/seal/{name}, which is not there. Remove the row, or mend its link."
    for name, n in sorted(named.items()):
        if n > 1:
            yield f"{MAP} names src/seal/{name} {n} times. Keep one row."


def tree_gaps(package: Path, page: Path) -> Iterator[str]:
    """The block of a README that begins with `src/seal/` has a line for each top-level folder and module."""
    tree = _TREE.search(page.read_text(encoding="utf-8"))
    if tree is None:
        yield f"{page.name} has no tree: a code block whose first line is `src/seal/`."
        return
    named = Counter(_BRANCH.findall(tree[1]))
    there = {path.name + "/" * path.is_dir() for path in package.iterdir() if _is_top_level(path)}
    for name in sorted(there - set(named)):
        yield f"The tree in {page.name} has no line for src/seal/{name}."
    for name in sorted(set(named) - there):
        yield f"The tree in {page.name} has a line for src/seal/{name}, which is not there."
    for name, n in sorted(named.items()):
        if n > 1:
            yield f"The tree in {page.name} has {n} lines for src/seal/{name}."


def import_circles(source: Path) -> Iterator[str]:
    """Circles of modules, those through a folder's `__init__.py` included, which import-linter's contract for
    the modules of one folder does not count. Imports within functions and for types alone count too. The
    package's own `__init__.py` is left out: it is the public face, which names what it loads when asked.
    """
    imports: dict[str, set[str]] = {}
    modules = {_module(source, file): file for file in _code(source) if file.suffix == ".py"}
    for module, file in modules.items():
        if module != PACKAGE:
            imports[module] = set(_imports(module, file, modules)) - {PACKAGE}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        circle = " is imported by ".join(error.args[1])
        yield f"An import circle: {circle}. Move what they share into a module below them."


def _imports(module: str, file: Path, modules: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    parents = package.split(".")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for name in (f"{base}.{alias.name}" for alias in node.names):
                if name in modules or base in modules:
                    yield name if name in modules else base


def _module(source: Path, file: Path) -> str:
    parts = file.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _row(package: Path, file: Path) -> str:
    name = file.relative_to(package).as_posix()
    return name.removesuffix("__init__.py")


def _is_top_level(path: Path) -> bool:
    return path.name not in ("__init__.py", "__init__.pyi", "__pycache__", "py.typed")


def _files(package: Path) -> list[Path]:
    return sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _code(package: Path) -> list[Path]:
    return [file for file in _files(package) if file.suffix in CODE]


def _count(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def _name(package: Path, file: Path) -> str:
    return f"src/{package.name}/{file.relative_to(package).as_posix()}"


if __name__ == "__main__":
    broken = list(violations())
    print("\n".join(broken) if broken else "The structure holds.")
    sys.exit(bool(broken))
