"""A passage as grounding sees it: its sentences and clauses, the names and numbers in them.

Also which sentences are about what the title names.

Knows English word by word (words.py), and reads a table's row as a sentence about its headings. Knows nothing
about the lines that are compared with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from seal.languages import foreign_language
from seal.self_edits.quantities import forms_of_number, normalised, read_measures
from seal.self_edits.relations import RelationRows, WordSet, relations
from seal.self_edits.tables import table_rows
from seal.self_edits.words import Token, is_weak, number, same, tokens
from seal.signs import in_one_form
from seal.text import sentence_spans

_PARTS: Final = re.compile(r"[,;:()–—]|\s-\s")
_PART_WORDS: Final = frozenset("and but who which while whereas where".split())
LINKS: Final = frozenset("of de del la le von van der den al bin ibn & the and for".split())
PRONOUNS: Final = frozenset("he she it they".split())
OWNERS: Final = frozenset("his her its their".split())
PERSONAL: Final = PRONOUNS | OWNERS


@dataclass(frozen=True)
class Clause:
    """A stretch of a sentence that says one thing: which sentence, and the places of its tokens."""

    sentence: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Sentence:
    """One sentence: its tokens; the words that state a relation, by place; its clauses; and the places of
    nouns that only refer to something named before ("the company" at the beginning of a clause). `subject`:
    the words of the name that it is about, folded, if it begins with one; of a table's row, of its first
    cell."""

    text: str
    tokens: tuple[Token, ...]
    rows: RelationRows
    clauses: tuple[Clause, ...]
    subjects: frozenset[int]
    subject: frozenset[str]
    is_row: bool
    start: int
    end: int

    @cached_property
    def folded(self) -> frozenset[str]:
        return frozenset(token.folded for token in self.tokens)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(token.stem for token in self.tokens)

    @cached_property
    def numbers(self) -> frozenset[str]:
        values = {number(token.folded) for token in self.tokens if token.kind == "number"}
        read = read_measures(normalised(self.text), "en").amounts
        return frozenset(values).union(*map(forms_of_number, read))


@dataclass(frozen=True)
class SourceText:
    """The passage: its title, folded word by word in `name`, its sentences, and in `runs` all names. `words`
    says which words are taken to state the same relation."""

    title: str
    text: str
    name: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    runs: frozenset[tuple[str, ...]]
    words: WordSet

    @cached_property
    def language(self) -> str:
        """The language, if it is plainly not English."""
        return foreign_language(self.text)

    @cached_property
    def folded(self) -> frozenset[str]:
        return frozenset(self.name).union(*(one.folded for one in self.sentences))

    @cached_property
    def names(self) -> frozenset[str]:
        """Folded tokens that are names, in the passage or the title."""
        inner = {t.folded for one in self.sentences for t in one.tokens if t.kind == "name" and t.start}
        return frozenset(inner | set(self.name))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers of the passage and the title, each in one form."""
        digits = {number(word) for word in self.name if word[0].isdigit()}
        return frozenset(digits).union(*(one.numbers for one in self.sentences))

    @cached_property
    def common_stems(self) -> frozenset[str]:
        """Stems of the words that are no names."""
        return frozenset(t.stem for one in self.sentences for t in one.tokens if t.kind == "word")

    @cached_property
    def order(self) -> list[str]:
        return [*self.name, "", *(t.folded for one in self.sentences for t in (*one.tokens,))]

    @cached_property
    def about_title(self) -> tuple[bool, ...]:
        """For each sentence, whether it may be taken to be about the title: it names it, or it has a pronoun
        and follows a sentence that is about it."""
        about: list[bool] = []
        for one in self.sentences:
            named = find_run(self.name, [token.folded for token in one.tokens]) is not None
            goes_on = bool(about) and about[-1] and bool(one.folded & PERSONAL or one.subjects)
            about.append(named or goes_on)
        return tuple(about)

    def has_run(self, run: Sequence[str]) -> bool:
        """Whether these tokens stand one after another in the title or the passage."""
        return find_run(run, self.order) is not None


def read_source(title: str, text: str, words: WordSet = "general") -> SourceText:
    """The passage, analysed."""
    name = tuple(token.folded for token in tokens(in_one_form(title)))
    spans = sentence_spans(text)
    raw = [text[start:end] for start, end in spans]
    rows = table_rows(raw)
    parts = [rows.get(at, in_one_form(part)) for at, part in enumerate(raw)]
    here = [tokens(part) for part in parts]
    inner = frozenset(
        token.folded for words_ in here for token in words_ if token.kind == "name" and token.start
    )
    sentences: list[Sentence] = []
    for index, ((start, end), part, own) in enumerate(zip(spans, parts, here, strict=True)):
        relation_rows = relations(own, words)
        if index in rows:
            clauses = _cells(part, own, index)
        else:
            clauses = _clauses(part, own, relation_rows, index, frozenset(name))
        about = first_cell(part) if index in rows else subject_of(own, inner)
        sentences.append(
            Sentence(
                text=part,
                tokens=tuple(own),
                rows=relation_rows,
                clauses=clauses,
                subjects=_subjects(part, own),
                subject=about,
                is_row=index in rows,
                start=start,
                end=end,
            )
        )
    runs = frozenset({name} | {tuple(run) for sentence in sentences for run in name_runs(sentence.tokens)})
    return SourceText(title, text, name, tuple(sentences), runs, words)


def _cells(row: str, words: list[Token], index: int) -> tuple[Clause, ...]:
    """A row's cells, each with its heading, as clauses."""
    cells: list[list[int]] = [[]]
    for at, token in enumerate(words):
        if cells[-1] and "; " in row[words[at - 1].end : token.start]:
            cells.append([])
        cells[-1].append(at)
    return tuple(Clause(index, tuple(cell)) for cell in cells)


def first_cell(row: str) -> frozenset[str]:
    """The words of a row's first cell, which says what the row is about."""
    cell = row.partition("; ")[0]
    return frozenset(token.folded for token in tokens(cell.partition(": ")[2] or cell))


def subject_of(words: Sequence[Token], names: frozenset[str]) -> frozenset[str]:
    """The words of the name with which a sentence or clause begins, before any verb and behind no
    preposition; empty if it begins otherwise. A first word is a name if it stands among `names`, or before a
    name."""
    stop = 0
    for at, token in enumerate(words):
        before = words[at - 1].folded if at else ""
        if token.folded in _VERBS or token.folded in PERSONAL or (at and token.text.endswith("ed")):
            break
        if at < stop or token.kind != "name":
            continue
        stop = at + 1
        while stop < len(words) and words[stop].kind == "name" and adjoins(words[stop - 1], words[stop]):
            stop += 1
        is_name = at > 0 or token.folded in names or (stop > 1 and not is_weak(token.stem))
        if is_name and before not in _PREPOSITIONS:
            return frozenset(one.folded for one in words[at:stop])
    return frozenset()


_VERBS: Final = frozenset(
    "is are was were be been has have had does did do will would can could may might must became "
    "wrote won led "
    "built made held sold costs cost".split()
)
_PREPOSITIONS: Final = frozenset(
    "in on at by of from to with near for until since during after before under over between among through "
    "into as".split()
)


def find_run(run: Sequence[str], among: Sequence[str]) -> int | None:
    """Where a sequence begins in another, None if nowhere or if it is empty."""
    size = len(run)
    if size:
        for at in range(len(among) - size + 1):
            if among[at] == run[0] and list(among[at : at + size]) == list(run):
                return at
    return None


def name_runs(words: Sequence[Token]) -> list[list[str]]:
    """The names, each as its tokens: capital letters one after another, with "of" and the like between."""
    runs: list[list[str]] = []
    current: list[str] = []
    links: list[str] = []
    for at, token in enumerate(words):
        if current and not adjoins(words[at - 1], token):
            runs.append(current)
            current, links = [], []
        if token.kind == "name":
            current += [*links, token.folded] if current else [token.folded]
            links = []
        elif current and token.folded in LINKS and token.folded != "and" and len(links) < 2:
            links.append(token.folded)
        else:
            if current:
                runs.append(current)
            current, links = [], []
    return [*runs, current] if current else runs


def adjoins(before: Token, token: Token) -> bool:
    """Whether nothing but a space stands between two words, or the full stop of an initial."""
    return token.start - before.end <= (2 if len(before.text) == 1 else 1)


def _subjects(text: str, words: list[Token]) -> frozenset[int]:
    """The places of common nouns after "the" or "this" at the beginning of the sentence or of a clause."""
    return frozenset(
        at + 1
        for at, token in enumerate(words[:-1])
        if token.folded in ("the", "this")
        and words[at + 1].kind == "word"
        and not any(later.folded == "of" for later in words[at + 2 : at + 4])  # "the mayor of" says something
        and (not at or words[at - 1].folded == "and" or _PARTS.search(text, words[at - 1].end, token.start))
    )


def _clauses(
    text: str, words: list[Token], rows: RelationRows, index: int, title: frozenset[str]
) -> tuple[Clause, ...]:
    """The sentence, split at commas and conjunctions. A part without a value (a name, a number or a telling
    noun) is joined to its neighbour."""
    parts: list[list[int]] = [[]]
    for at, token in enumerate(words):
        gap = text[words[at - 1].end : token.start] if at else ""
        joins = (
            token.folded == "and"
            and 0 < at < len(words) - 1
            and "name" == words[at - 1].kind == words[at + 1].kind
        )
        if parts[-1] and (_PARTS.search(gap) or (token.folded in _PART_WORDS and not joins)):
            parts.append([])
        parts[-1].append(at)
    merged: list[list[int]] = []
    waiting: list[int] = []
    for part in parts:
        if any(_is_value(words[at], at, title, rows) for at in part):
            merged.append(waiting + part)
            waiting = []
        elif merged:
            merged[-1] = merged[-1] + part
        else:
            waiting += part
    if waiting:
        merged.append(waiting)
    return tuple(Clause(index, tuple(part)) for part in merged)


def _is_value(token: Token, at: int, title: frozenset[str], rows: RelationRows) -> bool:
    if token.folded in title or token.kind == "function":
        return False
    return token.kind != "word" or not (at in rows or is_weak(token.stem))


def stems_match(stem: str, among: frozenset[str]) -> bool:
    """Whether a stem, or one of its family, is among others."""
    return stem in among or any(same(stem, other) for other in among)
