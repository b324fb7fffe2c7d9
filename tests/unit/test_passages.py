"""Passages: found by words, numbers, letters and links, in whatever order; and known when not there."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.errors import InputError
from seal.retention import DocumentPage, Finder, PageText, PassageIndex, PassageMatch, confidence
from seal.retention.stretches import STRETCH_WORDS, stretches_of
from seal.retention.terms import stem, terms_in

OWN = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "data" / "passages.json").read_text(encoding="utf-8")
)
FAQ = PageText(
    "faq",
    "Kestrel Books",
    "Kestrel Books writes invoices for small trades. A trial lasts 21 days. Charities pay 40 % less.",
    sequence=1,
)
NOTES = PageText(
    "notes",
    "Minutes of the garden society",
    "The seed swap takes place in the parish hall. Hanna brings the tables. The shed gets a roof in 2031.",
    sequence=2,
)
RULES = PageText(
    "rules",
    "House rules",
    "Bicycles belong in the shed behind the house. The laundry may be used until eight in the evening.",
    sequence=3,
)
INDEX = PassageIndex([FAQ, NOTES, RULES])


def keys(index: PassageIndex, question: str, k: int = 3) -> list[str]:
    return [match.key for match in index.search(question, k)]


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Where will the seed be swapped?", "notes"),
        ("How long may I try it, 21 days?", "faq"),
        ("What discount do charities have?", "faq"),
        ("What do charites pay?", "faq"),
        ("where do i put my bicycle", "rules"),
        ("WHEN DOES THE LAUNDRY CLOSE?", "rules"),
        ("What happens in 2031?", "notes"),
    ],
)
def test_the_passage_is_found(question: str, key: str) -> None:
    assert keys(INDEX, question)[0] == key


@pytest.mark.parametrize("question", ["Who wrote Hamlet?", "", "what is it?", "?!", "2030"])
def test_nothing_is_found_where_no_word_is_there(question: str) -> None:
    assert keys(INDEX, question) == []
    assert confidence(INDEX.search(question)) == 0


@pytest.mark.parametrize("name", ["German", "Chinese"])
def test_other_languages(name: str) -> None:
    given = OWN[name]
    index = PassageIndex(PageText(title, title, text) for title, text in given["documents"].items())
    found = [keys(index, question)[:1] == wanted for question, wanted in given["questions"]]
    assert sum(found) >= 9, [q for (q, _), right in zip(given["questions"], found, strict=True) if not right]


def test_questions_that_take_two_documents_get_passages_of_both() -> None:
    given = OWN["two documents"]
    index = PassageIndex(PageText(title, title, text) for title, text in given["documents"].items())
    both = [set(wanted) <= set(keys(index, question)) for question, wanted in given["questions"]]
    assert sum(both) >= 24, [q for (q, _), right in zip(given["questions"], both, strict=True) if not right]


def test_a_name_leads_on_though_the_other_document_has_no_word_of_the_question() -> None:
    person = PageText("person", "Ana Lopez", "Ana Lopez is employed by Acme Works since 1994.")
    firm = PageText("firm", "Acme Works", "It stands on the quay at Torvik.")
    index = PassageIndex([person, firm, NOTES, RULES])
    assert keys(index, "Where is the employer of Ana Lopez based?")[:2] == ["person", "firm"]


def test_numbers_are_exact_and_thousands_are_one_number() -> None:
    assert terms_in("1,250 or 1.250 or 3.5 % in the 7th year") == ["1250", "1250", "3.5", "%", "7", "year"]
    index = PassageIndex([PageText("a", "", "It costs 1,250 crowns."), PageText("b", "", "It costs 125.")])
    assert keys(index, "What costs 1250?")[0] == "a"
    assert keys(index, "What costs 12?") == keys(index, "What costs?")


def test_words_meet_their_other_forms() -> None:
    assert {stem(word) for word in ("swap", "swaps", "swapped", "swapping")} == {"swap"}
    assert stem("cities") == stem("city") and stem("process") == "process" and stem("2015s") == "2015s"


@dataclass(frozen=True)
class _Row:
    text: str
    start: int
    stop: int
    heading: str


def test_a_row_is_shown_as_it_is_told_and_found_by_its_heading() -> None:
    text = "# Plans\n| | Solo | Crew |\n| Price | $9 | $24 |\n"
    start, stop = text.index("| Price"), text.index(" |\n", -3)
    rows = tuple(
        _Row(f"Plan: {plan}; Price: {price}", start, stop, "Plans")
        for plan, price in (("Solo", "$9"), ("Crew", "$24"))
    )
    index = PassageIndex([PageText("t", "Prices", text, pieces=rows)])
    (match,) = index.search("How much is the Crew plan?")
    assert match.text == "Plans\nPlan: Solo; Price: $9\nPlan: Crew; Price: $24"
    assert text[match.start : match.stop] == "| Price | $9 | $24"


def test_stretches_are_short_and_each_begins_where_the_one_before_ends() -> None:
    text = " ".join(f"Sentence number {i} says something short about the mill." for i in range(60))
    found = stretches_of(PageText("m", "Mill", text))
    assert len(found) > 3
    assert all(len(one.text.split()) <= STRETCH_WORDS for one in found)
    assert all(text[one.start : one.stop] == one.text for one in found)
    assert all(a.start < b.start < a.stop for a, b in pairwise(found))
    assert found[0].start == 0 and found[-1].stop == len(text)


def test_questions_written_about_a_document_help_to_find_it() -> None:
    plain = PageText(
        "s", "Solbakken", "Guests are asked to be quiet after ten. The sauna is heated at weekends."
    )
    other = PageText("o", "Okern", "The noise of the ferry is heard all day.")
    asked = PageText("s", "Solbakken", plain.text, questions=("From what time is noise forbidden?",))
    question = "From when on is noise forbidden?"
    assert keys(PassageIndex([plain, other]), question)[0] == "o"
    assert keys(PassageIndex([asked, other]), question)[0] == "s"


def test_the_newer_of_two_like_documents_comes_first() -> None:
    old, new = (PageText(key, "Fee", "The fee is 30 euros.", sequence=n) for key, n in (("b", 1), ("c", 2)))
    assert keys(PassageIndex([old, new]), "How high is the fee?") == ["c", "b"]


WORDS = st.sampled_from(
    "Acme Works seed swap 1962 laundry evening the of bicycle. 图书馆 Torvik shed roof".split()
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))
DRAWN = st.lists(
    st.builds(
        PageText,
        st.uuids().map(str),
        TEXTS,
        TEXTS,
        st.just(()),
        st.lists(TEXTS, max_size=2).map(tuple),
        st.integers(0, 3),
    ),
    max_size=6,
    unique_by=lambda one: one.key,
)


@given(DRAWN, TEXTS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_scores_fall(
    sources: list[PageText], question: str, rng: random.Random
) -> None:
    found = PassageIndex(sources).search(question, 4)
    assert PassageIndex(rng.sample(sources, len(sources))).search(question, 4) == found
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
    assert all(0 <= match.evidence.coverage <= 1 and 0 < match.score <= 1 for match in found)
    assert 0 <= confidence(found) <= 1


@given(DRAWN, DRAWN, TEXTS)
def test_what_was_replaced_or_taken_out_was_never_there(
    sources: list[PageText], others: list[PageText], question: str
) -> None:
    earlier = [PageText(one.key, "Torvik", "Acme Works has a seed 1962.") for one in sources]
    replaced = PassageIndex([*earlier, *others]).with_pages(*sources).without(*(one.key for one in others))
    never = PassageIndex(sources)
    assert replaced.search(question) == never.search(question)
    assert replaced.keys == never.keys
    assert replaced._postings._stretches.keys() == never._postings._stretches.keys()
    assert replaced._titles == never._titles


def test_an_index_is_not_changed_by_what_is_made_of_it() -> None:
    before = INDEX.search("seed swap in the shed")
    INDEX.with_pages(PageText("x", "Seed", "A seed swap in a shed.")).without("notes")
    assert INDEX.search("seed swap in the shed") == before


def test_a_key_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="share a key"):
        PassageIndex([FAQ, FAQ])


class _Synonyms:
    """An encoder for which bikes are bicycles."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], *, keep: bool = False) -> np.ndarray:
        self.encoded += [text for text in texts if keep]
        about = [float("icycle" in text or "bike" in text) for text in texts]
        return np.array([[x, 1 - x] for x in about], dtype=np.float32)


def test_with_an_encoder_a_passage_is_found_by_what_it_means() -> None:
    encoder = _Synonyms()
    index = PassageIndex([FAQ, NOTES, RULES], encoder=encoder)
    assert keys(PassageIndex([FAQ, NOTES, RULES]), "my bike?") == []
    assert keys(index, "my bike?")[0] == "rules"
    assert index.search("my bike?")[0].evidence.meaning == 1
    n = len(encoder.encoded)
    index.with_pages(PageText("new", "New", "Something new.")).search("my bike?")
    assert encoder.encoded[n:] == ["Something new."]


def _pairs(*sources: PageText) -> list[tuple[DocumentPage, PageText]]:
    return [(DocumentPage(x.key, x.title, tuple(x.text.split(". ")), x.sequence), x) for x in sources]


def _finder(*sources: PageText, encoder: _Synonyms | None = None) -> Finder:
    return Finder(_pairs(*sources), encoder=encoder)


FINDER = _finder(FAQ, NOTES, RULES)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Who owns Kestrel Books?", ["faq"]),  # named in full: asked, though the text does not say
        ("Who owns Kestrel Boks?", ["faq"]),
        ("Who owns Kestrel?", ["faq"]),
        ("Who owns KB?", ["faq"]),
        ("What does Hanna bring?", ["notes"]),  # mentioned, in a passage that fits
        ("Who owns the tents that Hanna put up beside the lake in Norway?", []),
        ("Who founded House of Cards?", []),
        ("Until when may the laundry be used in the evening?", ["rules"]),
        ("In which hall does the seed swap take place?", ["notes"]),
        ("What is the capital of France?", []),
        ("How many days are there in a week?", []),
        ("What is a house?", []),
    ],
)
def test_the_finder_asks_who_is_named_or_has_the_passage_and_nobody_else(
    question: str, wanted: list[str]
) -> None:
    assert [one.key for one in FINDER.find(question).documents][: max(1, len(wanted))] == wanted


def test_what_is_read_is_found_even_where_no_cell_is_asked() -> None:
    found = FINDER.find("Is there a roof on it?")
    assert found.documents == () and found.passages[0].key == "notes"


def test_a_finder_with_more_documents_is_as_if_made_of_them() -> None:
    grown, whole = _finder(FAQ).with_pages(*_pairs(NOTES, RULES)), _finder(FAQ, NOTES, RULES)
    for question in ("Who owns Kestrel Books?", "Where does the seed swap take place?"):
        assert grown.find(question) == whole.find(question)


def test_what_is_named_in_full_is_found_without_the_encoder() -> None:
    encoder = _Synonyms()
    finder = _finder(FAQ, NOTES, RULES, encoder=encoder)
    assert finder.find("How long does a trial of Kestrel Books last?").documents[0].key == "faq"
    assert encoder.encoded == []
    finder.find("How long does a trial last?")
    assert encoder.encoded


def test_a_grown_finder_keeps_its_encoder() -> None:
    grown = _finder(FAQ, encoder=_Synonyms()).with_pages(*_pairs(RULES))
    assert grown.find("my bike?").passages[0].key == "rules"


class _Writer:
    """A reranker that would ask about these documents, so many nats sooner; remembers what it was asked."""

    def __init__(self, **nats: float) -> None:
        self.nats, self.asked = nats, list[str]()

    def information(self, question: str, passages: Sequence[PassageMatch]) -> list[float]:
        self.asked.append(question)
        return [self.nats.get(one.key, 0.0) for one in passages]


@pytest.mark.parametrize(("nats", "wanted"), [(25.0, ("notes",)), (2.0, ())])
def test_a_question_that_names_nothing_is_sent_where_a_writer_would_ask_it(
    nats: float, wanted: tuple[str, ...]
) -> None:
    question = "Is there a roof on it?"
    assert FINDER.documents(question) == ()
    finder = Finder(_pairs(FAQ, NOTES, RULES), reranker=_Writer(notes=nats))
    assert tuple(one.key for one in finder.documents(question)) == wanted
    assert finder.find(question).documents == finder.documents(question)


def test_what_words_send_to_a_document_a_writer_can_call_back() -> None:
    question = "Until when may the laundry be used in the evening?"
    assert FINDER.documents(question)[0].key == "rules"
    assert Finder(_pairs(FAQ, NOTES, RULES), reranker=_Writer(rules=-3.0)).documents(question) == ()


def test_a_writer_ranks_passages_anew_and_the_scores_fall() -> None:
    first, second, *_ = by_words = INDEX.search("Who puts what into the shed in the evening?")
    writer = _Writer(**{second.key: 20.0, first.key: 5.0})
    found = Finder(_pairs(FAQ, NOTES, RULES), reranker=writer).find(
        "Who puts what into the shed in the evening?", len(by_words)
    )
    assert [one.key for one in found.passages][:2] == [second.key, first.key]
    assert {one.key for one in found.passages} == {one.key for one in by_words}
    assert all(a.score >= b.score for a, b in pairwise(found.passages))
    assert found.passages[0].evidence.information == 20.0


def test_a_writer_is_asked_only_where_it_may_matter() -> None:
    writer = _Writer(faq=20.0)
    finder = Finder(_pairs(FAQ, NOTES, RULES), reranker=writer)
    finder.find("What is the capital of France?")
    finder.documents("How long does a trial of Kestrel Books last?")  # named in full
    assert writer.asked == []
    finder.find("How long does a trial of Kestrel Books last?")  # what is read of it
    assert len(writer.asked) == 1


def test_a_passage_of_another_document_keeps_its_place_beside_a_writers_order() -> None:
    play = PageText("play", "The Iron Coast", "The Iron Coast is a play. Mara Keel wrote it.")
    mara = PageText("mara", "Mara Keel", "Mara Keel was born in Torvik. She paints.")
    question = "Where was the writer of The Iron Coast born?"
    finder = Finder(_pairs(play, mara, FAQ), reranker=_Writer(play=20.0, mara=-5.0))
    assert [one.key for one in finder.find(question, 2).passages] == ["play", "mara"]


def test_a_grown_finder_keeps_its_reranker() -> None:
    finder = Finder(_pairs(FAQ), reranker=_Writer(notes=25.0)).with_pages(*_pairs(NOTES, RULES))
    assert [one.key for one in finder.documents("Is there a roof on it?")] == ["notes"]
