"""What the records of a run say: right answers by two graders, probabilities, differences, costs.

Knows the files of a run's folder. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.real_knowledge.stages import seconds_of_stages
from seal.engine.parts import build_format
from seal.errors import InputError
from seal.grading.by_meaning import Meaning, MeaningConfig
from seal.grading.lexical import Lexical
from seal.grading.statistics import mean, mean_ci, paired_difference
from seal.protocols import Grader
from seal.research.data import load_source
from seal.research.demo import PAIRS
from seal.research.methods import in_order, terminal_words
from seal.research.records import EvaluationRecord
from seal.research.run_folder import RunFolder
from seal.types import Estimate, Question

STAGES = "stages.jsonl"
MEASURES = {
    "right": "right",
    "recited": "recitals too",
    "lexical": "by shared words",
    "likelihood": "gold token",
}
"""The measures of an exam, and the heads of their columns: by the grader of the run, which a recital does not
fool; by one that it does; by another rule; and what is measured of the gold answer, which is steadier."""
GRADERS: dict[str, Grader] = {"recited": Meaning(MeaningConfig(max_extra_words=10**6)), "lexical": Lexical()}
Told = dict[str, Any]


def figures(folder: RunFolder) -> Told:
    """All figures, as far as the folder has the records."""
    records = folder.evaluation.read()
    by_method: dict[str, dict[str, dict[str, float | None]]] = {}
    for record in records:
        own = by_method.setdefault(record.method, {measure: {} for measure in MEASURES})
        own["right"][record.context] = record.accuracy
        for measure, grader in GRADERS.items():
            own[measure][record.context] = _graded_anew(record, grader)
        own["likelihood"][record.context] = record.likelihood
    methods = in_order(by_method)
    written = _written(folder)
    return {
        "methods": [
            {
                "name": name,
                "questions": sum(len(one.answers) for one in records if one.method == name),
                **{measure: _told(_mean, by_method[name][measure]) for measure in MEASURES},
                **written.get(name, {}),
            }
            for name in methods
        ],
        "differences": [
            {"a": a, "b": b} | {m: _told(_difference, by_method[a][m], by_method[b][m]) for m in MEASURES}
            for a, b in PAIRS
            if a in by_method and b in by_method
        ],
        "rounds": _rounds(folder),
        "stages": {
            stage: {"wall_s": wall_s, "processor_s": processor_s}
            for stage, (wall_s, processor_s) in seconds_of_stages(folder.path.parent / STAGES).items()
        },
    }


def _graded_anew(record: EvaluationRecord, grader: Grader) -> float | None:
    """The share of right answers by another grader."""
    questions = [Question(answer.question, (answer.gold,)) for answer in record.answers]
    graded = grader.grade(questions, [answer.answer for answer in record.answers])
    return mean(float(one.outcome == "right") for one in graded if one.outcome != "ungraded")


def _mean(values: Mapping[str, float | None]) -> Estimate:
    return mean_ci(values.values(), seed=0)


def _difference(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> Estimate:
    return paired_difference(a, b, seed=0)


def _told(estimate: Callable[..., Estimate], *values: Mapping[str, float | None]) -> Told | None:
    try:
        found = estimate(*values)
    except InputError:  # not measured, or on nothing that both have
        return None
    return {"mean": found.mean, "low": found.low, "high": found.high, "passages": found.n}


def _written(folder: RunFolder) -> dict[str, Told]:
    """Of each method that writes: lines and words of a self-edit, and how many have no line at all."""
    config = folder.config
    parse = build_format(config).parse
    source = load_source(config, config.data.evaluation, config.data.n_evaluation)
    contexts = {context.id: context for context in source.contexts}
    edits: dict[str, list[tuple[str, int]]] = {}
    for one in folder.written.read():
        edit = parse(contexts[one.context], one.text, truncated=one.truncated)
        edits.setdefault(one.method, []).append((one.text, len(edit.lines)))
    return {
        method: {
            "lines": mean(float(n) for _, n in own),
            "words": mean(float(len(text.split())) for text, _ in own),
            "empty": sum(not n for _, n in own),
        }
        for method, own in edits.items()
    }


def _rounds(folder: RunFolder) -> list[Told]:
    """Of each round: the mean reward of all samples and of those that were learned, and the spread."""
    told: list[Told] = []
    for round in range(1, folder.config.outer.rounds + 1):
        decisions = folder.round("seal", round).decisions
        if decisions is None:
            continue
        spread = [max(own) - min(own) for d in decisions if (own := [r for r in d.rewards if r is not None])]
        told.append(
            {
                "round": round,
                "samples": sum(len(d.rewards) for d in decisions),
                "ungraded": sum(reward is None for d in decisions for reward in d.rewards),
                "reward": mean(reward for d in decisions for reward in d.rewards),
                "kept": mean(d.rewards[i] for d in decisions for i in d.favoured),
                "spread": mean(spread),
            }
        )
    return told


def table(told: Told) -> str:
    """The figures as Markdown, in percent and percentage points."""
    methods: Sequence[Told] = told["methods"]
    lines = _table(
        ["method", "", *MEASURES.values(), "lines", "words", "empty"],
        [
            [
                one["name"],
                terminal_words(one["name"]),
                *(_range(one[measure]) for measure in MEASURES),
                *(f"{one[key]:.1f}" if key in one else "" for key in ("lines", "words")),
                str(one.get("empty", "")),
            ]
            for one in methods
        ],
    )
    lines += ["", *_table(
        ["difference", *MEASURES.values()],
        [
            [f"{one['a']} − {one['b']}", *(_range(one[measure], signed=True) for measure in MEASURES)]
            for one in told["differences"]
        ],
    )]  # fmt: skip
    for one in told["rounds"]:
        lines += ["", f"Round {one['round']}: {one['samples']} samples, {one['ungraded']} ungraded; reward "
                  f"{_percent(one['reward'])}, of those kept {_percent(one['kept'])}; best less worst of a "
                  f"passage {_percent(one['spread'])}."]  # fmt: skip
    lines += ["", *_table(
        ["stage", "processor s", "s"],
        [
            [stage, f"{own['processor_s']:.0f}", f"{own['wall_s']:.0f}"]
            for stage, own in told["stages"].items()
        ],
    )]  # fmt: skip
    if methods:
        n, asked = methods[0]["right"], methods[0]["questions"]
        lines = [f"{n['passages'] if n else 0} passages, {asked} questions.", "", *lines]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in heads[1:])]
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


def _range(told: Told | None, *, signed: bool = False) -> str:
    if told is None:
        return ""
    average, low, high = (100 * told[key] for key in ("mean", "low", "high"))
    return f"{average:{'+' if signed else ''}.1f} [{low:.1f}, {high:.1f}]"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def stages_of(out: Path) -> Path:
    """The file of a run's stages."""
    return out / STAGES
