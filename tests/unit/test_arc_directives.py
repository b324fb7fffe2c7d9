"""Directives: strict parsing with a reason for each rejection, limits, and the grammar."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from arc import DIRECTIVES, EVERYTHING
from seal.errors import ConfigError
from seal.protocols import SelfEditFormat
from seal.self_edits import FORMATS
from seal.self_edits.arc_directives import (
    ArcDirectives,
    ArcDirectivesConfig,
    ParsedDirective,
    limit_work,
    parse_directive,
)
from seal.self_edits.arc_grammar import (
    DirectiveGrammar,
    DirectiveSpace,
    GrammarConstraint,
    directives,
    render,
)
from seal.types import Context, Directive

TEXT = render(EVERYTHING)
CONTEXT = Context("c", "", "01>10\n\n")
SMALL = DirectiveSpace(
    use_size_augmentations=(False,),
    use_chain_augmentations=(True,),
    use_repeat_augmentations=(False,),
    learning_rate=(1e-3, 1e-2),
    num_train_epochs=(1, 2, 10, 12),
)


def _changed(section: str, **changes: object) -> str:
    value = json.loads(TEXT)
    value[section].update(changes)
    return json.dumps(value)


def test_the_published_form() -> None:
    assert json.loads(TEXT) == {
        "data_generation": {
            "use_basic_augmentations": True,
            "use_size_augmentations": True,
            "use_chain_augmentations": True,
            "use_repeat_augmentations": True,
        },
        "training": {
            "strategy": "train_using_output_tokens",
            "learning_rate": 0.001,
            "num_train_epochs": 3,
        },
    }


@given(DIRECTIVES)
def test_parsing_undoes_rendering(directive: Directive) -> None:
    assert parse_directive(render(directive)) == ParsedDirective(directive)


@pytest.mark.parametrize(
    "text",
    [
        f"\n  {TEXT}\n",
        json.dumps(json.loads(TEXT), indent=2),
        json.dumps(dict(reversed(json.loads(TEXT).items()))),
        f"Sure, here is the configuration:\n{TEXT}",
        f"Sure, here is:\n\n```json\n{TEXT}\n```\n",
        f"```\n{TEXT}```",
        f"I use {{braces}} first.\n```JSON\n{TEXT}\n```",
        TEXT.replace("0.001", "1e-3"),
    ],
)
def test_accepted(text: str) -> None:
    assert parse_directive(text) == ParsedDirective(EVERYTHING)


REJECTED: list[tuple[str, str]] = [
    ("", "no JSON object"),
    ("I would rather not.", "no JSON object"),
    ("{", "ends before the JSON object does"),
    (TEXT[:-1], "ends before the JSON object does"),
    (TEXT[:100], "ends before the JSON object does"),
    (TEXT.replace(",", ";", 1), "broken JSON at line 1, column"),
    (TEXT.replace("true", "True", 1), "broken JSON at line 1"),
    ('{"a": ' * 20_000, "nested too deeply"),
    (f"{TEXT} I hope this helps!", "text after the JSON object: 'I hope this helps!'"),
    (f"{TEXT}\n{TEXT}", "text after the JSON object"),
    (f"```json\n{TEXT}\n```\nLet me know!", "text after the JSON object: 'Let me know!'"),
    ("{}", '"data_generation" is missing in the object'),
    (json.dumps({"data_generation": {}}), '"training" is missing in the object'),
    (json.dumps({"data_generation": [], "training": {}}), "data_generation must be an object, found a list"),
    (json.dumps({"data_generation": {}, "training": {}}), '"use_basic_augmentations" is missing in data_gen'),
    (json.dumps(json.loads(TEXT)["training"]), "unknown key 'strategy' in the object: it belongs into"),
    (TEXT.replace("use_size", "use_sise"), "Did you mean 'use_size_augmentations'"),
    (TEXT.replace("num_train_epochs", "epochs"), "unknown key 'epochs' in training"),
    (_changed("training", batch_size=2), "unknown key 'batch_size' in training"),
    (_changed("training", **{"x" * 5000: 2}), "unknown key 'xxxxx"),
    (_changed("training", **{"\ud800": 2}), "unknown key '\\ud800'"),
    (TEXT.replace('"training"', '"data_generation"'), "'data_generation' stands twice"),
    (TEXT.replace('"strategy"', '"learning_rate"'), "'learning_rate' stands twice"),
    (_changed("data_generation", use_size_augmentations=1), "must be true or false, found a whole number"),
    (_changed("data_generation", use_size_augmentations="true"), "found the text 'true'"),
    (_changed("data_generation", use_size_augmentations=None), "found null"),
    (_changed("training", strategy="train_using_outputs"), "Did you mean 'train_using_output_tokens'"),
    (_changed("training", strategy=True), "strategy must be a text, found true"),
    (_changed("training", strategy=["train_using_all_tokens"]), "strategy must be a text, found a list"),
    (_changed("training", learning_rate="1e-4"), "learning_rate must be a number, found the text '1e-4'"),
    (_changed("training", learning_rate=True), "learning_rate must be a number, found true"),
    (_changed("training", learning_rate=0), "above 0"),
    (_changed("training", learning_rate=-1e-4), "above 0"),
    (_changed("training", learning_rate=10**400), "finite"),
    (TEXT.replace("0.001", "1e999"), "finite"),
    (TEXT.replace("0.001", "NaN"), "NaN is no number"),
    (TEXT.replace("0.001", "-Infinity"), "-Infinity is no number"),
    (TEXT.replace("0.001", "9" * 9000), "too many digits"),
    (TEXT.replace("0.001", "..."), "broken JSON"),
    (_changed("training", num_train_epochs=2.0), "must be a whole number, found a number with a fraction"),
    (_changed("training", num_train_epochs=True), "must be a whole number, found true"),
    (_changed("training", num_train_epochs=0), "must be 1 or more"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REJECTED)
def test_rejected(text: str, reason: str) -> None:
    found = parse_directive(text)
    assert found.directive is None and reason in found.reason, found.reason
    found.reason.encode()  # can be printed
    assert len(found.reason) < 300


LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["data_generation", "training", "strategy", "learning_rate", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
CUTS = st.tuples(st.integers(0, len(TEXT)), st.integers(0, len(TEXT))).map(sorted)


@settings(max_examples=500)
@given(
    st.one_of(
        st.text(max_size=80),
        LOOSE.map(json.dumps),
        st.builds(lambda cut, new: TEXT[: cut[0]] + new + TEXT[cut[1] :], CUTS, st.text(max_size=3)),
        st.builds(lambda key, value: _changed("training", **{key: value}), st.text(max_size=3), LOOSE),
    ),
    st.booleans(),
    st.sampled_from(["refuse", "clip"]),
)
def test_any_text_is_a_directive_or_has_a_reason(text: str, truncated: bool, beyond: Any) -> None:
    found = parse_directive(text, ArcDirectivesConfig(beyond=beyond), truncated=truncated)
    assert (found.directive is None) == bool(found.reason)
    if found.directive is not None:
        assert parse_directive(render(found.directive)).directive == found.directive
    edit = ArcDirectives(ArcDirectivesConfig(beyond=beyond)).parse(CONTEXT, text, truncated=truncated)
    assert Directive.of(edit) == found.directive and edit.lines == () and edit.text == text
    assert edit.directives.get("rejected", "") == found.reason


def test_limits_refuse_or_clip_and_are_recorded() -> None:
    text = _changed("training", learning_rate=5, num_train_epochs=10**6)
    refused = parse_directive(text)
    assert refused.directive is None
    assert refused.reason == (
        "learning_rate 5 is above the limit of 0.1; num_train_epochs 1000000 is above the limit of 50"
    )
    clipping = ArcDirectivesConfig(beyond="clip")
    clipped = parse_directive(text, clipping)
    assert clipped.directive == replace(EVERYTHING, learning_rate=0.1, num_train_epochs=50)
    assert clipped.clipped == tuple(refused.reason.split("; "))
    edit = ArcDirectives(clipping).parse(CONTEXT, text)
    assert edit.directives["clipped"] == clipped.clipped and Directive.of(edit) == clipped.directive
    low = parse_directive(_changed("training", learning_rate=1e-9), clipping)
    assert low.directive == replace(EVERYTHING, learning_rate=1e-6) and "below the limit" in low.clipped[0]


def test_limits_of_steps_and_tokens() -> None:
    asked = ParsedDirective(replace(EVERYTHING, num_train_epochs=8))
    assert limit_work(asked, n_examples=46) == asked  # 368 steps
    refused = limit_work(asked, n_examples=47)
    assert refused.reason == "8 epochs of 47 steps are above the limit of 375 steps"
    assert limit_work(asked, n_examples=47, batch_size=2) == asked
    assert limit_work(asked, n_examples=10_000, batch_size=0) == asked  # all in one step
    clip = ArcDirectivesConfig(beyond="clip", max_tokens=900)
    clipped = limit_work(asked, n_examples=100, tokens_an_epoch=450, config=clip)
    assert clipped.directive == replace(EVERYTHING, num_train_epochs=2) and len(clipped.clipped) == 2
    assert limit_work(asked, n_examples=400, config=clip).directive is None  # not even one epoch
    none = ParsedDirective(None, "why")
    assert limit_work(none, n_examples=1) == none


def test_the_format_keeps_to_its_protocol() -> None:
    made = ArcDirectives()
    assert isinstance(made, SelfEditFormat) and FORMATS.get(made.name) is ArcDirectives
    assert all(field.description for field in ArcDirectivesConfig.model_fields.values())
    titled = Context("c", "A {title}", "01>10 {passage}\n\n")
    for style in ("base", "chat", "short"):
        assert made.prompt(CONTEXT, style).startswith(CONTEXT.text)
        assert made.prompt(titled, style).startswith(f"A {{title}}\n{titled.text}")
    assert made.prompt(CONTEXT, "short") == f"{CONTEXT.text}Directive: "
    assert '"learning_rate": ...' in made.prompt(CONTEXT, "base") and "{{" not in made.prompt(CONTEXT, "base")
    own = ArcDirectives(ArcDirectivesConfig(template="{passage}JSON:"))
    assert own.prompt(CONTEXT, "chat") == "01>10\n\nJSON:"
    with pytest.raises(ConfigError, match="unknown prompt style"):
        made.prompt(CONTEXT, "chatt")
    with pytest.raises(ConfigError, match=r"does not contain \{passage\}"):
        ArcDirectives(ArcDirectivesConfig(template="no"))


@pytest.mark.parametrize(
    "settings", [{"min_learning_rate": 1}, {"beyond": "ignore"}, {"max_steps": 0}, {"max_lr": 1}]
)
def test_bad_limits(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ArcDirectivesConfig(**settings)


# --- the grammar -------------------------------------------------------------------------------------------


def test_all_directives_in_order() -> None:
    found = directives()
    assert len(found) == len(set(found)) == 2**4 * 2 * 6 * 4
    assert directives(SMALL)[0] == Directive(False, False, True, False, "train_using_all_tokens", 1e-3, 1)
    assert len(directives(SMALL)) == 2 * 2 * 2 * 4


@pytest.mark.parametrize(
    "space",
    [
        {"learning_rate": ()},
        {"learning_rate": (0.1, 0.1)},
        {"learning_rate": (float("nan"),)},
        {"num_train_epochs": (0,)},
        {"x": 1},
    ],
)
def test_bad_space(space: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DirectiveSpace(**space)


def test_the_grammar_writes_every_directive_and_no_other() -> None:
    """Everything that can be written by following the allowed continuations, from the empty text on."""
    grammar = DirectiveGrammar(SMALL)
    written: set[str] = set()
    open_texts = [""]
    while open_texts:
        text = open_texts.pop()
        following = grammar.allowed_next(text)
        assert (not following) == grammar.is_complete(text) and all(following)
        written |= {text} if grammar.is_complete(text) else set()
        open_texts += [text + one for one in following]
    assert written == {render(one) for one in directives(SMALL)}


def test_the_default_grammar_accepts_the_whole_space() -> None:
    grammar = DirectiveGrammar()
    assert all(grammar.is_complete(render(one)) for one in directives())


def test_allowed_next_in_plain() -> None:
    grammar = DirectiveGrammar(SMALL)
    assert grammar.allowed_next("") == ('{"data_generation": {"use_basic_augmentations": ',)
    start = '{"data_generation": {"use_basic_augmentations": '
    assert grammar.allowed_next(start) == ("false", "true")
    assert grammar.allowed_next(start + "t") == ("rue",)
    assert grammar.allowed_next(start + "true") == (', "use_size_augmentations": ',)
    assert grammar.allowed_next(start + "maybe") == ()
    one = render(directives(SMALL)[0])  # ends in 1, which 10 and 12 go on from
    assert one.endswith(": 1}}")
    assert grammar.allowed_next(one[:-2]) == ("0", "2", "}}")
    assert grammar.allowed_next(one[:-1]) == ("}",)
    assert grammar.allowed_next(one) == () and grammar.is_complete(one) and grammar.allows(one)
    assert not grammar.allows(one + " ") and not grammar.is_complete(one[:-1])


@given(st.sampled_from(directives(SMALL)), st.data())
def test_advancing_in_pieces_is_advancing_at_once(directive: Directive, data: st.DataObject) -> None:
    grammar, text = DirectiveGrammar(SMALL), render(directive)
    cut = data.draw(st.integers(0, len(text)))
    state = grammar.advance(grammar.start, text[:cut])
    assert state and grammar.advance(state, text[cut:]) == grammar.advance(grammar.start, text)
    for following in grammar.continuations(state):
        assert grammar.advance(state, following)
    wrong = data.draw(st.text(min_size=1, max_size=3))
    assert grammar.allows(text[:cut] + wrong) == any(
        render(one).startswith(text[:cut] + wrong) for one in directives(SMALL)
    )


def test_a_decoder_over_any_vocabulary_never_fails_on_syntax() -> None:
    vocabulary = [
        "",
        '{"',
        "data",
        "_generation",
        "true",
        "false",
        "1",
        "10",
        "}}",
        " ok",
        "0.001",
        '": {"use_',
    ]
    vocabulary += sorted({character for one in directives(SMALL) for character in render(one)})
    end = 0
    constraint = GrammarConstraint(DirectiveGrammar(SMALL), vocabulary, end)
    for seed in range(20):
        rng, text, state = random.Random(seed), "", constraint.start
        while (token := rng.choice(constraint.allowed(state))) != end:
            text, state = text + vocabulary[token], constraint.advance(state, token)
        assert parse_directive(text).directive in directives(SMALL)


def test_a_vocabulary_that_cannot_go_on_is_an_error() -> None:
    constraint = GrammarConstraint(DirectiveGrammar(SMALL), ["", "no"], 0)
    with pytest.raises(ConfigError, match="no token"):
        constraint.allowed(constraint.start)
