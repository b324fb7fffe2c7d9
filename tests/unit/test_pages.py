"""The pages lead somewhere, the index leads to all of them, and the two READMEs say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages import ROOT, anchors, blocks, links, numbers, pages, prose

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
LOG = ROOT / "docs" / "LOG.md"  # which also tells of what is gone
PLACEHOLDERS = {"tests/unit/test_x.py", "recipes/NAME/run.toml"}

_PATH = re.compile(r"\b(?:src|tests|docs|recipes|examples|benchmarks)/[\w./-]*\w")
_MODULE = re.compile(r"\bseal(?:\.[a-z_]\w*)+")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text(encoding="utf-8")):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize(
    "page", sorted(set(pages()) - {LOG}), ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_the_files_and_modules_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not [
        path for path in _PATH.findall(text) if path not in PLACEHOLDERS and not (ROOT / path).exists()
    ]
    for name in _MODULE.findall(text):
        module = ROOT.joinpath("src", *name.split("."))
        places = (
            module,
            module.with_suffix(".py"),
            module.parent.with_suffix(".py"),
            module.parent / "__init__.py",
        )
        assert any(place.exists() for place in places), name


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index.read_text())}
    assert set((ROOT / "docs").rglob("*.md")) - {index} <= linked


def without_comments(block: str) -> list[str]:
    return [re.sub(r"\s+# (?!→).*", "", line) for line in block.splitlines()]


def names(tree: str) -> list[str]:
    return [re.split(r"(?<=\S)\s\s+", line)[0] for line in tree.splitlines()]


def test_both_readmes_have_the_same_commands() -> None:
    english, chinese = (page.read_text(encoding="utf-8") for page in (ENGLISH, CHINESE))
    for one, other in zip(blocks(english, "sh", "python"), blocks(chinese, "sh", "python"), strict=True):
        assert without_comments(one) == without_comments(other)
    for one, other in zip(blocks(english, ""), blocks(chinese, ""), strict=True):
        assert names(one) == names(other)
    in_line = (sorted(re.findall(r"`[^`]+`", prose(text))) for text in (english, chinese))
    assert next(in_line) == next(in_line)


def test_both_readmes_have_the_same_figures_in_the_same_order() -> None:
    english, chinese = (numbers(page.read_text(encoding="utf-8")) for page in (ENGLISH, CHINESE))
    assert {"62.8", "+33.1", "155"} <= set(english)
    assert english == chinese


def test_both_readmes_have_the_same_links() -> None:
    outside = (
        [link for link in links(page.read_text(encoding="utf-8")) if not re.match(r"#|README", link)]
        for page in (ENGLISH, CHINESE)
    )
    assert next(outside) == next(outside)
