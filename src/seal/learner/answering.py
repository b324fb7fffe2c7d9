"""What a version knows, ready to be asked: for each question one cell is switched on, or none.

Knows how a question finds its cell (the router's candidates, then how likely the question is to each) and
that without one the frozen base answers. Knows nothing about how cells came to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from seal.engine.adapt import Adaptation
from seal.engine.serving import AdapterSource
from seal.grading.exact import comparable
from seal.learner.asking import prompts_of
from seal.learner.caches import DOCUMENTS, QUESTIONS, AnswerKey, GivenAnswers, RecentlyUsed, SureText
from seal.learner.recall import RECITATION_TOKENS, recitation, recited
from seal.learner.reference import gives_nothing
from seal.learner.speaking import DirectSpeaker, Speaker
from seal.retention import (
    CellRouter,
    DocumentMatch,
    DocumentPage,
    Encoder,
    Finder,
    PageText,
    Reranker,
    RouterConfig,
)
from seal.training import Adapter, AdapterBank
from seal.training.fingerprint import slot_fingerprint
from seal.types import Context

Way: TypeAlias = Literal["weights", "reading", "base", "unknown"]
_CELLS_AT_ONCE = 64
_CLOSE = 0.9  # candidates of at least this share of the best one's score are told apart by likelihood


@dataclass(frozen=True)
class Cell:
    """A trained adapter, the document that it is of, and the words by which questions find it.

    `object` is the digest of the stored adapter, or any name that no other cell has. `source` gives the
    adapter when it is used: a question needs one of many, and a damaged one is not in the way of the others.
    One that does not answer changes nothing: questions find its document, which is read, or else the base
    answers.
    """

    document: str
    object: str
    source: Adapter | Callable[[], Adapter]
    entry: DocumentPage
    page: PageText | None = None
    answers: bool = True

    @property
    def adapter(self) -> Adapter:
        """Raises DamageError, AdapterError if it is stored and not what was put."""
        return self.source if isinstance(self.source, Adapter) else self.source()

    @property
    def adapter_source(self) -> AdapterSource:
        """The adapter, by the digest of what is stored."""
        return AdapterSource(self.object, lambda: self.adapter, known="\n".join(self.entry.texts))


@dataclass(frozen=True)
class Answer:
    """An answer, how likely the model found it as a whole, and the document whose cell gave it (None: the
    base).

    `candidates` are the documents that the router thought of, best first. `stated`: the document, or a line
    written about it, has the answer's words, and those of the sentence recited for it; False warns of an
    answer that was made up; None for the base's.
    `way`: by the weights of a document's cell (`passage` is the sentence that it recited, if it recites), by
    reading (`passage` is what was read), by the base's own knowledge, or unknown: the documents do not say.
    """

    question: str
    text: str
    probability: float
    document: str | None = None
    candidates: tuple[str, ...] = ()
    stated: bool | None = None
    way: Way = "base"
    passage: str = ""

    @property
    def said(self) -> str:
        """All that the model said."""
        return recitation(self.passage, self.text) if self.way == "weights" and self.passage else self.text


@dataclass
class Mind:
    """The base and a version's cells. `known` is shared by minds that are compared with one another.

    `recites`: the cells say a sentence before the answer (recall.py). `encoder` finds passages by meaning for
    questions that name no document, and `reranker` tells which they are of. `speaker`: by what answers are
    written; None: by the model itself, in the thread that asks.
    """

    adaptation: Adaptation
    cells: Mapping[str, Cell]
    router_config: RouterConfig
    known: GivenAnswers = field(default_factory=GivenAnswers)
    recites: bool = False
    encoder: Encoder | None = None
    speaker: Speaker | None = None
    reranker: Reranker | None = None

    def __post_init__(self) -> None:
        self.speaks = self.speaker or DirectSpeaker(self.adaptation)
        cells = self.cells.values()
        pages = [(cell.entry, cell.page) for cell in cells if cell.page is not None]
        self.finder = (
            Finder(pages, self.router_config, encoder=self.encoder, reranker=self.reranker) if pages else None
        )
        self._router = None if pages else CellRouter([cell.entry for cell in cells], self.router_config)
        self._routes: RecentlyUsed[str, tuple[str, ...]] = RecentlyUsed(QUESTIONS)
        self._wordings: RecentlyUsed[str, dict[str, str]] = RecentlyUsed(QUESTIONS)
        self._texts: RecentlyUsed[str, list[str]] = RecentlyUsed(DOCUMENTS)

    def with_cells(self, cells: Mapping[str, Cell], without: Sequence[str] = ()) -> Mind:
        """The same with other cells on top, and without those of some documents."""
        kept = {key: cell for key, cell in self.cells.items() if key not in without}
        return replace(self, cells=kept | dict(cells))

    def route(self, questions: Sequence[str]) -> list[tuple[str, ...]]:
        """For each question the documents that may hold the answer, the one that is asked first; or none.

        Between candidates of like score the question itself decides: a cell has learned questions as well,
        and finds those about its document likelier than the base does.
        """
        routes: dict[str, tuple[str, ...]] = {}
        unsure: list[tuple[str, list[str]]] = []
        for question in dict.fromkeys(questions):
            route = self._routes.get(question)
            if route is not None:
                routes[question] = route
                continue
            matches = self._matches(question)
            routes[question] = tuple(match.key for match in matches)
            close = [match.key for match in matches[:4] if match.score >= _CLOSE * matches[0].score]
            if len(close) > 1:
                unsure.append((question, close))
        for (question, _), order in zip(unsure, self._rank(unsure), strict=True):
            routes[question] = (*order, *(key for key in routes[question] if key not in order))
        for question, route in routes.items():
            self._routes.put(question, route)
        return [routes[question] for question in questions]

    def _matches(self, question: str) -> Sequence[DocumentMatch]:
        """The router's candidates; how each of them is asked is noted."""
        if self._router is not None:
            matches: Sequence[DocumentMatch] = self._router.route(question)
        else:
            assert self.finder is not None
            matches = self.finder.documents(question)
        wordings = {match.key: _in_full(question, match, self.cells[match.key].entry) for match in matches}
        self._wordings.put(question, wordings)
        return matches

    def worded(self, question: str, document: str | None) -> str:
        """The question as a document's cell is asked it: with the name that the document uses.

        A cell has met the name as the document writes it, and no misspelt, shortened or lower-case one.
        """
        if document is None:
            return question
        wordings = self._wordings.get(question)
        if wordings is None:
            self._matches(question)
            wordings = self._wordings.get(question) or {}
        return wordings.get(document, question)

    def _rank(self, unsure: Sequence[tuple[str, list[str]]]) -> list[list[str]]:
        """Each question's candidates by how likely it is under each, likeliest first."""
        if not unsure:
            return []
        pairs, owners = [], []
        for question, keys in unsure:
            pairs += [("Question:", f" {self.worded(question, key)}") for key in keys]
            owners += keys
        logs = self.log_probabilities(owners, pairs)
        ranked, at = [], 0
        for _, keys in unsure:
            own = logs[at : at + len(keys)]
            ranked.append([keys[i] for i in sorted(range(len(keys)), key=lambda i: -own[i])])
            at += len(keys)
        return ranked

    def log_probabilities(self, owners: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[float]:
        """log p of each pair's second text after its first, under its owner's cell."""
        logs: dict[int, float] = {}
        for keys in _groups(list(dict.fromkeys(owners))):
            places = [i for i, owner in enumerate(owners) if owner in keys]
            sources = [self.cells[key].adapter_source for key in keys]
            slots = [keys.index(owners[i]) for i in places]
            scores = self.speaks.scores([pairs[i] for i in places], sources, slots)
            logs |= {i: s.log_probability for i, s in zip(places, scores, strict=True)}
        return [logs[i] for i in range(len(owners))]

    def ask(self, questions: Sequence[str], shown: Sequence[Context | None] | None = None) -> list[Answer]:
        """Answers, in order; `shown[i]` is a passage that question i comes with.

        A cell that declines or says that it does not know has nothing to say: where the base does so too, the
        answer is the base's, word for word as before the document was learned.
        """
        answers = self.ask_cells(questions, shown)
        silent = [i for i, a in enumerate(answers) if a.document is not None and gives_nothing(a.text)]
        passages = [shown[i] for i in silent] if shown else None
        routes = [answers[i].candidates for i in silent]
        own = self.answer([None] * len(silent), [questions[i] for i in silent], passages, routes)
        for i, base in zip(silent, own, strict=True):
            if gives_nothing(base.text):
                answers[i] = base
        return answers

    def ask_cells(
        self, questions: Sequence[str], shown: Sequence[Context | None] | None = None
    ) -> list[Answer]:
        """The same, with whatever the cell says that a question is routed to."""
        routes = self.route(questions)
        speaking = [r[0] if r and self.cells[r[0]].answers else None for r in routes]
        return self.answer(speaking, questions, shown, routes)

    def answer(
        self,
        documents: Sequence[str | None],
        questions: Sequence[str],
        shown: Sequence[Context | None] | None = None,
        routes: Sequence[tuple[str, ...]] | None = None,
    ) -> list[Answer]:
        """Answers with the cell of `documents[i]` switched on for question i, whatever the router says."""
        passages = shown or [None] * len(questions)
        worded = [self.worded(q, d) for q, d in zip(questions, documents, strict=True)]
        prompts = prompts_of(self.adaptation, worded, passages)
        keys = [
            (None if d is None else self.cells[d].object, prompt)
            for d, prompt in zip(documents, prompts, strict=True)
        ]
        said = self._said(dict(zip(keys, documents, strict=True)))
        return [
            self._answer(q, d, said[k], routes[i] if routes else ())
            for i, (q, k, d) in enumerate(zip(questions, keys, documents, strict=True))
        ]

    def _answer(self, question: str, document: str | None, said: SureText, route: tuple[str, ...]) -> Answer:
        text, probability = said
        if document is None:
            return Answer(question, text, probability, candidates=route)
        sentence, text = recited(text) if self.recites else ("", text)
        stated = self._stated(document, text) and (not sentence or self._stated(document, sentence))
        return Answer(question, text, probability, document, route, stated, "weights", sentence)

    def _said(self, asked: Mapping[AnswerKey, str | None]) -> dict[AnswerKey, SureText]:
        """What each prompt is answered by the cell of its document; what was asked before is remembered."""
        said: dict[AnswerKey, SureText] = {}
        todo: dict[AnswerKey, str | None] = {}
        for key, document in asked.items():
            answer = self.known.get(key)
            if answer is None:
                todo[key] = document
            else:
                said[key] = answer
        said |= self._new_answers([key for key, document in todo.items() if document is None], None)
        others = [(key, document) for key, document in todo.items() if document is not None]
        for group in _groups(list(dict.fromkeys(d for _, d in others))):
            own = [(key, document) for key, document in others if document in group]
            said |= self._new_answers([key for key, _ in own], group, [document for _, document in own])
        for key in todo:
            self.known.put(key, said[key])
        return said

    def _stated(self, document: str, text: str) -> bool:
        words = comparable(text)
        return bool(words) and any(f" {words} " in f" {told} " for told in self._told(document))

    def _told(self, document: str) -> list[str]:
        texts = self._texts.get(document)
        if texts is None:
            entry = self.cells[document].entry
            texts = self._texts.put(document, [comparable(text) for text in entry.texts])
        return texts

    def _new_answers(
        self, keys: Sequence[AnswerKey], group: Sequence[str] | None, owners: Sequence[str] = ()
    ) -> dict[AnswerKey, SureText]:
        """Asks the base, or the cells of the documents in `group`, of which `owners[i]` answers prompt i."""
        if not keys:
            return {}
        prompts = [prompt for _, prompt in keys]
        if group is None:
            said = self.speaks.answers(prompts)
        else:
            sources = [self.cells[key].adapter_source for key in group]
            slots = [group.index(owner) for owner in owners]
            longest = RECITATION_TOKENS if self.recites else 0
            said = self.speaks.answers(prompts, sources, slots, longest_tokens=longest)
        return dict(zip(keys, said, strict=True))


def _in_full(question: str, candidate: DocumentMatch, entry: DocumentPage) -> str:
    """The question with the document's title where it names the document otherwise. A title that the document
    itself never uses (a file's name) is no name."""
    if candidate.name_at is None or not any(entry.title in text for text in entry.texts):
        return question
    start, stop = candidate.name_at
    return question[:start] + entry.title + question[stop:]


def fingerprint(adaptation: Adaptation, adapter: Adapter) -> list[float]:
    """A few logits that the adapter gives: a stored cell that was exchanged or misread gives others."""
    with AdapterBank.of(adaptation.model, [adapter]) as bank:
        return slot_fingerprint(adaptation.model, adaptation.tokenizer, bank, 0)


def _groups(keys: list[str]) -> list[list[str]]:
    return [keys[i : i + _CELLS_AT_ONCE] for i in range(0, len(keys), _CELLS_AT_ONCE)]
