"""The type of the base weights by name, and the one that is fastest here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import save_toy
from seal.config import EngineConfig
from seal.engine.adapt import Adaptation
from seal.errors import ConfigError
from seal.learner.library import environment
from seal.models import dtypes
from seal.models.dtypes import AUTO, dtype_of, fastest_dtype
from seal.models.load import load_model
from toys import toy_model

CPU = torch.device("cpu")


def measured(monkeypatch: pytest.MonkeyPatch, seconds: dict[torch.dtype, float]) -> list[torch.dtype]:
    """Makes products take so long; gets each type that is timed."""
    timed: list[torch.dtype] = []

    def product_s(kind: torch.dtype) -> float:
        timed.append(kind)
        return seconds[kind]

    fastest_dtype.cache_clear()
    monkeypatch.setattr(dtypes, "_product_s", product_s)
    return timed


@pytest.fixture(autouse=True)
def _measured_anew() -> Any:
    yield
    fastest_dtype.cache_clear()


def test_auto_is_bf16_where_it_is_clearly_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, expected in ((0.4, torch.bfloat16), (0.9, torch.float32), (5.0, torch.float32)):
        timed = measured(monkeypatch, {torch.bfloat16: seconds, torch.float32: 1.0})
        assert [dtype_of(AUTO, CPU) for _ in range(3)] == [expected] * 3
        assert len(timed) == 2
    assert dtype_of(AUTO, torch.device("cuda")) == torch.bfloat16 and len(timed) == 2
    assert dtype_of("float32", CPU) == torch.float32 == dtype_of(torch.float32, CPU)


def test_a_product_is_timed() -> None:
    assert 0 < dtypes._product_s(torch.float32) < 60


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="auto"):
        dtype_of("autos", CPU)


def test_a_model_is_loaded_in_it_and_the_embedded_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, {torch.bfloat16: 0.1, torch.float32: 1.0})
    save_toy(tmp_path / "toy")
    assert load_model(tmp_path / "toy", dtype=AUTO)[0].dtype == torch.bfloat16
    assert load_model("tiny", dtype=AUTO)[0].dtype == torch.float32
    config = EngineConfig.model_validate({"model": {"name": str(tmp_path / "toy"), "dtype": AUTO}})
    adaptation = Adaptation.load(config)
    assert adaptation.config.model.dtype == "bfloat16"  # what other processes load


@dataclass
class Base:
    model: Any


def test_what_a_result_depends_on_names_the_type_if_it_is_not_fp32() -> None:
    plain, half = (environment(Base(toy_model(dtype=kind))) for kind in (torch.float32, torch.bfloat16))  # type: ignore[arg-type]
    assert half == f"{plain}, bfloat16" and "float32" not in plain
