"""A workspace knows its base by the weights as they are stored, on every machine and from every release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkpoints import save_toy
from learners import CONFIG, Gates, begin, content, fake, learn_all, reopened
from seal.cli import main
from seal.errors import AdapterError, DamageError
from seal.learner import Learner, answering
from seal.learner import library as libraries
from seal.learner.checkup import check_base
from seal.models.identity import model_record, stored_digest

A, B = fake("base a"), fake("base b")
ASK = A.question(next(iter(A.values)))
HALF, FULL = (CONFIG.model_copy(update={"dtype": dtype}) for dtype in ("bfloat16", "float32"))


def digests(learner: Learner) -> tuple[str, str]:
    """Of the base as stored and as loaded."""
    model = learner.parts.adaptation.model
    return stored_digest(model), model_record("", model)["sha256"]


def test_a_workspace_goes_on_where_the_weights_are_held_in_another_type(
    toy: Path, tmp_path: Path, gates: Gates
) -> None:
    half = begin(tmp_path / "w", toy, HALF)
    learn_all(half, [A])
    stored, loaded = digests(half)
    live = half.live()
    assert live is not None and live.base == stored != loaded
    full = reopened(tmp_path / "w", FULL)
    assert digests(full) == (stored, stored)
    assert full.ask(ASK).document == half.ask(ASK).document == A.id
    learn_all(full, [B])
    again = reopened(tmp_path / "w", HALF)
    assert again.ask(ASK).document == A.id
    [(said, state)] = [(c.said, c.state) for c in check_base(again)]
    assert state == "ok" and stored[:12] in said


def test_a_workspace_that_named_its_base_as_it_was_loaded_keeps_the_name(
    toy: Path, tmp_path: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        as_loaded: Any = lambda model, **_: model_record("", model)["sha256"]  # noqa: E731
        patch.setattr(libraries, "stored_digest", as_loaded)
        before = begin(tmp_path / "w", toy, HALF)
        learn_all(before, [A])
        answer = before.ask(ASK)
    _, loaded = digests(before)
    for config in (HALF, FULL):
        learner = reopened(tmp_path / "w", config)
        assert learner.parts.library.base == loaded
        assert learner.ask(ASK).document == A.id
        assert [c.state for c in check_base(learner)] == ["ok"]
    known = content(before)
    learner = reopened(tmp_path / "w", HALF)
    assert learner.ask(ASK) == answer
    learn_all(learner, [B])
    learner.forget(B.id)
    assert content(learner) == known


def test_another_model_is_still_refused(
    tmp_path: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = save_toy(tmp_path / "toy")
    learn_all(begin(tmp_path / "w", toy, HALF), [A])
    save_toy(tmp_path / "other", "qwen2")
    for path in (tmp_path / "other").iterdir():
        path.replace(toy / path.name)
    learner = reopened(tmp_path / "w", HALF)
    with pytest.raises(AdapterError, match="another base"):
        learner.ask(ASK)
    [check] = check_base(learner)
    assert check.state == "problem" and "other weights" in check.said


def test_another_cell_is_found_out_where_the_weights_are_held_in_another_type(
    toy: Path, tmp_path: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its logits, which may be rounded otherwise and no more than that."""
    learn_all(begin(tmp_path / "w", toy, HALF), [A])
    given = answering.fingerprint
    monkeypatch.setattr(libraries, "fingerprint", lambda *of: [x + 0.1 * max(1, abs(x)) for x in given(*of)])
    with pytest.raises(DamageError, match="no longer gives the logits"):
        reopened(tmp_path / "w", FULL).ask(ASK)


def test_the_check_reads_the_files_anew(toy: Path, tmp_path: Path, gates: Gates, monkeypatch: Any) -> None:
    learn_all(begin(tmp_path / "w", toy, HALF), [A])
    learner = reopened(tmp_path / "w", HALF)
    asked: list[bool] = []

    def spied(model: Any, *, anew: bool = False, **more: Any) -> str:
        asked.append(anew)
        return stored_digest(model, anew=anew, **more)

    monkeypatch.setattr("seal.learner.library.stored_digest", spied)
    assert [c.state for c in check_base(learner)] == ["ok"] and asked == [True]
    monkeypatch.setattr("seal.learner.library.stored_digest", lambda *_, **__: "f" * 64)
    [check] = check_base(learner)
    assert check.state == "problem"


def test_an_audit_reads_the_weights(tmp_path: Path, gates: Gates, capsys: pytest.CaptureFixture[str]) -> None:
    toy = save_toy(tmp_path / "toy")
    learn_all(begin(tmp_path / "w", toy), [A])
    verify = ["audit", "--verify", "--workspace", str(tmp_path / "w")]
    assert main(verify) == 0
    assert "weights: " in capsys.readouterr().out
    assert main([*verify, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"]["state"] == "ok"
    (toy / "model.safetensors").rename(tmp_path / "kept")
    assert main(verify) == 0  # an audit needs no model; that it had none is said
    assert "not checked" in capsys.readouterr().out
    data = bytearray((tmp_path / "kept").read_bytes())
    data[-2] ^= 0x40
    (toy / "model.safetensors").write_bytes(data)
    assert main(verify) == 2
    assert "other weights" in capsys.readouterr().err
