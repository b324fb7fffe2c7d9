"""Texts become the tokens that a model has seen, and never those that only a template writes."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints import save_toy
from seal.domains.knowledge.load import load_contexts, load_questions
from seal.engine.adapt import Adaptation
from seal.errors import ConfigError, InputError
from seal.learner.compiling import Compiler
from seal.learner.room import units_that_fit
from seal.learner.settings import LearnerConfig
from seal.learner.writing import SourceDocument
from seal.models.chat import answer_lead, chat_prompt, turn_ends
from seal.models.generate import generate
from seal.models.kept_tokenizers import plain_version
from seal.models.load import load_model, load_with_transformers
from seal.models.score import score_answers
from seal.models.token_traits import raw_ids, traits_of
from seal.models.tokens import (
    decode_completion,
    encode_completion,
    encode_pair,
    encode_prompt,
)
from seal.self_edits import FORMATS
from seal.signs import in_characters
from seal.training import train
from seal.types import Example, Hyperparameters, TrainingPlan
from toy_tokenizers import CHATML, KINDS, LOSSY, SPECIAL, toy_language_model, toy_tokenizer_of, toy_trained

PROMPT = "Question: Who founded the mill?\nAnswer:"
QUESTION = [{"role": "user", "content": "Who founded the mill?"}]
ANSWERS = {"": " Edwin Harrow\n", "two": " Petra Lund, 1931\n", "number": " 1931\n", "sign": " (b) 20%\n"}
TEMPLATES = {
    "chatml": CHATML,
    "bos-first": "{{ bos_token }}" + CHATML,
    "bos-spelled": "<s>" + CHATML,
    "bos-twice": "{{ bos_token }}{{ bos_token }}" + CHATML,
    "llama-2": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]"
        "{% else %} {{ m.content | trim }} {{ eos_token }}{% endif %}{% endfor %}"
    ),
    "mark-last": (
        "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>{% endif %}"
    ),
}
PIECES = st.one_of(
    st.sampled_from(
        [*SPECIAL, "<|im_", "end|>", "<", "</s", "s>", "▁", " ", "  ", "\n", "\0", "\ud83d", "\ude00"]
    ),
    st.text(max_size=6),
    st.sampled_from(["Edwin", "the mill", "1931", "<<s>s>", "＜eos＞", "\ufdd0", "</s></s>"]),
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)


def plain(tokenizer: Any) -> Any:
    """The same tokenizer without `transformers`."""
    ours = plain_version(tokenizer, Path())
    assert ours is not None
    return ours


def controls(tokenizer: Any, ids: list[int]) -> list[int]:
    return [id for id in ids if id in traits_of(tokenizer).controls and id != tokenizer.unk_token_id]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_a_models_own_answer_has_the_likelihood_with_which_it_wrote_it(kind: str, answer: str) -> None:
    """The model has learned whole texts, as models do: nothing in it knows of a border."""
    tokenizer = toy_tokenizer_of(kind, bos=True)
    ids = list(tokenizer(PROMPT + answer)["input_ids"])
    model, n_prompt = toy_trained(kind, tuple(ids)), len(encode_prompt(tokenizer, PROMPT))
    assert encode_prompt(tokenizer, PROMPT) == ids[:n_prompt]
    [said] = generate(model, tokenizer, [PROMPT], max_new_tokens=len(ids) - n_prompt)
    if kind not in LOSSY:
        assert said.text == answer
    with torch.inference_mode():
        logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    wanted = sum(float(logs[at - 1, ids[at]]) for at in range(n_prompt, len(ids)))
    for text in (answer, said.text):
        [score] = score_answers(model, tokenizer, [(PROMPT, text)])
        assert score.exact and score.log_probability == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("kind", ["bytes", "metaspace-always", "metaspace-first", "llama-legacy", "unigram"])
@pytest.mark.parametrize("template", ["chatml", "llama-2", "mark-last"])
def test_so_it_has_in_a_chat(kind: str, template: str) -> None:
    tokenizer = toy_tokenizer_of(kind, template=TEMPLATES[template])
    chat = [*QUESTION, {"role": "assistant", "content": "Edwin Harrow"}]
    whole = tokenizer.apply_chat_template(chat, tokenize=False)
    if template == "mark-last":
        whole = whole.replace("<|im_start|>assistant: ", "<start_of_turn>")
    ids, prompt = raw_ids(tokenizer, whole), chat_prompt(tokenizer, QUESTION)
    n_prompt = len(encode_prompt(tokenizer, prompt))
    assert encode_prompt(tokenizer, prompt) == ids[:n_prompt]
    model = toy_trained(kind, tuple(ids))
    [said] = generate(model, tokenizer, [prompt], max_new_tokens=len(ids) - n_prompt + 2)
    assert (said.text.strip(), said.truncated) == ("Edwin Harrow", False)
    [score] = score_answers(model, tokenizer, [(prompt, answer_lead(tokenizer) + said.text.strip())])
    assert score.exact and score.probability > 0.3


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), TEXTS)
def test_no_text_becomes_a_special_token_and_it_comes_back(kind: str, text: str) -> None:
    tokenizer = toy_tokenizer_of(kind, bos=True, eos=True)
    prompt, completion = encode_prompt(tokenizer, text), encode_completion(tokenizer, text, append_eos=False)
    assert prompt[:1] == [tokenizer.bos_token_id] and not controls(tokenizer, prompt[1:])
    assert not controls(tokenizer, completion)
    if kind not in (*LOSSY, "unigram"):
        assert tokenizer.unk_token_id not in completion
        read = in_characters(text).replace("\0", "\ufffd")
        assert decode_completion(tokenizer, completion) == (
            read if kind.startswith("bytes") else read.replace("▁", " ")
        )


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(sorted(TEMPLATES)), TEXTS)
def test_a_message_stays_text_and_the_templates_own_tokens_are_real(
    kind: str, template: str, text: str
) -> None:
    tokenizer = toy_tokenizer_of(kind, bos=True, eos=True, template=TEMPLATES[template])
    harmless = chat_prompt(tokenizer, [{"role": "user", "content": "x"}])
    prompt = chat_prompt(tokenizer, [{"role": "user", "content": text}])
    own = controls(tokenizer, encode_prompt(tokenizer, harmless))
    assert controls(tokenizer, encode_prompt(tokenizer, prompt)) == own
    assert controls(tokenizer, encode_prompt(tokenizer, prompt + f" {text}")) == own
    assert own[0] == tokenizer.bos_token_id and own[1:2] != own[:1]
    again = pickle.loads(pickle.dumps(prompt))
    assert encode_prompt(tokenizer, again) == encode_prompt(tokenizer, prompt)
    if "trim" not in TEMPLATES[template]:
        assert text.replace("\ufdd0", "") in prompt.replace("\ufdd0", "")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from([PROMPT, "Implications:\n", "a b"]), TEXTS)
def test_a_continuation_has_the_tokens_that_it_has_in_the_whole_text(
    kind: str, prompt: str, text: str
) -> None:
    tokenizer = toy_tokenizer_of(kind)
    whole, before = raw_ids(tokenizer, prompt + text), raw_ids(tokenizer, prompt)
    head, rest = encode_pair(tokenizer, prompt, text, append_eos=False)
    assert head == before
    word = text[:1].isalnum() and prompt[-1:].isalnum()  # one word on both sides of the border
    special = traits_of(tokenizer).controls.keys() & set(whole)
    if whole[: len(before)] == before and not special and not word:
        assert rest == whole[len(before) :]


@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("kind", ["bytes", "llama-legacy"])
def test_a_sequence_begins_once_and_does_not_end(kind: str, template: str, bos: bool) -> None:
    theirs = toy_tokenizer_of(kind, bos=bos, eos=True, template=TEMPLATES[template])
    begins = int(bos or template in ("bos-first", "bos-spelled", "bos-twice", "llama-2"))
    for tokenizer in (theirs, plain(theirs)):
        ids = encode_prompt(tokenizer, chat_prompt(tokenizer, QUESTION))
        assert ids.count(tokenizer.bos_token_id) == begins == ids[:1].count(tokenizer.bos_token_id)
        assert tokenizer.eos_token_id not in ids
        prompt, text = encode_pair(tokenizer, "", chat_prompt(tokenizer, QUESTION) + " Yes.", append_eos=True)
        assert (prompt + text).count(tokenizer.bos_token_id) == begins and text[-1] == tokenizer.eos_token_id
        assert (prompt + text)[: len(ids)] == ids
        for text in (PROMPT, "", "<s>"):
            assert encode_prompt(tokenizer, text).count(tokenizer.bos_token_id) == int(bos)


def test_chats_end_where_the_template_ends_a_turn() -> None:
    """A model that was tuned to chat may still be stored with the end token of its base."""
    tokenizer = toy_tokenizer_of("llama-legacy", template=CHATML)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert turn_ends(tokenizer) == {end} != {tokenizer.eos_token_id}
    assert turn_ends(toy_tokenizer_of("llama-legacy")) == frozenset()


@pytest.mark.parametrize("form", ["%d %b %Y", "%Y-%m-%d %H:%M:%S.%f", "%A", "%s"])
def test_a_template_is_told_the_same_day_every_day(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{%- if not date_string is defined %}{% set date_string = strftime_now('" + form + "') %}"
    template += "{% endif %}Today: {{ date_string }}\n" + CHATML
    theirs = toy_tokenizer_of("bytes", template=template)
    prompts = {chat_prompt(one, QUESTION) for one in (theirs, plain(theirs))}
    assert len(prompts) == 1
    if form.startswith("%d"):
        assert prompts.pop().startswith("Today: 26 Jul 2024\n")


@pytest.mark.parametrize(
    "template",
    [
        "{% if messages[0].role != 'system' %}{{ raise_exception('a system message is needed') }}{% endif %}",
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[7].content.nowhere }}",
        "{% for m in messages %}{{ m.content / 2 }}{% endfor %}",
        "{{ messages[0]",
        "{{ none_such(messages) }}",
    ],
)
def test_a_template_that_refuses_or_fails_is_an_error_with_advice(template: str) -> None:
    theirs = toy_tokenizer_of("bytes", template=template)
    tokenizers = [theirs] if template.endswith("[0]") else [theirs, plain(theirs)]
    for tokenizer in tokenizers:
        with pytest.raises(InputError, match=r"chat template does not take these messages \(user\)") as error:
            chat_prompt(tokenizer, QUESTION)
        assert "prompt_style" in str(error.value)
    with pytest.raises(ConfigError, match="no chat template"):
        chat_prompt(toy_tokenizer_of("bytes"), QUESTION)


def test_padding_changes_nothing_wherever_it_comes_from() -> None:
    """A pad token beyond the embeddings, none, or the end token itself."""
    tokenizer = toy_tokenizer_of("bytes")
    model, found = toy_language_model(420), []
    plan = TrainingPlan(
        "one",
        (Example(" Edwin Harrow", prompt="Who?"), Example(" Petra Lund was born in Ostrava in 1931.")),
        Hyperparameters(rank=2, alpha=4.0, epochs=2, batch_size=2),
        seed=1,
    )
    for pad in ("<pad>", "</s>", None, "<beyond>"):
        own = pickle.loads(pickle.dumps(tokenizer))
        own.add_special_tokens({"pad_token": pad}) if pad else setattr(own, "pad_token", None)
        texts = generate(model, own, ["a", "the town of Brenk lies on the river"], max_new_tokens=8)
        scores = score_answers(model, own, [("a", " b"), ("the town of Brenk", " lies on the river")])
        [adapter] = train(model, own, [plan])
        found.append((texts, scores, [x.tolist() for pair in adapter.factors.values() for x in pair]))
    assert found[1:] == found[:1] * 3


def test_a_tokenizer_with_more_tokens_than_the_model() -> None:
    from seal.models.token_traits import limit_rows

    theirs, model = pickle.loads(pickle.dumps(toy_tokenizer_of("bytes"))), toy_language_model(420)
    theirs.add_tokens(["<extra>", "mill", "é"])
    for call in (
        lambda: generate(model, theirs, ["an <extra> one"]),
        lambda: score_answers(model, theirs, [("an", " <extra> one")]),
        lambda: train(model, theirs, [TrainingPlan("p", (Example("the mill"),), Hyperparameters(), seed=1)]),
    ):
        with pytest.raises(InputError, match=r"the token 42\d .* has 420"):
            call()
    limit_rows(theirs, model.get_input_embeddings().weight.shape[0])
    for text in ("an <extra> one", "the mill and the mill", "<extra><extra>"):
        ids = encode_completion(theirs, text, append_eos=False)
        assert max(ids) < 420 and decode_completion(theirs, ids) == text


def test_more_embeddings_than_tokens() -> None:
    """A model whose table is padded may write an id that is no token: it says nothing."""
    tokenizer, model = toy_tokenizer_of("bytes"), toy_language_model(512)
    with torch.no_grad():
        model.get_output_embeddings().weight[:420] = 0
        model.get_output_embeddings().weight[420:] *= 9
    said = generate(model, tokenizer, ["the mill", "a"], max_new_tokens=4)
    assert {one.text for one in said} <= {""} or all(one.n_tokens == 4 for one in said)


def test_what_a_model_writes_has_no_special_tokens() -> None:
    for kind in KINDS:
        tokenizer = toy_tokenizer_of(kind)
        ids = encode_completion(tokenizer, " Edwin", append_eos=True)
        marks = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<start_of_turn>", "<pad>"])
        assert decode_completion(tokenizer, [marks[0], *ids, *marks]).strip() == "Edwin"


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3"])
@pytest.mark.parametrize("pad", [384, 50_000])
def test_a_pad_token_beyond_the_embeddings_is_loaded(kind: str, pad: int, tmp_path: Path) -> None:
    """As after a token was added to the tokenizer alone."""
    folder = save_toy(tmp_path / "toy", kind, context_tokens=128)
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token_id": pad}))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token": "<beyond>"}))
    for load in (load_model, load_with_transformers):
        model, tokenizer = load(folder)
        assert tokenizer.pad_token_id < 384
        said = generate(model, tokenizer, ["a", "the town of Brenk lies on the river"], max_new_tokens=4)
        assert [one.n_tokens for one in said] == [4, 4]


@pytest.mark.parametrize("context", [160, 256, 512, 1024, 2048])
@pytest.mark.parametrize("chat", [True, False])
def test_what_is_written_about_a_document_fits_a_short_context(
    context: int, chat: bool, tmp_path: Path
) -> None:
    """With the default lengths, of which the self-edit alone is 1,024 tokens."""
    config = LearnerConfig(method="pieces")
    folder = save_toy(tmp_path / "toy", chat=chat, context_tokens=context)
    base = Adaptation.load(config.engine_config(str(folder)))
    if context == 160:
        with pytest.raises(InputError, match="context of 160 tokens"):
            Compiler(config, base, base)
        return
    compiler = Compiler(config, base, base)
    text = " ".join(f"Petra Lund number {n} was born in Ostrava." for n in range(200))
    for piece in compiler.pieces(SourceDocument("0" * 64, "Petra Lund", text)):
        for name in config.writing.formats:
            writer = replace(base, format=FORMATS.get(name)())
            prompt = encode_prompt(base.tokenizer, writer.writing_prompt(piece))
            assert len(prompt) + compiler.edit_tokens <= context
    assert compiler.edit_tokens >= min(32, context // 4)
    endless = "the mill is old and the bridge is older and " * 300
    units = units_that_fit(base, "", f"{endless}.\n\nIt is so.")
    assert max(len(encode_prompt(base.tokenizer, unit.text)) for unit in units) <= context // 5 + 1
    assert sum(len(unit.text.split()) for unit in units) >= len(endless.split()) + 3


def test_half_a_surrogate_pair_in_a_data_set_stops_nothing(tmp_path: Path) -> None:
    """JSON can escape one; what is written about it is UTF-8."""
    path = tmp_path / "passages.json"
    asked = {"question": "Where \ud83d was she born?", "answer": "Ostr\udc00ava", "id": "\ud800"}
    record = {
        "title": "Petra\udfff Lund",
        "text": "She was \ud83d\ude00 born \ud83d in Ostrava.",
        "questions": [asked],
    }
    path.write_text(json.dumps([record]))
    [context] = load_contexts(path)
    repr((context.title, context.text, context.questions)).encode("utf-8")
    assert (
        context.text == "She was \U0001f600 born \ufffd in Ostrava." and "\ufffd" in context.questions[0].text
    )
    path.write_text(json.dumps([asked]))
    assert load_questions(path)[0].answers == ("Ostr\ufffdava",)
