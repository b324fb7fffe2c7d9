"""What is written with drafts is to the bit what is written without."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoints import save_toy
from seal.models import load_model, native_layers
from seal.models.cache import new_cache
from seal.models.copying import DraftPlanner
from seal.models.decoder import DecoderStack
from seal.models.generate import generate
from seal.training import AdapterBank
from toys import threads

pytestmark = pytest.mark.skipif(
    not native_layers._has_instructions(), reason="no C++ compiler, or a processor without bf16"
)
TEXT = "the cat sat on the mat and the dog sat on the cat and "


@pytest.fixture(scope="module", params=["llama", "qwen2", "qwen3", "gemma3"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    window = 20 if request.param == "gemma3" else None  # which texts outgrow
    folder = save_toy(tmp_path_factory.mktemp("toy"), request.param, window_tokens=window)
    return load_model(folder, dtype="bfloat16")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass had, while every draft is as long as it may be."""
    sizes: list[int] = []
    step = DecoderStack.step

    def counted(self: Any, ids: torch.Tensor, *given_: Any, **how: Any) -> Any:
        sizes.append(len(ids))
        return step(self, ids, *given_, **how)

    monkeypatch.setattr(DecoderStack, "step", counted)
    monkeypatch.setattr(DraftPlanner, "_share", lambda *_: 1.0)
    return sizes


def filled(model: Any) -> AdapterBank:
    bank, draw = AdapterBank(model, n_slots=3, rank=4), torch.Generator().manual_seed(0)
    bank.weights.copy_(torch.rand(bank.weights.shape, generator=draw) - 0.5).mul_(0.3)
    bank.scales.fill_(1.0)
    return bank


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    starts=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    temperature=st.sampled_from([0.0, 0.3, 1.0]),
    adapted=st.booleans(),
    most_drafted=st.integers(1, 9),
    n_threads=st.integers(1, 2),
)
def test_texts_are_the_same_with_and_without(
    loaded: Any,
    passes: list[int],
    starts: list[int],
    temperature: float,
    adapted: bool,
    most_drafted: int,
    n_threads: int,
) -> None:
    model, tokenizer = loaded
    prompts = [TEXT[start:] + TEXT[: start + 1] for start in starts]
    how: dict[str, Any] = {"max_new_tokens": 24, "temperature": temperature, "top_p": 0.9, "stop": ("zz",)}
    slots = [i * 3 // len(prompts) for i in range(len(prompts))]
    with filled(model) if adapted else nullcontext() as bank, threads(n_threads):
        how |= {"adapters": bank, "slots": slots} if adapted else {}
        plain = generate(model, tokenizer, prompts, most_drafted=0, **how)
        alone = list(passes)
        passes.clear()
        assert generate(model, tokenizer, prompts, most_drafted=most_drafted, **how) == plain
    assert len(alone) >= len(passes), "no pass more than without"
    passes.clear()


def test_what_repeats_itself_takes_fewer_passes(loaded: Any, passes: list[int]) -> None:
    """A toy writes in circles when it is greedy."""
    model, tokenizer = loaded
    generate(model, tokenizer, [TEXT], max_new_tokens=60, most_drafted=0)
    assert passes == [1] * 59
    passes.clear()
    generate(model, tokenizer, [TEXT], max_new_tokens=60)
    assert len(passes) < 0.8 * 59 and max(passes) > 1


def test_a_text_that_is_known_takes_fewer_passes_still(loaded: Any, passes: list[int]) -> None:
    model, tokenizer = loaded
    how: dict[str, Any] = {"max_new_tokens": 40, "temperature": 1.5}
    [plain] = generate(model, tokenizer, ["b"], **how)
    without = len(passes)
    passes.clear()
    assert generate(model, tokenizer, ["b"], known=[plain.text], **how) == [plain]
    assert len(passes) < without


def test_each_token_of_a_pass_has_the_logits_that_it_has_alone(loaded: Any) -> None:
    model, _ = loaded
    ids = torch.arange(18).reshape(2, 9) * 13 % 300
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, :2] = False
    positions = (mask.cumsum(1) - 1).clamp(min=0)

    def states(sizes: list[list[int]]) -> torch.Tensor:
        """Of the tokens after the first four of each row, so many of each row in each pass."""
        with torch.inference_mode():
            _, cache = new_cache(model, 9)
            model(ids[:, :4], attention_mask=mask[:, :4], position_ids=positions[:, :4], cache=cache)
            ends, found = [4, 4], torch.zeros(2, 5, model.config.hidden_size)
            for size in sizes:
                own = [(row, ends[row] + i) for row in (0, 1) for i in range(size[row])]
                rows, places = (list(part) for part in zip(*own, strict=True))
                made = model.model.step(
                    ids[rows, places][:, None],
                    positions[rows, places][:, None],
                    rows,
                    places,
                    mask=mask,
                    cache=cache,
                )
                found[rows, [place - 4 for place in places]] = made.last_hidden_state[:, 0].float()
                ends = [end + n for end, n in zip(ends, size, strict=True)]
        return found

    alone = states([[1, 0], [0, 1]] * 5)
    assert torch.equal(alone, states([[5, 5]]))
    assert torch.equal(alone, states([[1, 3], [3, 0], [1, 2]]))
    assert alone.abs().sum(-1).min() > 0
