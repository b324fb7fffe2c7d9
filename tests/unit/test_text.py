"""The sentence splitter and the chunks made with it: nothing is lost, and nothing is said twice."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seal.domains.knowledge.chunks import chunks
from seal.errors import InputError
from seal.text import sentence_spans, sentences
from seal.types import Context, Question

UNICODE = st.text(st.characters(exclude_categories=()))
PROSE = st.lists(
    st.sampled_from(
        [
            "Dr. Smith came.",
            "He left!",
            "“Why?”",
            "U.S.",
            "\n\n",
            "\n",
            "- item",
            "3.5",
            "etc.",
            "日本。",
            "a",
            " ",
            "word",
        ]
    ),
    max_size=40,
).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Dr. J. R. Smith was born on Jan. 5, 1950 in Washington, D.C. He left the U.S. Army at 3.5.",
            2,
        ),
        ('"Why?" he asked. "Go!" She left.', 3),
        ("Greece was invaded.:32–40 When the Russians came.[12] Then all.", 3),
        ("No. 5 was here. I said no. He went.", 3),
        ("John F. Kennedy vs. Smith et al. wrote e.g. This.", 1),
        ("Acme Inc. was here. The firm of Acme Inc. It grew.", 3),
        ("- a\n- b\n- c", 3),
        ("Title\n\nPara one. Para two.\r\n\r\nPara three", 4),
        (
            "This is a hard wrapped line that goes on and on, for more than\n50 characters. And ends\nhere.",
            2,
        ),
        ("日本です。中国です。", 2),
        ("no punctuation at all", 1),
        ("He earned $3.5 million. 5 men came. What... Is this?! Yes.", 5),
        ("", 0),
        (" \n ", 0),
    ],
)
def test_sentences(text: str, expected: int) -> None:
    assert len(sentences(text)) == expected


@example("A0A0A\ud800O")
@given(UNICODE | PROSE)
def test_between_sentences_is_only_white_space(text: str) -> None:
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end and not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@given(UNICODE | PROSE, st.integers(8, 60))
def test_chunks_hold_the_text_once(text: str, max_tokens: int) -> None:
    context = Context("doc", "Title", text, (Question("Q?", ("A",)),))
    found = chunks(context, len, max_tokens)
    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())
    at = 0
    for piece in found:
        at = text.index(piece.text, at) + len(piece.text)
    assert not text.strip() or all(len(f"{one.title}\n{one.text}") <= max_tokens for one in found)
    assert len({one.id for one in found}) == len(found)
    assert {one.title for one in found} == {"Title"}


def words(text: str) -> int:
    return len(text.split())


def test_chunks_end_at_paragraphs_then_sentences() -> None:
    text = "One two. Three four.\n\nFive six.\n\nSeven eight nine. Ten eleven twelve. Last."
    found = chunks(Context("d", "T", text), words, 7)
    assert [one.text for one in found] == [
        "One two. Three four.\n\nFive six.",
        "Seven eight nine. Ten eleven twelve.",
        "Last.",
    ]
    assert [one.id for one in found] == ["d#1", "d#2", "d#3"]


def test_what_fits_stays_as_it_is() -> None:
    context = Context("d", "T", "One two.", (Question("Q?", ("A",)),))
    assert chunks(context, words, 3) == [context]


def test_a_title_without_room_is_an_error() -> None:
    with pytest.raises(InputError, match="max_tokens"):
        chunks(Context("d", "A long title", "text"), len, 12)


def test_a_long_word_is_cut() -> None:
    assert [one.text for one in chunks(Context("d", "", "abcdefgh"), len, 3)] == ["abc", "def", "gh"]
