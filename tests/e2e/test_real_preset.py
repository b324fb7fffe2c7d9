"""A toy checkpoint with a chat template goes through the whole preset of real models: written about by unit,
examined, trained, judged, asked by each way, and forgotten. Its writing and reading are scripted, since a toy
can do neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from checkpoints import save_toy
from seal.engine.adapt import Adaptation
from seal.gates import Decision, Report
from seal.gates.finding import Finding
from seal.learner import Learner, Text
from seal.learner.settings import FILE, preset, settings_text
from seal.learner.skills import ReadAnswer
from seal.models import sentence_encoder
from seal.models.generate import Generation
from seal.models.sentence_encoder import SentenceEncoder

TEXT = (
    "Alder Mill was built in 1844 by Tom Reed. It has three floors.\n\n"
    "| Room | Rent |\n|---|---|\n| Attic | 90 |\n"
)
ANSWERS = {
    "When was Alder Mill built?": "in 1844",
    "In which year was Alder Mill built?": "1844",
    "Who built Alder Mill?": "Tom Reed",
    "How many floors does Alder Mill have?": "three",
}


class ScriptedSkills:
    """Writes the same questions about each sentence, and reads what is in the table above."""

    def __init__(self, base: Adaptation) -> None:
        self.base = base

    @contextmanager
    def on(self) -> Iterator[None]:
        yield

    def write(self, prompts: Sequence[str], **_: Any) -> list[Generation]:
        pairs = "".join(f"{question} | {answer}\n" for question, answer in ANSWERS.items())
        return [Generation(pairs, 9, False) for _ in prompts]

    def read(self, prompts: Sequence[str], _on_progress: Any = None) -> list[ReadAnswer]:
        asked = [p.rpartition("\nQuestion: ")[2].removesuffix("\nAnswer:") for p in prompts]
        return [ReadAnswer(ANSWERS.get(question, ""), 0.9) for question in asked]

    def log_probabilities(self, prompts: Sequence[str], texts: Sequence[str]) -> list[float]:
        """It would ask what a text answers."""
        answers = [ANSWERS.get(question, "?") for question in texts]
        return [-5.0 if answer in prompt else -25.0 for prompt, answer in zip(prompts, answers, strict=True)]


class OpenGates:
    """Lets everything through and remembers what was measured: a toy passes no gate."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def sound(self, report: Report) -> bool:
        return True

    def decide(self, report: Report) -> Decision:
        self.reports.append(report)
        return Decision("live", "for this test", ())


class NoCells(OpenGates):
    """Refuses whatever is in the weights."""

    def decide(self, report: Report) -> Decision:
        decided = super().decide(report)
        if not report.perplexities:
            return decided
        return Decision("rejected", "no cell", (Finding("drift", "it", "fail", "no cell"),))


def opened(folder: Path, gates: OpenGates) -> Learner:
    toy = save_toy(folder / "toy", "qwen3", chat=True)
    settings = Learner.init(folder / "w", model=str(toy)).parts.config.model_dump()
    settings["cell"] |= {"rank": 2, "epochs": 1, "batch_tokens": 400}
    settings["units"] |= {"least_steps": 2, "anchors": 2, "samples": 1}
    settings["max_answer_tokens"] = 4
    config = type(preset(str(toy))).model_validate(settings)
    (folder / "w" / FILE).write_text(settings_text(config), encoding="utf-8")
    learner = Learner.open(folder / "w", gates=cast(Any, gates))
    learner.parts.skills = ScriptedSkills(learner.parts.adaptation)  # type: ignore[assignment]
    learner.parts.cell_start = None  # type: ignore[assignment]  # practice takes minutes
    return learner


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learner, OpenGates]:
    gates = OpenGates()
    learner = opened(tmp_path_factory.mktemp("preset"), gates)
    [learned] = learner.learn(Text(TEXT, "Alder Mill"))
    assert learned.outcome == "live"
    return learner, gates


def test_lines_are_of_sentences_and_of_cells_and_the_exam_is_of_other_wordings(
    taught: tuple[Learner, OpenGates],
) -> None:
    learner, gates = taught
    texts = {line.text for line in learner.workspace.lines(learner.documents()[0].id) if line.kept}
    assert "Alder Mill was built in 1844 by Tom Reed." in texts
    assert "Question: Alder Mill, Attic: Rent?\nAnswer: 90" in texts
    [exam] = gates.reports[0].documents
    assert exam.candidate, "something is examined"
    assert len(gates.reports[0].perplexities) == 1


def test_each_way_says_which_it_was(taught: tuple[Learner, OpenGates]) -> None:
    learner, _ = taught
    question = "Who built Alder Mill?"
    assert learner.ask(question, by="weights").way == "weights"
    read = learner.ask(question, by="reading")
    assert (read.way, read.text) == ("reading", "Tom Reed") and "Tom Reed" in read.passage
    auto = learner.ask(question)
    assert (auto.way, auto.text) == ("reading", "Tom Reed")  # the toy's cell says anything
    assert learner.ask("What is the capital of France?").way == "base"


def test_why_explains_the_answer_that_is_given(taught: tuple[Learner, OpenGates]) -> None:
    learner, _ = taught
    why = learner.why("Who built Alder Mill?")
    assert (why.way, why.answer, why.title, why.verdict) == ("reading", "Tom Reed", "Alder Mill", "read")
    assert why.sentence == "Alder Mill was built in 1844 by Tom Reed." and why.sentence in why.lines
    assert why.without_source is not None and why.without_source < why.probability
    assert learner.why("What is the capital of France?").verdict == "base"


def test_what_is_forgotten_leaves_no_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SentenceEncoder, "_vectors", lambda self, texts: np.ones((len(texts), 4), np.float32))
    monkeypatch.setattr(sentence_encoder, "sentence_model_folder", lambda: tmp_path)
    learner = opened(tmp_path, OpenGates())
    assert learner.parts.config.ways.meaning
    learner.learn(Text(TEXT, "Alder Mill"))
    learner.ask("How many of them are there?")
    kept = list((tmp_path / "w" / ".cache").glob("*.npz"))
    assert len(kept) == 1
    remembering = learner.parts.reranker
    learner.forget("Alder Mill")
    assert not kept[0].exists()
    assert learner.parts.reranker is not remembering


def test_what_is_forgotten_is_not_read_any_more(taught: tuple[Learner, OpenGates]) -> None:
    learner, _ = taught
    learner.forget("Alder Mill")
    for by in ("weights", "reading", "auto"):
        assert learner.ask("Who built Alder Mill?", by=by).way == "base"


@pytest.mark.slow
def test_a_document_whose_cell_is_refused_is_read(tmp_path: Path) -> None:
    gates = NoCells()
    learner = opened(tmp_path, gates)
    [learned] = learner.learn(Text(TEXT, "Alder Mill"))
    assert (learned.outcome, learned.after) == ("read", learned.questions) and "no cell" in learned.reason
    assert learned.before < learned.after
    live = learner.live()
    assert live is not None and live.documents == (learned.document,)
    assert [v.state for v in learner.versions()] == ["rejected", "live-once"]
    for one in (learner, Learner.open(tmp_path / "w")):
        one.parts.skills = ScriptedSkills(one.parts.adaptation)  # type: ignore[assignment]
        read = one.ask("Who built Alder Mill?")
        assert (read.way, read.text, read.document) == ("reading", "Tom Reed", learned.document)
        assert one.ask("Who built Alder Mill?", by="weights").way == "base"
    [again] = learner.learn(Text(TEXT, "Alder Mill"))
    assert again.outcome == "known"
    [other] = learner.learn(Text(TEXT.replace("Alder Mill", "Corbin Hall"), "Corbin Hall"))
    assert other.outcome == "read"
    asked = {key for exam in gates.reports[-1].retained for key in exam.candidate}
    assert asked and not any(key.startswith(learned.document[:12]) for key in asked)  # not in the weights
    learner.forget("Alder Mill")
    assert learner.ask("Who built Alder Mill?").way == "base"
    assert learner.ask("Who built Corbin Hall?").way in ("reading", "unknown")
