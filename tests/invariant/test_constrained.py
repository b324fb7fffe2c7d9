"""A writer held to a grammar writes nothing else, whatever its tokenizer, and else as it would."""

from __future__ import annotations

import pytest
import torch

from seal.models.generate import generate
from seal.models.tokens import token_texts
from seal.self_edits.arc_directives import parse_directive
from seal.self_edits.arc_grammar import DirectiveGrammar, DirectiveSpace, GrammarConstraint, directives
from toys import toy_model, toy_tokenizer

SMALL = DirectiveSpace(use_size_augmentations=(False,), learning_rate=(1e-3, 1e-2), num_train_epochs=(1, 12))
PROMPTS = ["Directive: ", "Where was Petra Lund born?", "The town"]


def _constraint(space: DirectiveSpace) -> GrammarConstraint:
    tokenizer = toy_tokenizer()
    return GrammarConstraint(DirectiveGrammar(space), token_texts(tokenizer, 384), tokenizer.eos_token_id)


def _long_model():
    model = toy_model()
    model.config.max_position_embeddings = 1024
    return model


@pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
def test_every_text_is_a_whole_directive_of_the_space(temperature: float) -> None:
    found = generate(
        _long_model(),
        toy_tokenizer(),
        PROMPTS * 2,
        max_new_tokens=400,
        temperature=temperature,
        constraint=_constraint(SMALL),
        batch_size=5,
    )
    written = [parse_directive(one.text).directive for one in found]
    assert set(written) <= set(directives(SMALL))
    assert not any(one.truncated for one in found)
    assert temperature == 0 or len(set(written)) > 1


def test_without_it_the_same_model_writes_none() -> None:
    found = generate(_long_model(), toy_tokenizer(), PROMPTS, max_new_tokens=400, temperature=1.0)
    assert not any(parse_directive(one.text).directive for one in found)


def test_among_what_is_allowed_the_model_decides() -> None:
    """Where the grammar leaves two values, they come as often as the model's own odds say."""
    space = DirectiveSpace(
        use_basic_augmentations=(False, True),
        use_size_augmentations=(False,),
        use_chain_augmentations=(False,),
        use_repeat_augmentations=(False,),
        strategy=("train_using_all_tokens",),
        learning_rate=(1e-3,),
        num_train_epochs=(1,),
    )
    model, tokenizer, prompt = _long_model(), toy_tokenizer(), "Directive: "
    opening = '{"data_generation": {"use_basic_augmentations": '
    rows, most = [prompt] * 200, len(opening) + len("true")
    found = generate(
        model, tokenizer, rows, max_new_tokens=most, temperature=1.0, constraint=_constraint(space)
    )
    share = sum(one.text.startswith(opening + "true") for one in found) / len(found)
    constraint, state, ids = _constraint(space), None, tokenizer(prompt)["input_ids"]
    state, expected, mass = constraint.start, 0.0, {(constraint.start, tuple(ids), ""): 1.0}
    while mass:  # every way of writing the opening in tokens, with its probability
        (state, ids, text), p = mass.popitem()
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
        allowed = constraint.allowed(state)
        for token, q in zip(allowed, torch.softmax(logits[allowed], -1).tolist(), strict=True):
            new = text + constraint.texts[token]
            if p * q < 1e-4:
                continue
            if len(new) > len(opening):
                expected += p * q * (new[len(opening)] == "t")
            else:
                key = (constraint.advance(state, token), (*ids, token), new)
                mass[key] = mass.get(key, 0.0) + p * q
    assert share == pytest.approx(expected, abs=0.12)
