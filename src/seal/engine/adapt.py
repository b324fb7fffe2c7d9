"""The inner loop end to end: write self-edits, train an adapter on each, examine it.

Reads as the method does (SEAL, arXiv 2506.10943, section 3), in the order of the methods of `Adaptation`:

    write     the model writes self-edits about a context
    plan      a self-edit becomes training examples and hyperparameters
    train     an adapter is trained on each plan, many of them at once
    examine   each adapter sits its context's exam, the passage out of sight
    answer    what is written in an exam

`learn_and_examine` does the last four, shared among processes. Knows nothing about what scores are used for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from seal.config import EngineConfig
from seal.engine.as_asked import as_asked
from seal.engine.cluster import Cluster
from seal.engine.endpoint_sampling import EndpointSampler
from seal.engine.memory import pass_tokens_that_fit, slots_that_fit
from seal.engine.parts import build_domain, build_format, build_grader, pick_device, pick_style
from seal.engine.reciting import recited
from seal.engine.scores import score_of, ungraded
from seal.engine.work import Work
from seal.engine.workers import Workers, n_workers
from seal.models import load_model, score_answers
from seal.models.chat import answer_lead, chat_prompt
from seal.models.context import context_tokens
from seal.models.generate import Generation, generate
from seal.models.tokens import cut_to, encode_pair, token_texts
from seal.protocols import Domain, Grader, SelfEditFormat
from seal.seeds import derive_seed
from seal.self_edits.arc_grammar import GrammarConstraint
from seal.training import Adapter, AdapterBank, train
from seal.types import (
    Context,
    Example,
    Graded,
    Hyperparameters,
    Messages,
    Question,
    Score,
    SelfEdit,
    TrainingPlan,
)

ANSWERS_AT_ONCE = 256
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, how much there is."""
Trained = tuple[Adapter, tuple[str, ...]]
"""An adapter, and what was changed of what its self-edit asked for."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    pass


@dataclass(frozen=True)
class Trial:
    """One adapter to train and examine: a self-edit, the context whose exam it sits, and a seed.

    `lines_only` leaves the passage out, whatever the domain's configuration says. `recite`: it is not asked,
    but measured by how likely the passage's own sentences are.
    """

    context: Context
    self_edit: SelfEdit
    seed: int
    hyperparameters: Hyperparameters | None = None
    lines_only: bool = False
    recite: bool = False


@dataclass
class Adaptation:
    """A model with the parts that a configuration names, ready to write, train and examine."""

    config: EngineConfig
    model: Any
    tokenizer: Any
    style: str
    format: SelfEditFormat
    domain: Domain
    grader: Grader
    on_progress: Progress = field(default=no_progress)
    work: Work = field(default_factory=Work)
    edit_tokens: int = 0
    answer_tokens: int = 0
    cluster: Cluster | None = None
    endpoint: EndpointSampler | None = None

    def __post_init__(self) -> None:
        """The longest self-edit and answer are as configured, until `check_fit` finds that they cannot be."""
        self.edit_tokens = self.edit_tokens or self.config.self_edit.max_new_tokens
        self.answer_tokens = self.answer_tokens or self.config.grading.max_new_tokens

    @classmethod
    def load(cls, config: EngineConfig, on_progress: Progress = no_progress) -> Adaptation:
        """Load the model and find the parts. Raises ConfigError, UnknownNameError or InputError."""
        format, domain, grader = build_format(config), build_domain(config), build_grader(config)
        model, tokenizer = load_model(
            config.model.name, dtype=config.model.dtype, device=pick_device(config.model.device)
        )
        # Other processes load the same: none measures anew which type is fastest.
        chosen = config.model.model_copy(update={"dtype": str(model.dtype).removeprefix("torch.")})
        config = config.model_copy(update={"model": chosen})
        style = pick_style(config.model.prompt_style, config.model.name, tokenizer)
        return cls(config.engine(), model, tokenizer, style, format, domain, grader, on_progress)

    # Write

    def write(
        self, contexts: Sequence[Context], n: int, *, seed: object, model: Any = None, stage: str = "writing"
    ) -> list[list[SelfEdit]]:
        """Sample `n` self-edits for each context from `model` (the base if None). Each has its own seed."""
        if not self.format.yields:
            return [[SelfEdit(c.id, self.format.name, "", ())] * n for c in contexts]
        asked = [c for c in contexts for _ in range(n)]
        seeds = [derive_seed(seed, c.id, i) for c in contexts for i in range(n)]
        with self.work.doing("write", len(asked)):
            samples = _sampled(self, asked, seeds, self.model if model is None else model, stage)
        edits = []
        for context, sample in zip(asked, samples, strict=True):
            text = cut_to(self.tokenizer, sample.text, self.edit_tokens)
            edits.append(self.format.parse(context, text, truncated=sample.truncated or text != sample.text))
        return [edits[at : at + n] for at in range(0, len(edits), n)]

    @cached_property
    def constraint(self) -> GrammarConstraint | None:
        """What holds the writer to its grammar, if the configuration asks for it."""
        grammar = self.format.grammar() if self.config.self_edit.constrained else None
        if grammar is None:
            return None
        n = self.model.get_output_embeddings().weight.shape[0]
        return GrammarConstraint(grammar, token_texts(self.tokenizer, n), self.tokenizer.eos_token_id)

    # Plan

    def plan(self, trial: Trial) -> tuple[TrainingPlan, tuple[str, ...]]:
        """The training of a trial, and what was changed of what its self-edit asked for, in words.

        A self-edit without examples, or one that is refused, leaves the model as it was.
        """
        configured = trial.hyperparameters or self.config.inner.hyperparameters()
        domain = self.domain.edit_alone() if trial.lines_only else self.domain
        edit, examples = trial.self_edit, as_asked(self, domain.examples(trial.context, trial.self_edit))
        notes: tuple[str, ...] = ()
        if edit.directives and examples:
            edit, examples, notes = _held_to_limits(self, edit, examples, configured.batch_size)
        hyperparameters = domain.hyperparameters(edit, configured)
        if not examples:
            examples = (Example(trial.context.title or trial.context.text),)
            hyperparameters = replace(hyperparameters, epochs=0, max_steps=0)
        plan = TrainingPlan(f"{trial.context.id}/{trial.seed}", examples, hyperparameters, trial.seed)
        rejected = edit.directives.get("rejected")
        return plan, (rejected,) if rejected else (*notes, *edit.directives.get("clipped", ()))

    def length_tokens(self, example: Example) -> int:
        """The tokens of a training example, its end included."""
        return sum(map(len, encode_pair(self.tokenizer, example.prompt, example.completion, append_eos=True)))

    # Train

    def train(
        self,
        trials: Sequence[Trial],
        learner: Any = None,
        *,
        stage: str = "",
        begun: Sequence[Adapter | None] | None = None,
        until: float = 1.0,
    ) -> list[Trained]:
        """The adapter of each trial, trained in this process on `learner` (the base if None), and what was
        changed of what its self-edit asked for. `begun` and `until`: only a part of it, see `train`."""
        if not trials:
            return []
        learner = self.model if learner is None else learner
        planned = [self.plan(trial) for trial in trials]
        inner, rank = self.config.inner, max(plan.hyperparameters.rank for plan, _ in planned)
        adapters = train(
            learner,
            self.tokenizer,
            [plan for plan, _ in planned],
            max_slots=inner.slots or slots_that_fit(learner, rank, inner.targets, wanted=len(planned)),
            max_tokens=pass_tokens_that_fit(learner),
            faithful_length=inner.as_released.faithful_length or None,
            begun=begun,
            until=until,
            on_progress=lambda done, total: self.on_progress(stage, done, total),
        )
        return [(adapter, notes) for adapter, (_, notes) in zip(adapters, planned, strict=True)]

    def learn_and_examine(
        self, trials: Sequence[Trial], *, answers: bool, model: Any = None, stage: str = "training"
    ) -> list[Score]:
        """Train one adapter a trial and examine it on its context's questions, passage not in context.

        `answers`: let it write answers and grade them. Without, only the likelihood of the gold answers is
        measured, which is cheaper. An adapter that diverged comes back ungraded with the reason.
        """
        if not trials:
            return []
        with self.work.doing("train", len(trials)):
            if model is not None and model is not self.model:
                return self.learn_here(trials, answers, model, stage)
            cost, act = partial(cost_tokens, self), partial(learn_on_own, answers=answers)
            here = partial(self.learn_here, answers=answers, learner=self.model, stage=stage)
            return self.workers.share(trials, cost, act, here)

    @cached_property
    def workers(self) -> Workers:
        """The processes that trials on the frozen base are shared among."""
        alone = self.config.inner.model_copy(update={"workers": 1})
        config = self.config.model_copy(update={"inner": alone}).model_dump_json()
        payload = (config, self.edit_tokens, self.answer_tokens)
        return Workers("seal.engine.elsewhere:EngineProcess", payload, n_workers(self.config, self.model))

    def learn_here(self, trials: Sequence[Trial], answers: bool, learner: Any, stage: str) -> list[Score]:
        """`learn_and_examine` in this process, by `learner`."""
        return self.sit(trials, self.train(trials, learner, stage=stage), answers=answers, learner=learner)

    # Examine

    def sit(
        self, trials: Sequence[Trial], trained: Sequence[Trained], *, answers: bool, learner: Any
    ) -> list[Score]:
        """The exam of each trial's adapter, as `train` gave them."""
        sound = [i for i, (adapter, _) in enumerate(trained) if not adapter.failed]
        scores = {i: ungraded(trials[i].context, a.failed) for i, (a, _) in enumerate(trained) if a.failed}
        if sound:
            exams = [(trials[i].context, None) for i in sound]
            with AdapterBank.of(learner, [trained[i][0] for i in sound]) as bank:
                sit = partial(recited, self.tokenizer) if trials[0].recite else self.examine
                scores |= zip(sound, sit(exams, answers=answers, bank=bank, model=learner), strict=True)
        return [replace(scores[i], notes=notes) for i, (_, notes) in enumerate(trained)]

    def examine(
        self,
        exams: Sequence[tuple[Context, Context | None]],
        *,
        answers: bool = True,
        bank: AdapterBank | None = None,
        model: Any = None,
        stage: str = "",
    ) -> list[Score]:
        """Examine each (context, shown): the context's questions, with the passage `shown` if it is not None.

        With a bank, exam i is sat by the adapter in slot i; without, by the bare model.
        """
        learner = self.model if model is None else model
        asked = [(i, question) for i, (context, _) in enumerate(exams) for question in context.questions]
        prompts = [self.exam_prompt(exams[i][1], question) for i, question in asked]
        slots = [i for i, _ in asked] if bank else None
        likelihoods: list[float | None] = [None] * len(asked)
        with_gold = [j for j, (_, question) in enumerate(asked) if question.answers]
        pairs = [(prompts[j], self.answer_lead + asked[j][1].answers[0]) for j in with_gold]
        own = [asked[j][0] for j in with_gold] if bank else None
        for j, one in zip(
            with_gold, score_answers(learner, self.tokenizer, pairs, adapters=bank, slots=own), strict=True
        ):
            likelihoods[j] = one.measured(self.config.grading.likelihood)
        graded: list[Graded] = [
            Graded(q.text, q.answers, "", "ungraded", None, "not asked") for _, q in asked
        ]
        if answers:
            texts = self.answer(prompts, bank=bank, slots=slots, model=learner, stage=stage)
            graded = self.grader.grade([q for _, q in asked], texts)
        return [
            score_of(context, [(graded[j], likelihoods[j]) for j, (i, _) in enumerate(asked) if i == exam])
            for exam, (context, _) in enumerate(exams)
        ]

    def answer(
        self,
        prompts: Sequence[str],
        *,
        bank: AdapterBank | None = None,
        slots: Sequence[int] | None = None,
        model: Any = None,
        stage: str = "",
        longest_tokens: int = 0,
        known: Sequence[str] | None = None,
    ) -> list[str]:
        """What is answered to each of these prompts, greedily; with a bank, by the adapter in its slot.

        `longest_tokens`: in place of the configured `grading.max_new_tokens`. `known` is `generate`'s.
        """
        written = generate(
            self.model if model is None else model,
            self.tokenizer,
            prompts,
            adapters=bank,
            slots=slots,
            max_new_tokens=longest_tokens or self.answer_tokens,
            stop=answer_stop(self),
            batch_size=ANSWERS_AT_ONCE,
            known=known,
            on_progress=(lambda done, total: self.on_progress(stage, done, total)) if stage else None,
        )
        return [self.domain.clean_answer(one.text) for one in written]

    # The texts that the model reads

    def render(self, prompt: str | list[dict[str, str]]) -> str:
        """A prompt as the text that the model reads; messages go through its chat template, and InputError
        is raised if it refuses them."""
        if isinstance(prompt, str) and self.style != "chat":
            return prompt
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return chat_prompt(self.tokenizer, messages)

    def writing_prompt(self, context: Context) -> str:
        return self.render(self.format.prompt(context, self.style))

    @property
    def answer_lead(self) -> str:
        """What stands between an exam's prompt and the answer."""
        return answer_lead(self.tokenizer) if self.style == "chat" else self.domain.answer_lead

    def exam_prompt(self, shown: Context | None, question: Question) -> str:
        """The text that asks a question, closed-book or with the passage `shown`."""
        if shown is None:
            return self.render(self.domain.exam_prompt(question, self.style))
        return self.render(self.domain.open_book_prompt(shown, question, self.style))


def answer_stop(adaptation: Adaptation) -> tuple[str, ...]:
    """What ends an answer, besides the model's own end."""
    return () if adaptation.style == "chat" else (adaptation.domain.answer_end,)


def _sampled(
    adaptation: Adaptation, contexts: Sequence[Context], seeds: Sequence[int], model: Any, stage: str
) -> list[Generation]:
    """What `model` writes about each context, here or behind the endpoint that is configured."""
    longest, tell = adaptation.edit_tokens, partial(adaptation.on_progress, stage)
    if adaptation.endpoint is not None:
        requests = [_sent_about(adaptation, context) for context in contexts]
        own = None if model is adaptation.model else model
        return adaptation.endpoint.sample(requests, seeds, own, longest_tokens=longest, on_progress=tell)
    sampling = adaptation.config.self_edit
    return generate(
        model,
        adaptation.tokenizer,
        [adaptation.writing_prompt(context) for context in contexts],
        max_new_tokens=longest,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seeds=seeds,
        constraint=adaptation.constraint,
        batch_size=96,
        on_progress=tell,
    )


def _sent_about(adaptation: Adaptation, context: Context) -> Messages | str:
    """What an endpoint is sent: messages for a chat model, whose template it has; else a text to complete."""
    if adaptation.style != "chat":
        return adaptation.writing_prompt(context)
    return [{"role": "user", "content": adaptation.format.prompt(context, "chat")}]


def _held_to_limits(
    adaptation: Adaptation, edit: SelfEdit, examples: tuple[Example, ...], batch_size: int
) -> tuple[SelfEdit, tuple[Example, ...], tuple[str, ...]]:
    """A directive with the epochs that its limits of work allow, the examples that fit the model's context,
    and how many do not, in words."""
    lengths = [adaptation.length_tokens(example) for example in examples]
    limit = context_tokens(adaptation.model) or max(lengths)
    fitting = [index for index, n in enumerate(lengths) if n <= limit]
    edit = adaptation.format.limited(
        edit,
        n_examples=len(fitting),
        batch_size=batch_size,
        tokens_an_epoch=sum(lengths[index] for index in fitting),
    )
    n_left_out = len(examples) - len(fitting)
    note = f"{n_left_out} of {len(examples)} examples are longer than {limit} tokens"
    return edit, tuple(examples[index] for index in fitting), (note,) if n_left_out else ()


def learn_on_own(adaptation: Adaptation, trials: Sequence[Trial], *, answers: bool) -> list[Score]:
    """`learn_here` by the model that a process holds."""
    return adaptation.learn_here(trials, answers, adaptation.model, "")


def cost_tokens(adaptation: Adaptation, trial: Trial) -> float:
    """About how many tokens the training of a trial takes."""
    plan, _ = adaptation.plan(trial)
    tokens = sum(map(adaptation.length_tokens, plan.examples))
    hyperparameters = plan.hyperparameters
    if hyperparameters.max_steps and hyperparameters.batch_tokens:
        return hyperparameters.max_steps * min(tokens, hyperparameters.batch_tokens)
    return tokens * (1 + hyperparameters.epochs)
