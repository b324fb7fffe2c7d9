"""Every registered self-edit format keeps to the protocol, and the knowledge domain takes what it parses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from seal.domains import DOMAINS
from seal.errors import ConfigError, UnknownNameError
from seal.protocols import Domain, SelfEditFormat
from seal.self_edits import FORMATS
from seal.types import Context, SelfEdit

CONTEXT = Context("c1", "A title with {braces}", "A passage with {title}, {passage} and {other} in it.")
NAMES = FORMATS.names()
STYLES = ("base", "chat", "short")


def test_the_published_formats_are_there() -> None:
    published = {"implications", "implications-long", "implications-very-long", "rewrite", "self-qa", "none"}
    assert published <= set(NAMES)
    with pytest.raises(UnknownNameError, match="implications"):
        FORMATS.get("implication")


@pytest.mark.parametrize("name", NAMES)
def test_format(name: str) -> None:
    made = FORMATS.get(name)()
    assert isinstance(made, SelfEditFormat) and made.name == name
    for style in STYLES:
        prompt = made.prompt(CONTEXT, style)
        assert isinstance(prompt, str) and made.prompt(CONTEXT, style) == prompt
        assert name == "none" or (CONTEXT.title in prompt and CONTEXT.text in prompt)
    with pytest.raises(ConfigError, match="unknown prompt style"):
        made.prompt(CONTEXT, "chatt")


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize(
    "text", ["", "\0", "1. One.\n2. Two.", "What?\nAnswer 1: That.", "{", "字" * 9000, "x\n" * 5000]
)
@pytest.mark.parametrize("name", NAMES)
def test_parse(name: str, text: str, truncated: bool) -> None:
    edit = FORMATS.get(name)().parse(CONTEXT, text, truncated=truncated)
    assert isinstance(edit, SelfEdit) and isinstance(edit.lines, tuple)
    assert (edit.context_id, edit.format, edit.text, edit.truncated) == ("c1", name, text, truncated)
    assert all(isinstance(line, str) and line.strip() for line in edit.lines)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_described(name: str) -> None:
    fields = FORMATS.get(name).Config.model_fields  # type: ignore[attr-defined]
    assert fields and all(field.description for field in fields.values())


def test_the_knowledge_domain_takes_every_format() -> None:
    domain = DOMAINS.get("knowledge")()
    assert isinstance(domain, Domain) and domain.name == "knowledge"
    for name in NAMES:
        edit = FORMATS.get(name)().parse(CONTEXT, "Who?\nAnswer 1: He did.\n")
        examples = domain.examples(CONTEXT, edit)
        assert len(examples) == len(edit.lines) + 1 and CONTEXT.text in examples[-1].completion


def test_imports_without_torch() -> None:
    code = "import sys, seal.self_edits, seal.domains.knowledge; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
