"""Does a model that learns to configure its own training solve more new tasks?

The outer loop on generated tasks, rewarded and by chance, then every method on tasks of held-out families.
Knows nothing about how results are shown or called for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from seal.domains.arc_agi.microgrid import family_of
from seal.engine.adapt import Adaptation
from seal.engine.check import fingerprint
from seal.engine.start import Silent, Watch, start
from seal.engine.work import WorkAmount
from seal.research.compare import examine_arms, methods_of_arms, tables
from seal.research.config import RunConfig, builtin_config, check_names
from seal.research.data import ContextSource, load_source
from seal.research.evaluate import Evaluation, method_table
from seal.research.few_shot import fixed
from seal.research.few_shot.choosing import choose
from seal.research.few_shot.committee import together
from seal.research.few_shot.voting import TaskEvaluation
from seal.research.methods import in_order, method_named
from seal.research.outer import OuterLoop, contexts_of_round, n_contexts
from seal.research.planning import work_of_methods, work_of_rounds
from seal.research.records import EvaluationRecord, FamilyRow, Results
from seal.research.run_folder import RunFolder
from seal.self_edits.arc_grammar import render
from seal.types import Directive, SelfEdit

HAND_MADE: Final = Directive(True, False, False, False, "train_using_output_tokens", 1e-2, 8)
"""Test-time training as a person sets it up (Akyürek et al., arXiv 2411.07279): leave-one-out tasks, flips,
permuted colours, loss on the outputs; the rate and the epochs are those that suit the embedded model."""
PAIRS: Final = (
    ("self_edit", "base"), ("round_1", "self_edit"), ("seal", "self_edit"), ("seal", "round_1"),
    ("seal", "random_selection"), ("random_selection", "self_edit"), ("seal", "best_fixed"),
    ("seal", "hand_made"), ("seal_voting", "hand_made_voting"), ("seal_voting", "seal"),
    ("chosen", "base"), ("chosen", "self_edit"), ("seal_chosen", "seal"), ("seal_chosen", "best_fixed"),
    ("seal_chosen", "fixed_chosen"), ("seal_chosen", "base"), ("committee", "base"),
    ("seal_committee", "seal"), ("seal_committee", "seal_chosen"), ("seal_committee", "best_fixed"),
    ("seal_committee", "fixed_committee"), ("fixed_committee", "best_fixed"), ("seal_committee", "base"),
    ("seal_committee", "hand_made"), ("seal_committee", "base_voting"), ("committee", "base_voting"),
)  # fmt: skip
QUICK: Final = {"data.n_train": 8, "data.n_evaluation": 16, "self_edit.samples": 4, "outer.rounds": 1}


def arc_config(*, seed: int = 0, quick: bool = False, matched: bool = False) -> RunConfig:
    """The experiment's configuration, as in arc.toml; `matched` with the matched baselines."""
    own = {"seed": seed, "few_shot.choose_fixed": matched}
    return builtin_config("seal.research.few_shot", "arc.toml", own | (QUICK if quick else {}))


def run_few_shot(config: RunConfig, folder: RunFolder, watch: Watch | None = None) -> Results:
    """Run or resume the experiment; returns what `results.json` then holds."""
    watch = watch or Silent()
    done = folder.results()
    if done is not None:
        return done
    check_names(config)
    training = load_source(config, config.data.train, n_contexts(config), reward=True)
    held_out = load_source(config, config.data.evaluation, config.data.n_evaluation)
    adaptation = start(config, training.contexts + held_out.contexts, watch)
    folder.pin(fingerprint(adaptation, training=training.contexts, evaluation=held_out.contexts))
    n_train = len(contexts_of_round(config, training.contexts, 1))
    adaptation.work.plan(work_of_rounds(config, n_train, control=True))
    adaptation.work.plan(WorkAmount(train=fixed.budget(config)))
    methods = ["hand_made", *methods_of_arms(config), "best_fixed", *methods_of_several(config)]
    adaptation.work.plan(work_of_methods(config, methods, len(held_out.contexts)))
    with folder.session():
        _run(adaptation, folder, training, held_out, watch)
    results = summarise_tasks(adaptation, folder, held_out)
    folder.keep_results(results)
    return results


def _run(
    adaptation: Adaptation, folder: RunFolder, training: ContextSource, held_out: ContextSource, watch: Watch
) -> None:
    evaluation = TaskEvaluation(adaptation, folder, held_out.contexts, held_out.tasks)

    def known(method: str) -> None:
        watch.figures(method_table(folder.evaluation.read(), [method], seed=adaptation.config.seed))

    evaluation.untrained("base")
    known("base")
    same_for_all(evaluation, "hand_made", HAND_MADE)
    known("hand_made")
    examine_arms(evaluation, training.contexts, known)
    same_for_all(evaluation, "best_fixed", fixed.search_fixed(adaptation, folder, training.contexts))
    known("best_fixed")
    for method in methods_of_several(folder.config):
        by_several(evaluation, training, method)
        known(method)


def methods_of_several(config: RunConfig) -> tuple[str, ...]:
    """The methods that have several directives for each task: all of them together or, with the matched
    baselines, also one chosen among them."""
    if not config.few_shot.choose_fixed:
        return ("seal_committee",)
    return ("seal_chosen", "seal_committee", "fixed_chosen", "fixed_committee")


def by_several(evaluation: TaskEvaluation, training: ContextSource, method: str) -> None:
    """Examine a method that has several directives for each task: the policy's own after RL, or the best of
    those that are the same for all tasks."""
    if evaluation.is_done(method):
        return
    adaptation, folder = evaluation.adaptation, evaluation.folder
    if method_named(method).trained_on == "own":
        policies = [p for _, p in OuterLoop(adaptation, folder, training.contexts, "seal").policies()]
        by_own(evaluation, method, policies[-1] if policies else adaptation.model)
    else:
        best = fixed.best_fixed(adaptation, folder, folder.config.few_shot.choose_from)
        same = {
            c.id: [adaptation.format.parse(c, render(directive)) for directive in best]
            for c in evaluation.contexts
        }
        _by(evaluation, method, same)


def by_own(evaluation: TaskEvaluation, method: str, policy: Any) -> None:
    """Examine several directives that `policy` writes for each task."""
    if evaluation.is_done(method):
        return
    adaptation, contexts = evaluation.adaptation, evaluation.contexts
    n, seed = evaluation.folder.config.few_shot.choose_from, f"{adaptation.config.seed}/choose"
    written = adaptation.write(contexts, n, seed=seed, model=policy, stage=f"writing for {method}")
    _by(evaluation, method, {c.id: own for c, own in zip(contexts, written, strict=True)})


def _by(evaluation: TaskEvaluation, method: str, candidates: Mapping[str, Sequence[SelfEdit]]) -> None:
    if method_named(method).several == "together":
        together(evaluation, method, evaluation.tasks, candidates)
    else:
        adaptation, folder = evaluation.adaptation, evaluation.folder
        evaluation.given(method, choose(adaptation, folder, method, evaluation.contexts, candidates))


def same_for_all(evaluation: Evaluation, method: str, directive: Directive) -> None:
    """Examine one directive, the same for every task."""
    text, parse = render(directive), evaluation.adaptation.format.parse
    evaluation.given(method, {c.id: parse(c, text) for c in evaluation.contexts})


def summarise_tasks(adaptation: Adaptation, folder: RunFolder, held_out: ContextSource) -> Results:
    """Tables of the folder's records, with the families of the tasks."""
    records, best = folder.evaluation.read(), folder.best_fixed
    methods = in_order({record.method for record in records})
    families = {id: family_of(task) for id, task in held_out.tasks.items()}
    results = tables(adaptation, folder, methods, PAIRS)
    results["families"] = family_table(records, families, methods)
    results["best_fixed"] = best.to_json() if best else None
    return results


def family_table(
    records: Sequence[EvaluationRecord], families: dict[str, str], methods: Sequence[str]
) -> list[FamilyRow]:
    """One row a family: how many tasks it has, and how many of them each method solved."""
    rows: list[FamilyRow] = []
    for family in sorted(set(families.values())):
        own = [r for r in records if families.get(r.context) == family]
        solved = {m: sum(r.accuracy == 1 for r in own if r.method == m) for m in methods}
        rows.append({"family": family, "n": sum(f == family for f in families.values()), "solved": solved})
    return rows
