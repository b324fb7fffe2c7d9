"""What can be known to fail is found before any work begins: texts that are too long for the model.

Knows nothing about training, and nothing about names (engine/parts.py). Each check names what is wrong by the
context's title and says by how much.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seal.errors import ConfigError, InputError
from seal.models.context import context_tokens
from seal.models.tokens import encode_completion, encode_prompt
from seal.types import Context, Example, SelfEdit

if TYPE_CHECKING:
    from seal.engine.adapt import Adaptation

LEAST_EDIT_TOKENS = 32
"""A prompt that leaves less room for the self-edit is an error; more than this is cut with a notice."""


def check_fit(
    adaptation: Adaptation, contexts: Sequence[Context], *, writes: bool = True, open_book: bool = False
) -> list[str]:
    """Check that every text fits the model's context, and set how long what it writes may get.

    Returns notices: the limits that had to be lowered, and answers too long to be given. Raises InputError
    naming the contexts that do not fit, ConfigError where a setting is longer than any context could be.
    """
    limit = context_tokens(adaptation.model)
    if limit is None:
        return []
    config, notices = adaptation.config, []
    faithful_length = config.inner.as_released.faithful_length
    if faithful_length > limit:
        raise ConfigError(
            f"inner.as_released.faithful_length is {faithful_length}, the model's context {limit} tokens",
            f"Set it to at most {limit}.",
        )
    _check_documents(adaptation, contexts, limit)
    if writes and adaptation.format.yields:
        longest = _check_writing(adaptation, contexts, limit)
        # One place is kept for the EOS that the policy update adds, one for what tokens merge into.
        room = limit - longest - 2
        if room < config.self_edit.max_new_tokens:
            adaptation.edit_tokens = room
            notices.append(
                f"self-edits are cut at {room} tokens instead of {config.self_edit.max_new_tokens}: "
                f"the longest prompt has {longest} and the model's context {limit}"
            )
    longest, answers = _check_exams(adaptation, contexts, limit, open_book)
    room = limit - longest
    if room < config.grading.max_new_tokens:
        adaptation.answer_tokens = room
        notices.append(
            f"answers are cut at {room} tokens instead of {config.grading.max_new_tokens}: the longest "
            f"question leaves no more of the model's context of {limit}"
        )
    if cut := [n for n in answers if n > adaptation.answer_tokens]:
        notices.append(
            f"{len(cut)} of {len(answers)} answers are longer than an answer may be, so that they cannot be "
            f"given: up to {max(cut)} tokens, where grading.max_new_tokens allows {adaptation.answer_tokens}"
        )
    return notices


def fitting(adaptation: Adaptation, examples: Sequence[Example]) -> tuple[Example, ...]:
    """The examples that the model's context holds."""
    limit = context_tokens(adaptation.model)
    return tuple(one for one in examples if limit is None or adaptation.length_tokens(one) <= limit)


def fingerprint(adaptation: Adaptation, **sources: Sequence[Context]) -> dict[str, str]:
    """SHA-256 of the contexts with their exams, by the name of their source, and of the prompts' wording."""
    digests = {name: _digest(contexts) for name, contexts in sources.items()}
    probe = Context("id", "title", "passage")
    prompt = f"{adaptation.style}\n{adaptation.writing_prompt(probe)}"
    return digests | {"prompt": hashlib.sha256(prompt.encode()).hexdigest()}


def _digest(contexts: Sequence[Context]) -> str:
    digest = hashlib.sha256()
    for context in contexts:
        exam = [(q.text, q.answers) for q in context.questions]
        digest.update(repr((context.id, context.title, context.text, exam)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _check_documents(adaptation: Adaptation, contexts: Sequence[Context], limit: int) -> None:
    lengths = {}
    for context in contexts:
        for example in adaptation.domain.examples(context, SelfEdit(context.id, "none", "", ())):
            lengths[context.id] = max(lengths.get(context.id, 0), adaptation.length_tokens(example))
    _complain(contexts, lengths, limit, "as a training document")


def _check_writing(adaptation: Adaptation, contexts: Sequence[Context], limit: int) -> int:
    lengths = {c.id: len(encode_prompt(adaptation.tokenizer, adaptation.writing_prompt(c))) for c in contexts}
    needed = {id: n + min(LEAST_EDIT_TOKENS, adaptation.edit_tokens) + 2 for id, n in lengths.items()}
    _complain(contexts, needed, limit, "in the prompt that asks for a self-edit, with the least room for one")
    return max(lengths.values(), default=0)


def _check_exams(
    adaptation: Adaptation, contexts: Sequence[Context], limit: int, open_book: bool
) -> tuple[int, list[int]]:
    """The lengths of the longest exam prompt, and of the shortest answer to each question that has one, after
    a check that each prompt has room for its gold answer."""
    tokenizer, longest, needed = adaptation.tokenizer, 0, {}
    shortest: list[int] = []
    for context in contexts:
        for question in context.questions:
            prompt = adaptation.exam_prompt(context if open_book else None, question)
            n = len(encode_prompt(tokenizer, prompt))
            gold = [adaptation.answer_lead + answer for answer in question.answers]
            answers = [len(encode_completion(tokenizer, answer, append_eos=False)) for answer in gold]
            shortest += [min(answers)] if answers else []
            longest = max(longest, n)
            needed[context.id] = max(needed.get(context.id, 0), n + sum(answers[:1]))
    where = "with one of its questions and the answer" if open_book else "in one of its questions and answers"
    _complain(contexts, needed, limit, where)
    return longest, shortest


def _complain(contexts: Sequence[Context], lengths: dict[str, int], limit: int, where: str) -> None:
    """Raises InputError if some contexts need more than `limit` tokens."""
    bad = [c for c in contexts if lengths.get(c.id, 0) > limit]
    if not bad:
        return
    worst = max(bad, key=lambda c: lengths[c.id])
    more = f" ({len(bad)} contexts are too long; this is the longest)" if len(bad) > 1 else ""
    raise InputError(
        f"{_named(worst)} has {lengths[worst.id]} tokens {where}, and the model's context is "
        f"{limit} tokens{more}",
        "Split it into shorter passages, leave it out, or take a model with a longer context.",
    )


def _named(context: Context) -> str:
    """How a context is called: a passage by its title, a task by its name."""
    if context.title or not context.questions:
        return f'the passage "{context.title}"'
    return f'the task "{context.questions[0].id}"'
