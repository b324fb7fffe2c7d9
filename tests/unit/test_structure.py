"""The structure of the package holds, and each breach of it is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from structure import ROOT, violations

MAP = """\
| file | |
|---|---|
| [a/](../src/seal/a/) | a folder |
| [a/one.py](../src/seal/a/one.py) | a module |
| [b/two.py](../src/seal/b/two.py) | another |
| [c.py](../src/seal/c.py) | a module |
| [](../src/seal/) | the face |
"""
TREE = """\
# x

```
src/seal/
  a/    one
  b/    two
        and more of it
  c.py  three
tests/  four
```
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout that breaks no rule."""
    package = tmp_path / "src" / "seal"
    files = {
        package / "__init__.py": "from seal.a.one import x\n",
        package / "a" / "__init__.py": "from seal.a import one\n",
        package / "a" / "one.py": "import seal\nx = 1\n",
        package / "b" / "two.py": "from seal.a import one\n",
        package / "c.py": "\n" * 30,
        tmp_path / "docs" / "map.md": MAP.replace("[]", "[the package]"),
        tmp_path / "README.md": TREE,
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_the_structure_of_this_package_holds() -> None:
    assert list(violations(ROOT)) == []


def test_a_checkout_that_breaks_nothing(checkout: Path) -> None:
    assert list(violations(checkout)) == []


def add(file: str, text: str) -> Callable[[Path], None]:
    def breach(checkout: Path) -> None:
        with open(checkout / file, "a") as opened:
            opened.write(text)

    return breach


def replace(file: str, text: str, by: str) -> Callable[[Path], None]:
    def breach(checkout: Path) -> None:
        before = (checkout / file).read_text()
        assert before.count(text) == 1
        (checkout / file).write_text(before.replace(text, by))

    return breach


def remove(file: str, text: str) -> Callable[[Path], None]:
    return replace(file, text, "")


LONG_CLASS = "class Long:\n" + "    x = 1\n" * 250

BREACHES = {
    "a large folder": (add("src/seal/b/two.py", "\n" * 10), "src/seal/b has 2"),
    "a long file": (add("src/seal/c.py", "\n" * 371), "src/seal/c.py has 401 lines"),
    "a long class": (add("src/seal/c.py", LONG_CLASS), "src/seal/c.py:31: class Long has 251 lines"),
    "a long private class": (
        add("src/seal/c.py", LONG_CLASS.replace("Long", "_Long")),
        "src/seal/c.py:31: class _Long has 251 lines",
    ),
    "a file without a row": (add("src/seal/a/note.toml", ""), "has no row for src/seal/a/note.toml"),
    "a row without a file": (
        add("docs/map.md", "| [gone.py](../src/seal/gone.py) | x |\n"),
        "has a row for src/seal/gone.py, which is not there",
    ),
    "two rows of one file": (
        add("docs/map.md", "| [c.py](../src/seal/c.py) | again |\n"),
        "names src/seal/c.py 2 times",
    ),
    "a row less": (
        remove("docs/map.md", "| [c.py](../src/seal/c.py) | a module |\n"),
        "no row for src/seal/c.py",
    ),
    "a folder not in the tree": (
        remove("README.md", "  a/    one\n"),
        "README.md has no line for src/seal/a/",
    ),
    "a module not in the tree": (
        remove("README.md", "  c.py  three\n"),
        "README.md has no line for src/seal/c.py",
    ),
    "a line for nothing": (
        replace("README.md", "  b/    two\n", "  b/  two\n  z/  x\n"),
        "a line for src/seal/z/",
    ),
    "two lines for one": (
        replace("README.md", "  b/    two\n", "  b/  two\n" * 2),
        "has 2 lines for src/seal/b/",
    ),
    "a page in Chinese without a tree": (add("README.zh.md", "# x\n"), "README.zh.md has no tree"),
    "a circle": (add("src/seal/a/one.py", "from seal.b import two\n"), "An import circle: seal.a.one"),
    "a circle of types": (
        add("src/seal/a/one.py", "if x:\n    from ..b.two import one\n"),
        "An import circle: seal.a.one",
    ),
    "a circle through a folder": (add("src/seal/a/one.py", "from . import y\n"), "An import circle: seal.a"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found(breach: str, checkout: Path) -> None:
    plant, message = BREACHES[breach]
    plant(checkout)
    [only] = violations(checkout)
    assert message in only
