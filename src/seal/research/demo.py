"""The main experiment: does a model that learns to write its own training data learn more from it?

Two arms of the outer loop, one rewarded and one choosing by chance, then every method on held-out passages.
Knows nothing about how results are shown (reports) or called for (cli).
"""

from __future__ import annotations

from seal.engine.adapt import Adaptation
from seal.engine.check import fingerprint
from seal.engine.start import Silent, Watch, start
from seal.research.compare import examine_arms, methods_of_arms, tables
from seal.research.config import RunConfig, builtin_config
from seal.research.data import load_source
from seal.research.evaluate import Evaluation, method_table
from seal.research.methods import in_order
from seal.research.outer import contexts_of_round, n_contexts
from seal.research.planning import work_of_methods, work_of_rounds
from seal.research.records import Results
from seal.research.run_folder import RunFolder

PAIRS = (
    ("passage", "base"), ("self_edit", "passage"), ("self_edit", "passage_best"), ("round_1", "self_edit"),
    ("seal", "self_edit"), ("seal", "round_1"), ("seal", "random_selection"),
    ("random_selection", "self_edit"), ("gold", "seal"), ("open_book", "gold"),
)  # fmt: skip
QUICK = {
    "data.n_train": 16, "data.n_evaluation": 20, "self_edit.samples": 4, "outer.rounds": 1,
    "outer.check_contexts": 0,
}  # fmt: skip
"""What `--quick` changes: a look at the whole loop in under a minute, too small for conclusions."""


def demo_config(*, seed: int = 0, quick: bool = False) -> RunConfig:
    """The demo's configuration, as in demo.toml."""
    return builtin_config("seal.research", "demo.toml", {"seed": seed} | (QUICK if quick else {}))


def run_experiment(config: RunConfig, folder: RunFolder, watch: Watch | None = None) -> Results:
    """Run or resume the experiment; returns what `results.json` then holds."""
    watch = watch or Silent()
    done = folder.results()
    if done is not None:
        return done
    training = load_source(config, config.data.train, n_contexts(config), reward=True)
    held_out = load_source(config, config.data.evaluation, config.data.n_evaluation)
    adaptation = start(config, training.contexts + held_out.contexts, watch, open_book=True)
    folder.pin(fingerprint(adaptation, training=training.contexts, evaluation=held_out.contexts))
    n_train = len(contexts_of_round(config, training.contexts, 1))
    adaptation.work.plan(work_of_rounds(config, n_train, control=True))
    methods = ["passage", *methods_of_arms(config)]
    methods += ["passage_best"] if config.passage_best is not None else []
    methods += ["gold"] if held_out.gold else []
    adaptation.work.plan(work_of_methods(config, methods, len(held_out.contexts)))

    def known(method: str) -> None:
        watch.figures(method_table(folder.evaluation.read(), [method], seed=config.seed))

    evaluation = Evaluation(adaptation, folder, held_out.contexts)
    with folder.session():
        evaluation.untrained("base", open_book=False)
        known("base")
        evaluation.untrained("open_book", open_book=True)
        known("open_book")
        evaluation.passage("passage")
        known("passage")
        if config.passage_best is not None:
            evaluation.passage("passage_best", config.passage_best.hyperparameters())
            known("passage_best")
        if held_out.gold:
            evaluation.given("gold", held_out.gold)
            known("gold")
        examine_arms(evaluation, training.contexts, known)

    results = summarise_run(adaptation, folder)
    folder.keep_results(results)
    return results


def summarise_run(adaptation: Adaptation, folder: RunFolder) -> Results:
    """Tables of the folder's records."""
    methods = in_order({record.method for record in folder.evaluation.read()})
    return tables(adaptation, folder, methods, PAIRS)
