"""The operations of the work, counted from the model as the matrix products that it cannot do without.

Counted are two operations for each multiply-add, over real tokens only: padding, element-wise work, norms,
softmax and the optimiser are not in it, so whoever computes them has them against himself.

- A linear module forward; backward with respect to its input, unless nothing below it needs a gradient.
  The base is frozen, so there is no product for its weights' gradient.
- LoRA's two factors forward; backward with respect to each factor, to what lies between them, and to the
  input where that is needed.
- The output head only where a token bears loss or is to be chosen.
- Attention's two products forward and four backward, on whole squares: of a causal mask a kernel may leave
  out half, and it then computes less than is counted (a percent or less of all at these lengths).

Knows nothing about time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from seal.bench.inner_loop.workload import Load, TrainingTask, question_ids
from seal.training.adapter import linears, match_targets, matrix

Part = Literal["base", "lora", "head", "attention"]
Phase = Literal["train", "exam"]


@dataclass(frozen=True)
class Product:
    """`batch` products [m, k] x [k, n] at once, `count` times in all the work.

    `left_t`, `right_t`: that operand lies in memory the other way round, as the model's has it.
    """

    part: Part
    m: int
    k: int
    n: int
    batch: int = 1
    count: float = 1.0
    left_t: bool = False
    right_t: bool = False

    @property
    def operations(self) -> float:
        return 2.0 * self.batch * self.m * self.k * self.n * self.count


@dataclass(frozen=True)
class LayerShape:
    """A linear module: its size, whether it has an adapter, and whether its input needs a gradient."""

    name: str
    n_in: int
    n_out: int
    adapted: bool
    input_gradient: bool


@dataclass(frozen=True)
class Anatomy:
    """What of a model decides how much is computed."""

    layers: tuple[LayerShape, ...]
    head: tuple[int, int]
    n_attentions: int
    n_heads: int
    head_size: int

    @classmethod
    def of(cls, model: Any, targets: str | tuple[str, ...] = "all-linear") -> Anatomy:
        """Finds by a short pass which inputs depend on an adapter, and so need a gradient."""
        config = model.config.get_text_config()
        modules = linears(model)
        adapted = set(match_targets(modules, targets))
        needs = _needs_gradient(model, modules, adapted)
        layers = []
        for name, module in modules.items():
            n_out, n_in = matrix(module).shape
            layers.append(LayerShape(name, n_in, n_out, name in adapted, needs[name]))
        n_vocabulary, n_hidden = model.get_output_embeddings().weight.shape
        heads = config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // heads
        return cls(tuple(layers), (n_hidden, n_vocabulary), config.num_hidden_layers, heads, size)


def _needs_gradient(model: Any, modules: dict[str, Any], adapted: set[str]) -> dict[str, bool]:
    """Whether each module's input depends on an adapter's output, in a pass over two tokens."""
    needs: dict[str, bool] = {}
    zero = torch.zeros((), device=next(model.parameters()).device, requires_grad=True)
    handles = []
    frozen = [p for p in model.parameters() if p.requires_grad]
    for name, module in modules.items():

        def look(_: nn.Module, given: tuple[Tensor, ...], made: Tensor, name: str = name) -> Tensor | None:
            needs[name] = given[0].requires_grad
            return made + zero.to(made.dtype) if name in adapted else None

        handles.append(module.register_forward_hook(look))
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            model(input_ids=torch.tensor([[2, 3]], device=zero.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
        for parameter in frozen:
            parameter.requires_grad_(True)
    return needs


def train_products(
    anatomy: Anatomy,
    *,
    n_adapters: int,
    n_turns: float,
    example_tokens: int,
    turn_tokens: int,
    turn_labels: int,
    rank: int,
) -> list[Product]:
    """Products of a training in which `n_adapters` take `n_turns` steps together, forward and backward.

    A base weight meets all tokens of a turn at once, a factor those of one example. `example_tokens` is the
    mean, `turn_tokens` and `turn_labels` are what goes through, and through the head, in a turn.
    """
    products = []
    for layer in anatomy.layers:
        i, o = layer.n_in, layer.n_out
        products.append(Product("base", turn_tokens, i, o, count=n_turns, right_t=True))
        if layer.input_gradient:
            products.append(Product("base", turn_tokens, o, i, count=n_turns))
        if layer.adapted:
            products += _lora(layer, n_adapters, n_turns, example_tokens, rank)
    hidden, vocabulary = anatomy.head
    products.append(Product("head", turn_labels, hidden, vocabulary, count=n_turns, right_t=True))
    products.append(Product("head", turn_labels, vocabulary, hidden, count=n_turns))
    t, d, batch = example_tokens, anatomy.head_size, n_adapters * anatomy.n_heads
    count = n_turns * anatomy.n_attentions
    scores = Product("attention", t, d, t, batch, count, right_t=True)
    mixed = Product("attention", t, t, d, batch, count)
    mixed_t = Product("attention", t, t, d, batch, count, left_t=True)
    # Forward: scores, mix. Backward: of the mix to the weights (like scores) and to the values, of the
    # scores to the queries and to the keys.
    return [*products, scores, mixed, scores, mixed_t, mixed, mixed_t]


def _lora(layer: LayerShape, n_adapters: int, n_turns: float, tokens: int, rank: int) -> list[Product]:
    i, o, r, t = layer.n_in, layer.n_out, rank, tokens
    products = [
        Product("lora", t, i, r, n_adapters, n_turns, right_t=True),  # x A^T
        Product("lora", t, r, o, n_adapters, n_turns, right_t=True),  # (x A^T) B^T
        Product("lora", t, o, r, n_adapters, n_turns),  # gradient between the factors
        Product("lora", o, t, r, n_adapters, n_turns, left_t=True),  # gradient of B
        Product("lora", r, t, i, n_adapters, n_turns, left_t=True),  # gradient of A
    ]
    if layer.input_gradient:
        products.append(Product("lora", t, r, i, n_adapters, n_turns))
    return products


def exam_products(
    anatomy: Anatomy,
    *,
    n_batches: float,
    batch_adapters: int,
    n_questions: int,
    question_tokens: int,
    answer_tokens: int,
    rank: int,
) -> list[Product]:
    """Products of an exam: every question read once, then token after token written with a cache.

    The last token is written but not read; the first comes from reading the question.
    """
    rows = batch_adapters * n_questions
    steps = n_batches * (answer_tokens - 1)
    products = []
    for layer in anatomy.layers:
        for tokens, count in ((question_tokens, n_batches), (1, steps)):
            i, o, own = layer.n_in, layer.n_out, n_questions * tokens
            products.append(Product("base", rows * tokens, i, o, count=count, right_t=True))
            if layer.adapted:
                products.append(Product("lora", own, i, rank, batch_adapters, count, right_t=True))
                products.append(Product("lora", own, rank, o, batch_adapters, count, right_t=True))
    hidden, vocabulary = anatomy.head
    products.append(Product("head", rows, hidden, vocabulary, count=n_batches * answer_tokens, right_t=True))
    batch, d = rows * anatomy.n_heads, anatomy.head_size
    seen = question_tokens + answer_tokens // 2
    for t, context, count in ((question_tokens, question_tokens, n_batches), (1, seen, steps)):
        count *= anatomy.n_attentions
        products.append(Product("attention", t, d, context, batch, count, right_t=True))
        products.append(Product("attention", t, context, d, batch, count))
    return [p for p in products if p.count]


def products_of(
    anatomy: Anatomy, tasks: Sequence[TrainingTask], load: Load, *, slots: int, exam_rows: int
) -> dict[Phase, list[Product]]:
    """The products of all of `tasks` together, at the mean length of an example and of a question.

    `slots` adapters are trained at once, and at most `exam_rows` questions answered.
    """
    n, rank = len(tasks), load.hyperparameters.rank
    steps = [[t.plan.examples[i] for i in batch] for t in tasks for batch in t.plan.steps]
    tokens = sum(len(example.input_ids) for batch in steps for example in batch)
    labels = sum(len(example.targets) for batch in steps for example in batch)
    n_examples = sum(map(len, steps))
    turns = sum(len(task.plan.steps) for task in tasks) / slots
    questions = [len(ids) for task in tasks for ids in question_ids(task)]
    at_once = max(1, min(n, exam_rows // load.n_questions))
    return {
        "train": train_products(
            anatomy,
            n_adapters=slots,
            n_turns=turns,
            example_tokens=round(tokens / n_examples),
            turn_tokens=round(tokens / turns),
            turn_labels=round(labels / turns),
            rank=rank,
        ),
        "exam": exam_products(
            anatomy,
            n_batches=n / at_once,
            batch_adapters=at_once,
            n_questions=load.n_questions,
            question_tokens=round(sum(questions) / len(questions)),
            answer_tokens=load.answer_tokens,
            rank=rank,
        ),
    }


def total(products: Sequence[Product]) -> float:
    """The operations of all products together."""
    return sum(product.operations for product in products)
