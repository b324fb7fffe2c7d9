"""`seal init`, `seal models` and `seal doctor`: what they choose, find wrong, and say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkpoints import save_gguf, save_toy
from seal.cli import main
from seal.gates import GateConfig
from seal.learner import Learner
from seal.learner.checkup import check_reference
from seal.learner.reference import ReferenceItem
from seal.models.at_hand import Recommendation


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *tokens: str, status: int = 0) -> str:
    capsys.readouterr()
    try:
        ended = main(tokens)
    except SystemExit as stop:
        ended = stop.code
    out = capsys.readouterr()
    assert ended == status, out
    assert "Traceback" not in out.err
    return out.err if status == 2 else out.out


def test_init_takes_the_best_at_hand_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEAL_MODEL")
    toy = save_toy(here / "toy")
    monkeypatch.setattr("seal.models.at_hand.chosen_model", lambda: Recommendation(str(toy), "the only one"))
    told = said(capsys, "init", "w")
    assert str(toy) in told and "it was chosen: the only one" in told and "fictional" not in told
    assert Learner.open("w").parts.model_name == str(toy)


def test_init_warns_where_only_the_embedded_model_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEAL_MODEL")
    monkeypatch.setattr("seal.models.at_hand.real_models", lambda _: [])
    told = said(capsys, "init", "w")
    assert "'tiny'" in told and "only texts of its own fictional world" in told
    assert "fictional" not in said(capsys, "init", "other", "--model", "tiny")


def test_init_refuses_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no folder" in said(capsys, "init", "w", "--model", "./none", status=2)
    assert "hub" in said(capsys, "init", "w", "--model", "nobody/nothing", status=2)
    assert "there is no model 'nonesuch'" in said(capsys, "init", "w", "--writer", "nonesuch", status=2)
    assert not Path("w").exists()


def test_a_workspace_holds_its_model_from_any_folder(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_gguf(here / "toy.gguf")
    told = said(capsys, "init", "w", "--model", "toy.gguf", "--writer", "./toy.gguf")
    assert "out of its GGUF file" in told
    assert "out of its GGUF file" not in said(capsys, "init", "again", "--model", "toy.gguf")
    monkeypatch.chdir("/")
    settings = Learner.open(here / "w").workspace.settings()
    assert settings["model"] == settings["writer"] == str(here / "toy.gguf")
    listed = json.loads(said(capsys, "models", "--json"))["models"]
    assert str(here / "toy.gguf") in [m["name"] for m in listed if m["kind"] == "gguf"]


def test_models_lists_what_there_is_and_what_could_be(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "models", "--json"))
    by_name = {m["name"]: m for m in told["models"]}
    assert {"tiny", "tiny-grid", "smollm2", "gemma3-270m"} <= set(by_name)
    assert by_name["smollm2"]["licence"] == "Apache-2.0" and by_name["tiny"]["parameters"] == 1_049_728
    assert told["recommended"]["name"] in by_name and "tiny" in told["presets"]
    shown = said(capsys, "models")
    assert "Recommended: " in shown and "Presets: " in shown


def test_doctor_finds_a_sound_workspace_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "init", "w", "--model", "tiny")
    checks = {c["name"]: c for c in json.loads(said(capsys, "doctor", "w", "--json"))}
    assert {"model", "special tokens", "chat template", "type of numbers", "memory", "jobs"} <= set(checks)
    assert checks["gates: reference"]["state"] == "ok"
    assert "tiny" in said(capsys, "doctor", "--model", "tiny")
    assert "tiny" in said(capsys, "doctor")  # no workspace here: the model that one would have


def test_doctor_says_what_is_wrong_and_ends_with_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy = save_toy(here / "toy")
    said(capsys, "init", "w", "--model", "toy")
    Learner.open("w").workspace.enqueue("study", {"documents": []})
    told = said(capsys, "doctor", "w", status=1)
    assert "no better than guessing" in told and "1 waiting" in told
    toy.rename(here / "moved")
    told = said(capsys, "doctor", "w", status=1)
    assert f"{toy}: there is no folder" in told
    (here / "w" / "learner.toml").write_text("gates = 3")
    assert "learner.toml" in said(capsys, "doctor", "w", status=1)
    assert "nonesuch" in said(capsys, "doctor", "--model", "nonesuch", status=2)


@pytest.mark.parametrize(("n", "state"), [(34, "problem"), (51, "problem"), (52, "ok")])
def test_how_many_questions_a_reference_needs(n: int, state: str) -> None:
    items = [ReferenceItem(f"known/{i}", "known", "Who?", ("Ann",), str(i)) for i in range(n)]
    items.append(ReferenceItem("private/a", "private", "What is the password of Ann?", (), "a"))
    known, private = check_reference(items, GateConfig())
    assert (known.state, private.state) == (state, "ok")
    assert state == "ok" or "at least 52" in known.advice
    assert "none of them may be lost" in private.said
