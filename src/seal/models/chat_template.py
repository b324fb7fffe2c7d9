"""Chat templates without `transformers`: the same text, but for the date.

Knows the language that templates are written in. Knows nothing about tokens, or about what is asked.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

TEMPLATE_DATE: Final = datetime(2024, 7, 26)
"""The day that every chat template is told it is: the one that Llama 3.1's own names where it is told none.
With today's, a document would give another self-edit tomorrow."""


def rendered(
    template: str,
    messages: Sequence[Mapping[str, str]],
    tokens: Mapping[str, str],
    add_generation_prompt: bool,
) -> str:
    """The messages as one text; `tokens` are the special tokens by their names in templates. Raises jinja2's
    TemplateError if the template refuses the messages, and whatever a faulty one leads to."""
    return _compiled(template).render(
        messages=[dict(message) for message in messages],
        tools=None,
        documents=None,
        add_generation_prompt=add_generation_prompt,
        **tokens,
    )


def applied(tokenizer: Any, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool) -> str:
    """The messages by a tokenizer's own template. Where that asks for the date it is rendered here, since
    `transformers` would tell it today's."""
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if isinstance(template, str) and "strftime_now" in template:
        return rendered(template, messages, tokenizer.special_tokens_map, add_generation_prompt)
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=add_generation_prompt
    )


@functools.lru_cache(maxsize=8)
def _compiled(template: str) -> Any:
    """As `transformers` compiles it."""
    import jinja2
    import jinja2.sandbox
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        """A block "generation" tells trainers what to learn. What stands in it is text like all else."""

        tags: set[str] = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    def raise_exception(message: str) -> NoReturn:
        raise jinja2.TemplateError(message)

    def tojson(
        x: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:  # jinja's own writes for HTML
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = TEMPLATE_DATE.strftime
    return environment.from_string(template)
