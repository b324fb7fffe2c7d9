"""Bad input: a clear message with what to do, exit status 2, no traceback, and nothing left behind."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import TINY_RUN, save_squad, save_toy
from seal.cli import main
from seal.engine import adapt
from seal.research.run_folder import RunFolder
from seal.training import Adapter, train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("model"))


@pytest.fixture
def fails(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs `seal train` (or another command) with flags, which must fail, and returns what it says."""
    monkeypatch.chdir(tmp_path)

    def run(*flags: str, command: str = "train", data: str = "", leaves: bool = False) -> str:
        given = " ".join(flags)
        defaults = {"--model": str(model), "--data": data or str(save_squad(tmp_path / "good.json"))}
        defaults["--out"] = str(tmp_path / "run")
        base = [f"{key}={value}" for key, value in defaults.items() if f"{key}=" not in given]
        assert main([command, *base, *TINY_RUN, *flags]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ") and "Traceback" not in err
        assert leaves or not (tmp_path / "run").exists()
        assert not list(tmp_path.rglob("*.part"))
        return err

    return run


def test_missing_file(fails: Callable[..., str], tmp_path: Path) -> None:
    save_squad(tmp_path / "passages.json")
    assert "Did you mean" in fails("--data=passage.json")
    assert "no such file" in fails("--data=passage.json", command="eval")


def test_broken_json(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('[{"title": "a",\n "context": }]')
    assert "broken JSON at line 2, column 13" in fails("--data=broken.json")


def test_empty_passage(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text('[{"title": "a", "context": "  "}]')
    assert "record [0]: the passage is empty" in fails("--data=empty.json")


def test_no_questions(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "plain.md").write_text("# The mill\n\nIt is old.")
    assert 'have no questions, and an exam needs them: "The mill"' in fails("--data=plain.md")


def test_passage_longer_than_the_context(fails: Callable[..., str], tmp_path: Path) -> None:
    short = save_toy(tmp_path / "short", context_tokens=256)
    long = save_squad(tmp_path / "long.json", passages=2, words=400)
    said = fails(f"--model={short}", f"--data={long}")
    assert 'the passage "Petra Lund' in said and "256 tokens" in said and "2 contexts are too long" in said


def test_prompt_that_leaves_no_room(fails: Callable[..., str], tmp_path: Path) -> None:
    short = save_toy(tmp_path / "short", context_tokens=110)
    assert "in the prompt that asks for a self-edit" in fails(f"--model={short}")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model=tinny"], "Did you mean 'tiny'"),
        (["--model=./nowhere/model"], "there is no folder ./nowhere/model"),
        (["--format=implication"], "Did you mean 'implications'"),
        (["--set=outer.algorithm=best_of_n"], "Did you mean 'best_of_k'"),
        (["--set=grading.grader=exakt"], "Did you mean 'exact'"),
        (["--set=inner.rnak=4"], "inner.rnak: there is no such key"),
        (["--set=inner.rnak=4"], "Did you mean 'rank'"),
        (["--set=iner.rank=4"], "Did you mean 'inner'"),
        (["--set=inner.rank=0"], "inner.rank: "),
        (["--set=inner.rank.x=0"], "rank is a value"),
        (["--set=inner.rank"], "this is not KEY=VALUE"),
        (["--set=grading.grader=judge"], "base_url"),
        (["--format=none"], "no writing to learn"),
        (["--data=microworld/tain"], "Did you mean"),
        (["--device=quantum"], "device 'quantum' cannot be used"),
        (["--dtype=float8"], "float8"),
        (["--round=2"], "Did you mean --rounds"),
        (["--seed=x"], "--seed"),
        (["--config=missing.toml"], "missing.toml: No such file"),
    ],
)
def test_wrong_names_and_values(flags: list[str], said: str, fails: Callable[..., str]) -> None:
    assert said.casefold() in fails(*flags).casefold()


def test_unknown_command_and_method(fails: Callable[..., str], capsys: pytest.CaptureFixture) -> None:
    assert main(["trian"]) == 2
    assert 'Did you mean "train"' in capsys.readouterr().err
    assert "Did you mean 'passage'" in fails("--methods=pasage", command="eval")
    assert "no gold statements" in fails("--methods=gold", command="eval")


def test_broken_recipe(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("seed = 1\n[inner\n")
    said = fails("--config=run.toml")
    assert "broken TOML" in said and "line 2" in said


def test_folder_of_another_run(fails: Callable[..., str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert "holds files that are not of a run" in fails(f"--out={other}")
    assert [p.name for p in other.iterdir()] == ["notes.txt"]
    (tmp_path / "file").write_text("")
    assert "is not a folder" in fails(f"--out={tmp_path}/file")


def test_folder_of_a_run_with_other_settings(fails: Callable[..., str], model: Path, tmp_path: Path) -> None:
    data = save_squad(tmp_path / "mine.json")
    flags = [f"--model={model}", f"--data={data}", f"--out={tmp_path}/run", *TINY_RUN]
    assert main(["train", *flags]) == 0
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert "seed is 0 there and 5 here" in fails("--seed=5", f"--data={data}", leaves=True)
    assert "of `seal train`" in fails(command="eval", leaves=True)
    save_squad(data, passages=2)
    assert "passages changed since" in fails(f"--data={data}", leaves=True)
    assert before == {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}


def test_full_disk(fails: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RunFolder, name: str, records: object, _real: Callable = RunFolder.append) -> None:
        if name.endswith("scores.jsonl"):
            from seal.files import writing

            with writing(self.path / name):
                raise OSError(errno.ENOSPC, "No space left on device")
        _real(self, name, records)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "append", full)
    said = fails(leaves=True)
    assert "cannot be written: No space left on device" in said and "run the same command again" in said
    assert (tmp_path / "run/rounds/1/self_edits.jsonl").exists()


def test_full_disk_under_the_weights(fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors import SafetensorError
    from transformers import PreTrainedModel

    def full(*args: object, **kwargs: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    assert "The disk is full" in fails(leaves=True)


def test_an_adapter_that_diverges_is_left_out(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def one_fails(*args: object, **kwargs: object) -> list[Adapter]:
        from dataclasses import replace

        first, *others = train(*args, **kwargs)  # type: ignore[arg-type]
        return [replace(first, failed="its loss is nan at step 1"), *others]

    monkeypatch.setattr(adapt, "train", one_fails)
    data, out = save_squad(tmp_path / "good.json"), tmp_path / "run"
    assert main(["train", f"--model={model}", f"--data={data}", f"--out={out}", *TINY_RUN]) == 0
    assert "1 adapters were left out" in capsys.readouterr().out
    records = [json.loads(line) for line in (out / "rounds/1/scores.jsonl").read_text().splitlines()]
    assert [r["accuracy"] is None for r in records] == [True] + [False] * 5
    assert records[0]["reason"] == "its loss is nan at step 1"


def test_all_adapters_diverge(fails: Callable[..., str]) -> None:
    said = fails("--set=inner.learning_rate=1e36", "--set=inner.max_grad_norm=0", leaves=True)
    assert "no self-edit was kept" in said


def test_the_traceback_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    from seal.errors import SealError

    monkeypatch.setenv("SEAL_DEBUG", "1")
    with pytest.raises(SealError):
        main(["train", "--set=inner.rank=0"])
