"""The command that trains the cells of a run again: on the lines that are there, once for each settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from learners import CONFIG, begin, fake, learn_all
from recipes.real_documents import cells
from recipes.real_documents.records import write_json
from seal.files import write_durably
from seal.learner.settings import settings_text

KNOWN, OTHER = fake("taught again"), fake("never learned")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    learn_all(begin(folder / "workspace", toy), [KNOWN])
    write_durably(folder / "workspace" / "learner.toml", [settings_text(CONFIG).encode()])
    records = [
        {
            "title": one.name,
            "context": one.text,
            "language": "en",
            "questions": [{"question": one.question(w), "answers": [v]} for w, v in one.values.items()],
        }
        for one in (KNOWN, OTHER)
    ]
    write_json(folder / "set.json", records)
    write_json(folder / "run.json", {"model": "toy", "half": str(folder / "set.json")})
    return folder


def test_the_lines_of_a_run_are_taught_again(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert cells.main(["--run", str(run)]) == 0
    table = capsys.readouterr().out.partition("| document |")[2]
    [path] = run.glob("cells-*.jsonl")
    [record] = map(json.loads, path.read_text().splitlines())
    assert record["file"] == KNOWN.name and [q["question"] for q in record["users"]] == [
        KNOWN.question(what) for what in KNOWN.values
    ]
    assert record["taught"] and record["exam"] and record["seconds"] > 0
    assert f"| {KNOWN.name} |" in table and OTHER.name not in table

    monkeypatch.setattr(cells, "_again", lambda *given: pytest.fail("trained twice"))
    assert cells.main(["--run", str(run)]) == 0
    assert capsys.readouterr().out.partition("| document |")[2] == table


def test_other_settings_are_other_records(run: Path, tmp_path: Path, capsys: Any) -> None:
    settings = tmp_path / "other.toml"
    settings.write_text(settings_text(CONFIG.model_copy(update={"seed": 1})))
    assert cells.main(["--run", str(run), "--settings", str(settings)]) == 0
    assert len(list(run.glob("cells-*.jsonl"))) == 2


def test_a_folder_without_a_run(tmp_path: Path, capsys: Any) -> None:
    assert cells.main(["--run", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err
