"""Does a policy's directive depend on the family of the task, and would it be worth anything if it did?

    python -m recipes.demo_arc.conditioning --out runs/conditioning --runs runs/arc-0
    python -m recipes.demo_arc.conditioning --out runs/conditioning --table

On tasks of every family of a split that no run trained on. First what is written: the mutual information of
the family, and of the task, with each field of the directives that the base and each round's policy write.
Then what would be gained: a grid of directives (rates and epochs, the rest as set up by hand) is trained on
every task, and the best of each family compared with the best for all, on tasks that did not choose it. All
is recorded; a run that was stopped goes on when its line is typed again, and more tasks may be asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from recipes.demo_arc.information import (
    best_option,
    dependence_on_family,
    dependence_on_task,
    gain_of_conditioning,
    gain_of_each_task,
)
from recipes.real_documents.records import Records, write_json
from seal.domains.arc_agi import ArcAgi, ArcConfig
from seal.domains.arc_agi.microgrid import family_of, tasks
from seal.domains.arc_agi.microgrid.generate import SPLITS
from seal.domains.arc_agi.microgrid.generator import MicroGridConfig
from seal.engine.adapt import Adaptation, Trial
from seal.engine.start import Silent, start
from seal.errors import InputError, SealError
from seal.files import write_beside
from seal.models import load_model
from seal.research.config import RunConfig
from seal.research.few_shot.experiment import HAND_MADE, arc_config
from seal.seeds import derive_seed
from seal.self_edits.arc_grammar import AUGMENTATIONS, render
from seal.types import Context, Directive, Estimate, SelfEdit

SEED = 1000
"""Of the tasks: runs of the experiment have small ones."""
RATES, EPOCHS = (1e-3, 3e-3, 1e-2), (2, 8)
FIELDS = (*AUGMENTATIONS, "strategy", "learning_rate", "num_train_epochs")
BASE = "base"


@dataclass(frozen=True)
class Asked:
    """The tasks, by their families."""

    contexts: Sequence[Context]
    families: Mapping[Hashable, Hashable]


def asked_tasks(config: RunConfig, split: Any, n: int) -> Asked:
    """`n` tasks of every family of a split, the same first ones whatever `n` is."""
    domain = ArcAgi(config.at("arc", ArcConfig))
    by_family: dict[str, list[Any]] = {family.name: [] for family in SPLITS[split]}
    drawn = tasks(split, seed=SEED, cells=config.table(MicroGridConfig).cells)
    for task in islice(drawn, 40 * n * len(by_family)):
        by_family[family_of(task)].append(task)
        if all(len(own) >= n for own in by_family.values()):
            break
    source = domain.as_contexts([task for _, own in sorted(by_family.items()) for task in own[:n]])
    return Asked(source.contexts, {id: family_of(task) for id, task in source.tasks.items()})


def write_choices(
    adaptation: Adaptation,
    asked: Asked,
    policies: Iterator[tuple[str, Callable[[], Any]]],
    n: int,
    kept: Records,
) -> None:
    """What each policy writes for each task, `n` times, as far as it is not recorded."""
    for name, load in policies:
        done = {record["task"] for record in kept.all if record["policy"] == name}
        missing = [context for context in asked.contexts if context.id not in done]
        if not missing:
            continue
        model = load()
        for context in missing:
            [edits] = adaptation.write([context], n, seed=f"{SEED}/choices", model=model)
            kept.add({"policy": name, "task": context.id, "directives": [_told(edit) for edit in edits]})
        _say(f"{name}: {len(missing)} tasks")


def _told(edit: SelfEdit) -> dict[str, Any] | None:
    directive = Directive.of(edit)
    return None if directive is None else asdict(directive)


def policies_of(adaptation: Adaptation, runs: Sequence[Path]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The base, and the policies after the rounds of these runs, each loaded when it is asked for."""
    yield BASE, lambda: adaptation.model
    for run in runs:
        found = sorted(run.glob("rounds/*/policy"))
        if not found:
            raise InputError(f"{run} holds no policy", "Give the folder of a run of `seal demo arc`.")
        for path in found:
            yield (
                f"{run.name}, round {path.parent.name}",
                lambda path=path: load_model(path, dtype="float32")[0],
            )


def grid() -> list[Directive]:
    """The directives that are tried on every task."""
    return [replace(HAND_MADE, learning_rate=lr, num_train_epochs=n) for lr in RATES for n in EPOCHS]


def measure_rewards(adaptation: Adaptation, asked: Asked, n_seeds: int, kept: Records) -> None:
    """The reward of every directive of the grid on every task, by trainings with so many seeds."""
    parse = adaptation.format.parse
    done = {(record["task"], record["seed"]) for record in kept.all}
    for seed in range(n_seeds):
        for context in asked.contexts:
            if (context.id, seed) in done:
                continue
            trials = [
                Trial(context, parse(context, render(one)), derive_seed(SEED, "grid", context.id, seed))
                for one in grid()
            ]
            scores = adaptation.learn_and_examine(trials, answers=True)
            rewards = [
                {"directive": asdict(one), "likelihood": score.likelihood, "accuracy": score.accuracy}
                for one, score in zip(grid(), scores, strict=True)
            ]
            kept.add({"task": context.id, "seed": seed, "rewards": rewards})
        _say(f"rewards: seed {seed}")


# --- what the records say -----------------------------------------------------------------------------------


def figures(asked: Asked, choices: Records, rewards: Records) -> dict[str, Any]:
    """Dependence of each policy's fields, and what conditioning would give, as far as there are records."""
    told: dict[str, Any] = {"policies": [], "oracle": _oracle(asked, rewards)}
    for name in dict.fromkeys(record["policy"] for record in choices.all):
        own = {
            r["task"]: [one for one in r["directives"] if one is not None]
            for r in choices.all
            if r["policy"] == name and r["task"] in asked.families
        }
        row: dict[str, Any] = {"policy": name, "tasks": len(own), "fields": {}}
        for field in (*FIELDS, "rate and epochs"):
            values = {task: [_value(one, field) for one in made] for task, made in own.items()}
            by_family = dependence_on_family(values, asked.families, seed=0)
            row["fields"][field] = {
                "family": asdict(by_family),
                "task": asdict(dependence_on_task(values, seed=0, n_permutations=500)),
            }
        told["policies"].append(row)
    return told


def _value(directive: Mapping[str, Any], field: str) -> Hashable:
    if field == "rate and epochs":
        return directive["learning_rate"], directive["num_train_epochs"]
    return directive[field]


def _oracle(asked: Asked, kept: Records) -> dict[str, Any]:
    """By each measure: the best for all, for each family, for each task (with two seeds), and by family which
    directive is best."""
    told: dict[str, Any] = {}
    for measure in ("likelihood", "accuracy"):
        by_seed: dict[int, dict[tuple[Hashable, Hashable], float]] = {}
        for record in kept.all:
            for one in record["rewards"]:
                value = one[measure]
                option = (one["directive"]["learning_rate"], one["directive"]["num_train_epochs"])
                place = by_seed.setdefault(record["seed"], {})
                place[option, record["task"]] = 0.0 if value is None else value
        first = by_seed.get(0, {})
        known = {
            task: family for task, family in asked.families.items() if ((RATES[0], EPOCHS[0]), task) in first
        }
        counts = [sum(f == family for f in known.values()) for family in set(known.values())]
        if not counts or min(counts) < 2:
            continue
        fixed, by_family, gain = gain_of_conditioning(first, known, seed=0)
        table = {
            str(family): {_name(option): _mean(first, option, own) for option in _options(first)}
            for family in sorted(set(known.values()), key=str)
            if (own := [task for task, f in known.items() if f == family])
        }
        told[measure] = {
            "tasks": len(known),
            "fixed": asdict(fixed),
            "by_family": asdict(by_family),
            "gain": asdict(gain),
            "best_for_all": _name(best_option(first, list(known))),
            "families": table,
        }
        second = by_seed.get(1, {})
        both = [task for task in known if ((RATES[0], EPOCHS[0]), task) in second]
        if both:
            told[measure]["gain_of_each_task"] = asdict(gain_of_each_task(first, second, both, seed=0))
    return told


def _options(rewards: Mapping[tuple[Hashable, Hashable], float]) -> list[Hashable]:
    return list(dict.fromkeys(option for option, _ in rewards))


def _mean(
    rewards: Mapping[tuple[Hashable, Hashable], float], option: Hashable, own: Sequence[Hashable]
) -> float:
    return sum(rewards[option, task] for task in own) / len(own)


def _name(option: Any) -> str:
    return f"{option[0]:g}, {option[1]}"


def table(told: Mapping[str, Any]) -> str:
    """The figures as Markdown: information in bits, rewards in percent."""
    lines: list[str] = []
    for row in told["policies"]:
        lines += [f"**{row['policy']}**, {row['tasks']} tasks:", ""]
        lines += ["| field | with the family, bits | p | of at most | with the task, bits | p |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for field, own in row["fields"].items():
            family, task = own["family"], own["task"]
            most = f"{family['at_most_bits']:.2f}"
            cells = [field, *_bits(family), most, *_bits(task)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    for measure, one in told["oracle"].items():
        lines += [f"**What conditioning would give**, by {measure}, {one['tasks']} tasks: best for all "
                  f"{_range(one['fixed'])}, best of each family {_range(one['by_family'])}, difference "
                  f"{_range(one['gain'], signed=True)}" + (
                      f", best of each task over best for all {_range(one['gain_of_each_task'], signed=True)}"
                      if "gain_of_each_task" in one else "") + ".", ""]  # fmt: skip
        options = list(next(iter(one["families"].values())))
        lines += [f"| family | {' | '.join(options)} |", "|---|" + "---:|" * len(options)]
        for family, own in one["families"].items():
            lines.append(f"| {family} | {' | '.join(f'{100 * own[option]:.1f}' for option in options)} |")
        lines.append("")
    return "\n".join(lines)


def _bits(told: Mapping[str, float]) -> tuple[str, str]:
    return f"{told['bits']:+.3f}", f"{told['p_value']:.3f}"


def _range(told: Mapping[str, Any], *, signed: bool = False) -> str:
    one = Estimate(**told)
    return f"{100 * one.mean:{'+' if signed else ''}.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder of the records")
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="runs of `seal demo arc`")
    parser.add_argument("--split", default="rl", choices=sorted(SPLITS), help="families of tasks")
    parser.add_argument("--tasks", type=int, default=8, help="of each family")
    parser.add_argument("--samples", type=int, default=16, help="directives of a policy for each task")
    parser.add_argument(
        "--seeds", type=int, default=1, help="trainings of each directive on each task; 0: none"
    )
    parser.add_argument("--table", action="store_true", help="only count what is there")
    given = parser.parse_args(arguments)
    choices = Records(given.out / given.split / "choices.jsonl")
    rewards = Records(given.out / given.split / "rewards.jsonl")
    config = arc_config()
    try:
        asked = asked_tasks(config, given.split, given.tasks)
        if not given.table:
            adaptation = start(config, asked.contexts, Silent())
            write_choices(adaptation, asked, policies_of(adaptation, given.runs), given.samples, choices)
            measure_rewards(adaptation, asked, given.seeds, rewards)
        told = figures(asked, choices, rewards)
    except SealError as error:
        print(f"conditioning.py: {error}", file=sys.stderr)
        return 2
    text = table(told)
    write_json(given.out / given.split / "results.json", told)
    write_beside(
        given.out / given.split / "table.md", lambda beside: beside.write_text(text, encoding="utf-8")
    )
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
