"""What a model tells as JSON, in markup or in a table is what it would have told in plain lines."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.self_edits import FORMATS
from seal.types import Context

CONTEXT = Context("x", "Alder Mill", "Alder Mill was built in 1844.", ())
STATED = ("implications", "implications-long", "facts", "rewrite")
NAMES = st.sampled_from("Alder Birch Cedar Elm Hazel Larch Maple Rowan".split())
SENTENCES = st.lists(
    st.builds("{} {} has {} rooms in its {} wing.".format, NAMES, NAMES, st.integers(2, 999), NAMES),
    min_size=2,
    max_size=6,
    unique=True,
)
SHAPES = {
    "list": lambda told: told,
    "object of a list": lambda told: {"facts": told},
    "numbered": lambda told: {str(at): one for at, one in enumerate(told, 1)},
    "objects": lambda told: [{"id": at, "fact": one} for at, one in enumerate(told)],
    "deep": lambda told: {"result": {"statements": [{"statement": one, "source": "text"} for one in told]}},
}
AROUND = (
    "{}",
    "```json\n{}\n```",
    "Here are the facts:\n\n{}\n\nLet me know if you need more!",
    "<think>\nHm.\n</think>\n{}",
)


def lines(name: str, text: str, **more: bool) -> tuple[str, ...]:
    return FORMATS.get(name)().parse(CONTEXT, text, **more).lines


@given(
    SENTENCES,
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from(AROUND),
    st.sampled_from([None, 2]),
    st.sampled_from(STATED),
)
def test_statements_in_json_are_lines(
    told: list[str], shape: str, around: str, indent: int | None, name: str
) -> None:
    text = around.format(json.dumps(SHAPES[shape](told), indent=indent))
    assert lines(name, text) == tuple(told)


@given(SENTENCES, st.data())
def test_of_a_list_that_breaks_off_whole_items_stay(told: list[str], data: st.DataObject) -> None:
    text = json.dumps(data.draw(st.sampled_from([told, {"facts": told}])))
    cut = data.draw(st.integers(text.index(told[0]) + len(told[0]) + 1, len(text) - 1))
    whole = [one for one in told if text.find(json.dumps(one)) + len(json.dumps(one)) <= cut]
    assert lines("facts", text[:cut], truncated=True) == tuple(whole)


@given(SENTENCES)
def test_an_object_a_line(told: list[str]) -> None:
    assert lines("facts", "\n".join(json.dumps({"fact": one}) for one in told)) == tuple(told)


@pytest.mark.parametrize(
    "text",
    [
        '[{"question": "When?", "answer": 1844}, {"question": "Who?"}]',
        '{"questions": [{"q": "When?", "a": "1844"}]}',
        '{"qa_pairs": [{"Question 1": "When?", "Answer 1": "1844"}]}',
        '{"question": "When?", "answer": "1844"}\n{"question": "Who?", "answer": ',
    ],
)
def test_pairs_in_json_are_pairs_and_no_statements(text: str) -> None:
    assert lines("self-qa", text) == ("Question: When?\nAnswer: 1844",)
    assert lines("facts", text) == ()


@pytest.mark.parametrize(
    "text", ["[1] It has a roof.\n[2] It has a door.", "It has {three} floors.", '["It has a roof.']
)
def test_what_is_no_json_is_read_as_ever(text: str) -> None:
    assert lines("facts", text) and "{" not in lines("facts", text.replace("{three}", "3"))[0]


@pytest.mark.parametrize("piece", ["[", '["', '{"a": ', '["a", ', '[{"fact": "a"}, ', "[[", "{"])
def test_time_grows_with_the_length(piece: str) -> None:
    def seconds(n: int) -> float:
        start = time.process_time()
        lines("facts", piece * (n // len(piece)))
        return time.process_time() - start

    assert seconds(40_000) < 30 * min(seconds(4_000) for _ in range(3)) + 0.2


LISTS = {
    "bullets": lambda told: "\n".join(f"- {one}" for one in told),
    "signs": lambda told: "\n".join(f"✅ {one}" for one in told),
    "arrows": lambda told: "\n".join(f"→ {one}" for one in told),
    "keycaps": lambda told: "\n".join(f"{at}\ufe0f\u20e3 {one}" for at, one in enumerate(told, 1)),
    "circles": lambda told: "\n".join(f"{chr(0x2460 + at)} {one}" for at, one in enumerate(told)),
    "letters": lambda told: "\n".join(f"{chr(97 + at)}) {one}" for at, one in enumerate(told)),
    "html": lambda told: "<ul>" + "".join(f"<li>{one}</li>" for one in told) + "</ul>",
    "escaped": lambda told: "\\n".join(f"- {one}" for one in told),
    "table": lambda told: (
        "| # | Fact |\n|---|---|\n" + "\n".join(f"| {at} | {one} |" for at, one in enumerate(told))
    ),
    "speaker": lambda told: "Assistant: " + "\n".join(told) + "<|eot_id|>",
}


@given(SENTENCES, st.sampled_from(sorted(LISTS)), st.sampled_from(["facts", "implications"]))
def test_a_list_in_any_markup_is_its_items(told: list[str], kind: str, name: str) -> None:
    assert lines(name, LISTS[kind](told)) == tuple(told)


PAIRS = (
    "Q: {q}\nA: {a}",
    "Q. {q}\nA. {a}",
    "**Q1:** {q}\n**A1:** {a}",
    "Question - {q}\nAnswer - {a}",
    "<question>{q}</question><answer>{a}</answer>",
    "<qa><q>{q}</q>\n<a>{a}</a></qa>",
    "### Question\n{q}\n\n### Answer\n{a}",
    "**Question 1**\n{q}\n**Answer 1**\n{a}",
    "User: {q}\nAssistant: {a}",
    "1. {q} ({a})",
    "{q} — {a}",
)


@given(st.sampled_from(PAIRS), NAMES, NAMES, st.integers(2, 999))
def test_a_pair_in_any_markup_is_a_pair(form: str, one: str, other: str, n: int) -> None:
    question, answer = f"How many rooms does {one} Mill have?", f"{other} has {n}"
    assert lines("self-qa", form.format(q=question, a=answer)) == (f"Question: {question}\nAnswer: {answer}",)
