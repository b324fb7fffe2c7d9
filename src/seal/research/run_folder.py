"""A run's own folder: which files it has, what kind of record each holds, and how they are written.

    config.toml                     the whole configuration, by which the folder belongs to one run
    inputs.json                     digests of the contexts and of the prompt that the run began with
    metrics.jsonl                   sittings and policy updates, with their times
    rounds/<r>/                     a round of the rewarded arm (`RoundFolder`)
    rounds/<r>/random_selection/    the same round of the control
    rounds/0/                       what the base wrote for the checks of policies, if there are any
    exams.jsonl                     the exams that the base wrote, where they are the reward
    evaluation.jsonl                every method's exam on every held-out context
    evaluation_self_edits.jsonl     what was written about the held-out contexts
    fixed_search.jsonl, best_fixed.json, choices.jsonl, committees.jsonl    few-shot runs only
    results.json                    the tables, once the run is finished

Records are appended line by line and flushed to the disk; whole files are written beside and renamed. So a
run that was killed at any moment loses at most the work since its last record, and a folder never holds half
of a file. Knows nothing about what the records are for.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

from seal.errors import ConfigError, InputError, OutputError, UnknownNameError
from seal.files import write_beside, writing
from seal.research.config import RunConfig, dump_config, parse_config
from seal.research.records import (
    Arm,
    CheckRecord,
    ChoiceRecord,
    CommitteeRecord,
    DecisionRecord,
    EvaluationRecord,
    FixedChoice,
    FixedScore,
    OwnExamRecord,
    PolicyUpdate,
    Record,
    Results,
    ScoreRecord,
    SelfEditRecord,
    TrainingResults,
    WrittenRecord,
)

R = TypeVar("R", bound=Record)
CONFIG, INPUTS, METRICS, RESULTS = "config.toml", "inputs.json", "metrics.jsonl", "results.json"
BEST_FIXED = "best_fixed.json"
_UPDATE = "policy_update"
_HEADER = "# The whole configuration of a run of "


@dataclass(frozen=True)
class Lines(Generic[R]):
    """A file of the run that holds one record a line."""

    folder: RunFolder
    name: str
    kind: type[R]

    @property
    def path(self) -> Path:
        return self.folder.path / self.name

    def read(self) -> list[R]:
        return [self.kind.from_json(stored) for stored in self.folder.records(self.name)]

    def append(self, records: Iterable[R]) -> None:
        self.folder.append(self.name, [record.to_json() for record in records])

    def arrange(self, rank: Callable[[R], int | None]) -> None:
        """Puts records in the order of their ranks, whatever order they came in; those without stay where
        they are. So a folder is the same wherever, and in how many sittings, its records were made."""
        stored = self.folder.records(self.name)
        ranks = [rank(self.kind.from_json(record)) for record in stored]
        places = [at for at, own in enumerate(ranks) if own is not None]
        ranked = sorted(places, key=lambda at: ranks[at] or 0)
        if ranked != places:
            found = dict(zip(places, ranked, strict=True))
            self.folder.rewrite(self.name, [stored[found.get(at, at)] for at in range(len(stored))])


@dataclass(frozen=True)
class RoundFolder:
    """The files of one round of one arm. The control has no scores, and in round 1 no samples of its own."""

    folder: RunFolder
    arm: Arm
    round: int

    @property
    def name(self) -> str:
        """The place in the run's folder. What is sampled in the round derives its seeds from it."""
        return f"rounds/{self.round}" if self.arm == "seal" else f"rounds/{self.round}/{self.arm}"

    @property
    def self_edits(self) -> Lines[SelfEditRecord]:
        return Lines(self.folder, f"{self.name}/self_edits.jsonl", SelfEditRecord)

    @property
    def joined(self) -> Lines[SelfEditRecord]:
        """The samples that were not written but joined; each arm has its own, in round 1 too."""
        return Lines(self.folder, f"{self.name}/joined.jsonl", SelfEditRecord)

    @property
    def scores(self) -> Lines[ScoreRecord]:
        return Lines(self.folder, f"{self.name}/scores.jsonl", ScoreRecord)

    @property
    def baselines(self) -> Lines[ScoreRecord]:
        """The exams of adapters that were trained without a self-edit."""
        return Lines(self.folder, f"{self.name}/baselines.jsonl", ScoreRecord)

    @property
    def decisions(self) -> list[DecisionRecord] | None:
        """None as long as nothing was decided."""
        stored = self.folder.read_json(self._decisions)
        return None if stored is None else [DecisionRecord.from_json(one) for one in stored]

    def decide(self, decisions: Sequence[DecisionRecord]) -> None:
        self.folder.write_json(self._decisions, [one.to_json() for one in decisions])

    @property
    def check_self_edits(self) -> Lines[SelfEditRecord]:
        """What the policy that the round proposes wrote about the contexts of the check."""
        return Lines(self.folder, f"{self.name}/check_self_edits.jsonl", SelfEditRecord)

    @property
    def check_scores(self) -> Lines[ScoreRecord]:
        return Lines(self.folder, f"{self.name}/check_scores.jsonl", ScoreRecord)

    @property
    def check(self) -> CheckRecord | None:
        """None where the round was not checked."""
        stored = self.folder.read_json(f"{self.name}/check.json")
        return None if stored is None else CheckRecord.from_json(stored)

    def keep_check(self, check: CheckRecord) -> None:
        self.folder.write_json(f"{self.name}/check.json", check.to_json())

    @property
    def policy_name(self) -> str:
        return f"{self.name}/policy"

    @property
    def policy(self) -> Path:
        """The folder of the policy in force after the round: the one that learned from it or, where that did
        not pass its check, the one before. It exists once the round is finished."""
        return self.folder.path / self.policy_name

    @property
    def _decisions(self) -> str:
        return f"{self.name}/decisions.json"


class RunFolder:
    """A folder that belongs to one run, identified by its configuration."""

    def __init__(self, path: Path, config: RunConfig) -> None:
        self.path, self.config = path, config

    @classmethod
    def open(cls, path: Path, config: RunConfig, *, command: str = "seal demo") -> RunFolder:
        """Claims an empty folder for the run, or takes up the run that it holds.

        Raises OutputError if the folder holds another run or other files, or cannot be written.
        """
        if not cls.check(path, config, command=command):
            text = f"{_HEADER}{command}\n\n{dump_config(config)}"
            write_beside(path / CONFIG, lambda beside: beside.write_text(text, encoding="utf-8"))
        return cls(path, config)

    @classmethod
    def check(cls, path: Path, config: RunConfig, *, command: str = "seal demo") -> bool:
        """Whether the folder holds this very run already; False if it is free. Writes nothing.

        Raises OutputError if the folder holds another run or other files.
        """
        stored = path / CONFIG
        elsewhere = f"Choose another folder with --out, or remove {path}."
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is not a folder", elsewhere)
        if stored.exists():
            try:
                text = _read_text(stored)
                other = parse_config(tomllib.loads(text), where=str(stored))
            except (ConfigError, InputError, UnknownNameError, tomllib.TOMLDecodeError) as error:
                raise OutputError(f"{path} holds a run that cannot be read: {error}", elsewhere) from error
            first = text.splitlines()[0] if text else ""
            if first.startswith(_HEADER) and first != _HEADER + command:
                raise OutputError(f"{path} holds another run, of `{first.removeprefix(_HEADER)}`", elsewhere)
            if other != config:
                raise OutputError(
                    f"{path} holds another run, with other settings: {_unlike(other, config)}", elsewhere
                )
            return True
        if path.is_dir() and any(p for p in path.iterdir() if not p.name.startswith(".")):
            raise OutputError(f"{path} holds files that are not of a run", elsewhere)
        return False

    @contextlib.contextmanager
    def session(self, **facts: Any) -> Iterator[None]:
        """One sitting of the run: metrics.jsonl says with which software it began, how it ended and how long
        it took. A sitting that was killed outright has a beginning only."""
        libraries = {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}
        software = {"seal": version("seal-lm"), "python": platform.python_version(), **libraries}
        self.metric(event="started", software=software, machine=platform.machine(), **facts)
        started, event = time.perf_counter(), "interrupted"
        try:
            yield
            event = "finished"
        finally:
            wall_s = round(time.perf_counter() - started, 3)
            if event == "finished":
                self.metric(event=event, wall_s=wall_s)
            else:  # what cut the run short is the error to be told, not a full disk on top of it
                with contextlib.suppress(OutputError):
                    self.metric(event=event, wall_s=wall_s)

    def wall_s(self) -> float:
        """How long all sittings took together, without those that were killed outright."""
        events = [r for r in self.records(METRICS) if r["event"] in ("finished", "interrupted")]
        return round(sum(r["wall_s"] for r in events), 1)

    def round(self, arm: Arm, round: int) -> RoundFolder:
        return RoundFolder(self, arm, round)

    @property
    def evaluation(self) -> Lines[EvaluationRecord]:
        return Lines(self, "evaluation.jsonl", EvaluationRecord)

    @property
    def written(self) -> Lines[WrittenRecord]:
        return Lines(self, "evaluation_self_edits.jsonl", WrittenRecord)

    @property
    def exams(self) -> Lines[OwnExamRecord]:
        """What the base asks about the contexts of the outer loop, where that is the reward."""
        return Lines(self, "exams.jsonl", OwnExamRecord)

    @property
    def fixed_search(self) -> Lines[FixedScore]:
        return Lines(self, "fixed_search.jsonl", FixedScore)

    @property
    def choices(self) -> Lines[ChoiceRecord]:
        return Lines(self, "choices.jsonl", ChoiceRecord)

    @property
    def committees(self) -> Lines[CommitteeRecord]:
        return Lines(self, "committees.jsonl", CommitteeRecord)

    @property
    def best_fixed(self) -> FixedChoice | None:
        """None as long as the search is not finished."""
        stored = self.read_json(BEST_FIXED)
        return None if stored is None else FixedChoice.from_json(stored)

    def keep_best_fixed(self, choice: FixedChoice) -> None:
        self.write_json(BEST_FIXED, choice.to_json())

    def results(self) -> Any | None:
        """`Results` or `TrainingResults`, by the command; None as long as the run is not finished."""
        return self.read_json(RESULTS)

    def keep_results(self, results: Results | TrainingResults) -> None:
        self.write_json(RESULTS, results)

    def policy_updates(self) -> list[PolicyUpdate]:
        return [PolicyUpdate.from_json(m) for m in self.records(METRICS) if m["event"] == _UPDATE]

    def updated(self, update: PolicyUpdate) -> None:
        self.metric(event=_UPDATE, **update.to_json())

    def pin(self, value: dict[str, str]) -> None:
        """Writes down what the run began with. Raises OutputError if it began with something else."""
        stored = self.read_json(INPUTS)
        if stored is None:
            self.write_json(INPUTS, value)
        elif stored != value:
            changed = ", ".join(key for key in value if stored.get(key) != value[key])
            raise OutputError(
                f"{self.path} holds a run that began with other inputs: {changed} changed since",
                "Put the inputs back as they were, or choose another folder with --out.",
            )

    def write_json(self, name: str, value: Any) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> None:
        write_beside(self.path / name, lambda beside: beside.write_text(text, encoding="utf-8"))

    def read_json(self, name: str) -> Any | None:
        """The stored value; None if it was never written."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def append(self, name: str, records: Sequence[dict[str, Any]]) -> None:
        """Adds records to a JSON-lines file, durably."""
        path, lines = self.path / name, _json_lines(records)
        _whole_lines(path)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())

    def rewrite(self, name: str, records: Sequence[dict[str, Any]]) -> None:
        """All records of a JSON-lines file anew, at once."""
        self.write_text(name, _json_lines(records))

    def records(self, name: str) -> list[dict[str, Any]]:
        """The records of a JSON-lines file. A last line that a kill cut short is removed, with the work it
        stood for still to do."""
        return [json.loads(line) for line in _whole_lines(self.path / name).splitlines()]

    def metric(self, **fields: Any) -> None:
        """One line in metrics.jsonl, with the time in seconds since the epoch."""
        self.append(METRICS, [{"time": round(time.time(), 3), **fields}])


def _json_lines(records: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _whole_lines(path: Path) -> bytes:
    """What the file holds, after a last line that was cut short has been removed from it."""
    if not path.is_file():
        return b""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        write_beside(path, lambda beside: beside.write_bytes(whole))
    return whole


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: {error}") from error


def _unlike(there: RunConfig, here: RunConfig) -> str:
    """The first few settings in which two configurations differ."""
    a, b = _flat(there.model_dump()), _flat(here.model_dump())
    unlike = [f"{k} is {a.get(k)!r} there and {b.get(k)!r} here" for k in {**a, **b} if a.get(k) != b.get(k)]
    return "; ".join(unlike[:3]) + (f"; and {len(unlike) - 3} more" if len(unlike) > 3 else "")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
