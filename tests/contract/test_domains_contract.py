"""Every registered domain keeps to the protocol, and to what the inner loop asks of a domain."""

from __future__ import annotations

from typing import Any

import pytest

from seal.domains import DOMAINS
from seal.errors import ConfigError
from seal.protocols import Domain
from seal.types import Context, Example, Question, SelfEdit

NAMES = DOMAINS.names()
# A context as each domain has it. A new domain adds its own here.
CONTEXTS = {
    "knowledge": Context("c1", "A title", "A passage."),
    "arc_agi": Context("c1", "", "Input:\n0 1\nOutput:\n1 0\n\nInput:\n0 2\nOutput:\n2 0\n\n"),
}


def _made(name: str) -> Any:
    return DOMAINS.get(name)()


def test_the_published_domains_are_there() -> None:
    assert {"knowledge", "arc_agi"} <= set(NAMES) and set(NAMES) <= set(CONTEXTS)


@pytest.mark.parametrize("name", NAMES)
def test_domain(name: str) -> None:
    domain, context = _made(name), CONTEXTS[name]
    assert isinstance(domain, Domain) and domain.name == name
    for edit in (SelfEdit("c1", "none", "", ()), SelfEdit("c1", "x", "text", ("A line.",))):
        examples = domain.examples(context, edit)
        assert isinstance(examples, tuple) and all(isinstance(one, Example) for one in examples)
        assert examples == domain.examples(context, edit)


@pytest.mark.parametrize("name", NAMES)
def test_exam(name: str) -> None:
    domain, question = _made(name), Question("A question", ("an answer",))
    for style in ("base", "short"):
        assert question.text in domain.exam_prompt(question, style)
        assert question.text in domain.open_book_prompt(CONTEXTS[name], question, style)
    (message,) = domain.exam_prompt(question, "chat")
    assert message["role"] == "user" and question.text in message["content"]
    with pytest.raises(ConfigError, match="unknown prompt style"):
        domain.exam_prompt(question, "chatt")
    assert domain.clean_answer("") == "" and domain.clean_answer("\nan answer\n\nmore") == "an answer"


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_described(name: str) -> None:
    fields = _made(name).Config.model_fields
    assert fields and all(field.description for field in fields.values())
