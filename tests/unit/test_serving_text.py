"""Text that is shown as it comes: whole characters, nothing of a stop string, and in the end all of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from seal.engine.serving.shown_text import ShownText
from seal.models.ending import Ender
from toys import toy_model, toy_tokenizer

TOKENIZER, MODEL = toy_tokenizer(), toy_model()
PIECES = st.sampled_from(
    ["a", "é", "漢", "\U0001f600", "\n", "\n\n", "stop", "st", "o", "p", " ", "Where", "e\u0301"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join), st.sets(st.sampled_from(["stop", "\n\n", "漢é", "op s"])))
def test_pieces_are_the_text(text: str, stops: set[str]) -> None:
    ender = Ender(MODEL, TOKENIZER, sorted(stops))
    shown, pieces, written = ShownText(ender.text, sorted(stops)), list[str](), list[int]()
    whole = None
    for token in TOKENIZER(text)["input_ids"]:
        written.append(token)
        whole = ender.ended(written)
        if whole is not None:
            break
        pieces.append(shown.add(token))
        assert "\ufffd" not in pieces[-1]
    ended = whole is not None
    whole = ender.text(written) if whole is None else whole
    assert whole == min((text.split(stop)[0] for stop in stops), key=len, default=text)
    assert ended == any(stop in text for stop in stops)
    so_far = "".join(pieces)
    assert whole.startswith(so_far), "nothing is shown that is then cut off"
    pieces.append(shown.end(whole))
    assert "".join(pieces) == whole


def test_what_can_be_shown_is_shown_at_once() -> None:
    shown = ShownText(Ender(MODEL, TOKENIZER, ["stop"]).text, ["stop"])
    tokens = [TOKENIZER(one)["input_ids"] for one in ("a", "é", "s", "t", "x")]
    assert [["" + shown.add(t) for t in ids][-1] for ids in tokens] == ["a", "é", "", "", "stx"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 257), max_size=12))
def test_parts_of_characters_that_never_become_one(tokens: list[int]) -> None:
    ender = Ender(MODEL, TOKENIZER, [])
    shown = ShownText(ender.text, [])
    pieces = [shown.add(token) for token in tokens]
    whole = ender.text(tokens)
    assert "".join([*pieces, shown.end(whole)]) == whole
