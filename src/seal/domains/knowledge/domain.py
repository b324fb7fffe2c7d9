"""The knowledge domain: self-edits become training documents, questions become exam prompts.

Knows how a training document and an exam prompt are worded. Knows nothing about how a self-edit was
prompted or parsed, about tokens, or about how answers are graded.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from seal.domains.knowledge.load import load_contexts
from seal.errors import ConfigError
from seal.protocols import Domain
from seal.thoughts import without_thoughts
from seal.types import Context, ContextSource, Example, Messages, Question, SelfEdit

_BASE_EXAM: Final = "Let's answer a question directly and concisely.\nQuestion: {question}\nAnswer:"
_SHORT_EXAM: Final = "Question: {question}\nAnswer:"
_CHAT_EXAM: Final = "Answer the following question directly and concisely.\n\nQuestion: {question}"
_PLAIN_CHAT_EXAM: Final = "{question}"
_BASE_OPEN: Final = (
    "Let's read the following passage and answer a question directly and concisely.\n\n"
    "Passage:\n{title}\n{text}\n\nQuestion: {question}\nAnswer:"
)
_SHORT_OPEN: Final = "{title}\n{text}\n\nQuestion: {question}\nAnswer:"
_CHAT_OPEN: Final = (
    "Read the following passage and answer the question directly and concisely.\n\n"
    "Passage:\n{title}\n{text}\n\nQuestion: {question}"
)
_QUESTION_FORMATS: Final = frozenset({"self-qa"})


class KnowledgeConfig(BaseModel):
    """How a self-edit about a passage becomes training documents.

    The defaults are those of SEAL (arXiv 2506.10943), but for the title of questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    include_passage: bool = Field(
        default=True, description="Append the passage itself as the last training document."
    )
    title_prefix: bool = Field(
        default=True,
        description="Begin every training document with the passage's title on a line of its own.",
    )
    title_on_questions: bool = Field(
        default=False,
        description="Put the title before question-and-answer documents too. Off, they have just the form of "
        "the exam. Has no effect where title_prefix is off.",
    )
    instruction: bool = Field(
        default=True,
        description="A question in the chat style begins with the wish for a direct and concise answer. Off, "
        "the question is all that is said, as a user of a chat asks it.",
    )
    lines_per_example: int = Field(
        default=1, ge=1, description="How many consecutive lines of a self-edit make one training document."
    )


class Knowledge(Domain):
    """Passages to be known without having them in the prompt (a `seal.protocols.Domain`)."""

    name: str = "knowledge"
    answer_lead: str = " "
    answer_end: str = "\n"
    Config = KnowledgeConfig

    def __init__(self, config: KnowledgeConfig | None = None) -> None:
        self.config = config or KnowledgeConfig()

    def load(self, name: str, n: int, *, seed: int) -> ContextSource:
        """Return the first `n` passages of a file or folder; see `load_contexts` for what it raises."""
        notices: list[str] = []
        contexts = load_contexts(name, notice=notices.append)
        return ContextSource(contexts[:n], notices=tuple(notices))

    def examples(self, context: Context, self_edit: SelfEdit) -> tuple[Example, ...]:
        """Return the training documents: the lines of `self_edit` in their order, then the passage.

        The loss falls on all of each document. A self-edit without lines gives the passage alone, and
        nothing at all where `include_passage` is off.
        """
        size = self.config.lines_per_example
        is_questions = self_edit.format in _QUESTION_FORMATS
        prefix = self.config.title_prefix and (self.config.title_on_questions or not is_questions)
        chunks = [
            "\n".join(self_edit.lines[start : start + size]) for start in range(0, len(self_edit.lines), size)
        ]
        documents = [_document(context.title if prefix else "", chunk) for chunk in chunks]
        if self.config.include_passage:
            documents.append(_document(context.title if self.config.title_prefix else "", context.text))
        return tuple(Example(completion=document) for document in documents)

    def edit_alone(self) -> Knowledge:
        """Return the domain without the passage among the documents."""
        return Knowledge(self.config.model_copy(update={"include_passage": False}))

    def exam_prompt(self, question: Question, style: str) -> str | Messages:
        """Return the prompt that asks `question` closed-book: text, or messages in the "chat" style.

        Raises:
            ConfigError: the style is unknown.
        """
        chat = _CHAT_EXAM if self.config.instruction else _PLAIN_CHAT_EXAM
        templates = {"base": _BASE_EXAM, "chat": chat, "short": _SHORT_EXAM}
        return _worded(templates, style, question=question.text)

    def open_book_prompt(self, context: Context, question: Question, style: str) -> str | Messages:
        """Return the prompt that asks `question` with the passage before it, in the same styles.

        Raises:
            ConfigError: the style is unknown.
        """
        templates = {"base": _BASE_OPEN, "chat": _CHAT_OPEN, "short": _SHORT_OPEN}
        return _worded(templates, style, title=context.title, text=context.text, question=question.text)

    def clean_answer(self, text: str) -> str:
        """Return the answer in a completion; see the function of the same name."""
        return clean_answer(text)


def clean_answer(text: str) -> str:
    """Return a completion up to its first line break, without white space around it, and without thoughts.

    White space before the answer does not count: a chat model may begin with a line break.
    """
    lines = without_thoughts(text).strip().splitlines()
    return lines[0].strip() if lines else ""


def _document(title: str, body: str) -> str:
    return f"{title}\n{body}" if title else body


def _worded(templates: dict[str, str], style: str, **fields: str) -> str | Messages:
    if style not in templates:
        raise ConfigError(f'unknown prompt style "{style}".', f"Set it to one of {', '.join(templates)}.")
    text = templates[style].format(**fields)
    return [{"role": "user", "content": text}] if style == "chat" else text
