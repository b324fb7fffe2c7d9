"""The prompts that ask a writer for a self-edit, one a format and style.

Knows the wordings and how a user's own template is checked and filled. Knows nothing about tokenizers:
the chat style is the text of the user's message, and whoever calls a model puts its chat template around it.

Source of the "base" wordings: SEAL (arXiv 2506.10943), appendix on knowledge incorporation; those of facts
and paraphrases are this project's, in the same form. The "short" wordings are those on which the embedded
model was pretrained, where it was. The "chat" wordings are this project's.
"""

from __future__ import annotations

import string
from typing import Final

from seal.errors import ConfigError
from seal.hints import guess
from seal.types import Context

STYLES: Final = ("base", "chat", "short")
PLACEHOLDERS: Final = ("title", "passage")

_BASE = "Let's read the following passage and {task}.\n\nPassage:\n{{title}}\n{{passage}}\n\n{cue}"
_SHORT = "Passage:\n{{title}}\n{{passage}}\n\n{cue}:\n"
_CHAT = "Read the following passage and {task}. {form}\n\nPassage:\n{{title}}\n{{passage}}"

_IMPLICATIONS = "produce a {length} of implications derived directly or indirectly from the content"
_ONE_A_LINE = "Write one implication a line, each a full sentence that can be understood without the passage."


def _implications(length: str, cue: str) -> dict[str, str]:
    task = _IMPLICATIONS.format(length=length)
    return {
        "base": _BASE.format(task=task, cue="Implications:\n"),
        "chat": _CHAT.format(task=task, form=_ONE_A_LINE),
        "short": _SHORT.format(cue=cue),
    }


TEMPLATES: Final[dict[str, dict[str, str]]] = {
    "implications": _implications("list", "Implications"),
    "implications-long": _implications("long list", "Long list of implications"),
    "implications-very-long": _implications("very long list", "Very long list of implications"),
    "rewrite": {
        "base": _BASE.format(
            task="rewrite it in a few different ways, each one separated by a newline",
            cue="Rewritten passages:\n",
        ),
        "chat": _CHAT.format(
            task="rewrite it in a few different ways",
            form="Write each rewritten passage as one paragraph that keeps every fact, and nothing else.",
        ),
        "short": _SHORT.format(cue="Rewrite"),
    },
    "self-qa": {
        "base": _BASE.format(task="rewrite it in a question-answer format", cue="Question 1: "),
        "chat": _CHAT.format(
            task="rewrite it as questions and answers",
            form='Begin each question with "Question:" and, on the next line, its answer with "Answer:".',
        ),
        "short": _SHORT.format(cue="Questions and answers"),
    },
    "facts": {
        "base": _BASE.format(task="list the facts stated in it, one short sentence each", cue="Facts:\n"),
        "chat": _CHAT.format(
            task="list the facts stated in it",
            form="Write one fact a line, each a short full sentence that names what it is about.",
        ),
        "short": _SHORT.format(cue="Facts"),
    },
    "paraphrases": {
        "base": _BASE.format(task="say each sentence of it in other words", cue="In other words:\n"),
        "chat": _CHAT.format(
            task="say each sentence of it in other words",
            form="Write one sentence a line, which keeps every name and number and adds nothing.",
        ),
        "short": _SHORT.format(cue="In other words"),
    },
}


def check_template(template: str, where: str) -> str:
    """Return `template` if it can be filled with a title and a passage.

    Raises:
        ConfigError: a placeholder is unknown, a brace is unbalanced, or the passage is not asked for.
    """
    how = "Use {title} and {passage}; write a brace that is meant as such twice: {{ or }}."
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(f"{where}: the template is not well-formed: {error}.", how) from error
    names = [name for _, name, _, _ in fields if name is not None]
    for _, name, specification, conversion in fields:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            hint = guess(name, PLACEHOLDERS, cutoff=0.5, shown=lambda one: f"{{{one}}}")
            raise ConfigError(f"{where}: the template has an unknown placeholder {{{name}}}.{hint}", how)
        if specification or conversion:
            raise ConfigError(f"{where}: the placeholder {{{name}}} takes no format or conversion.", how)
    if "passage" not in names:
        raise ConfigError(f"{where}: the template does not contain {{passage}}.", how)
    return template


def check_style(style: str) -> str:
    """Return `style` if it is one of `STYLES`.

    Raises:
        ConfigError: it is not.
    """
    if style not in STYLES:
        hint = guess(style, STYLES, cutoff=0.5, shown=lambda one: f'"{one}"')
        raise ConfigError(f'unknown prompt style "{style}".{hint}', f"Set it to one of {', '.join(STYLES)}.")
    return style


def fill(template: str, context: Context) -> str:
    """Return `template` with the title and the text of `context` in its placeholders."""
    return template.format(title=context.title, passage=context.text)
