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
from seal.models import speed
from seal.models.dtypes import AUTO, dtype_of
from seal.models.load import load_model
from seal.models.speed import Speed, bfloat16_gain
from toys import toy_model

CPU = torch.device("cpu")


def measured(monkeypatch: pytest.MonkeyPatch, times: float) -> list[str]:
    """Makes bf16 so many times as fast; gets an entry for each measurement."""
    made: list[str] = []

    def measure(device: str) -> Speed:
        made.append(device)
        return Speed(device, 1, 1e9, times * 1e9, 1, 1)

    monkeypatch.setattr(speed, "measure_speed", measure)
    return made


@pytest.fixture(autouse=True)
def _measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("times", "expected"), [(2.5, torch.bfloat16), (1.1, torch.float32), (0.2, torch.float32)]
)
def test_auto_is_bf16_where_it_is_clearly_faster(
    times: float, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = measured(monkeypatch, times)
    assert [dtype_of(AUTO, CPU) for _ in range(3)] == [expected] * 3
    assert made == ["cpu"]  # remembered
    assert dtype_of(AUTO, torch.device("cuda")) == torch.bfloat16 and made == ["cpu"]
    assert dtype_of("float32", CPU) == torch.float32 == dtype_of(torch.float32, CPU)


def test_what_was_measured_holds_for_this_processor_and_these_threads_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, 3.0)
    assert bfloat16_gain() == 3.0
    measured(monkeypatch, 1.0)
    assert bfloat16_gain() == 3.0
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert bfloat16_gain() == 1.0
    monkeypatch.undo()
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))
    [*kept] = (tmp_path / "cache" / "machine").iterdir()
    assert len(kept) == 2
    for path in kept:
        path.write_text("{")
    measured(monkeypatch, 2.0)
    assert bfloat16_gain() == 2.0  # what cannot be read is measured anew


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="auto"):
        dtype_of("autos", CPU)


def test_a_model_is_loaded_in_it_and_the_embedded_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, 10.0)
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
