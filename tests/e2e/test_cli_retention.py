"""`seal bench retention` as users call it, on three documents: its table, its file, and going on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seal.bench.retention.stream import STRATEGIES
from seal.cli import main

pytestmark = pytest.mark.slow


def test_a_short_stream(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "run"
    command = ["bench", "retention", "--documents=3", "--split=dev", f"--out={out}"]
    assert main([*command, "--strategies=cells,replay"]) == 0
    first = (out / "replay.json").read_text()
    assert main(command) == 0  # what was finished stays, the others are added
    shown = capsys.readouterr().out
    assert all(name in shown for name in STRATEGIES)
    found = json.loads((out / "results.json").read_text())
    assert tuple(found["strategies"]) == STRATEGIES
    assert json.loads(first) == found["strategies"]["replay"]
    kept = {name: figures["reference"]["known"] for name, figures in found["strategies"].items()}
    assert kept["cells"][0] == kept["cells"][1] > 0.9
    assert kept["sequential"][1] < kept["replay"][1]  # the term of KL divergence keeps some of it
    after = found["strategies"]["replay"]["after"]
    assert sum(map(sum, after)) / sum(map(len, after)) > 0.5


def test_a_strategy_that_there_is_none_of(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["bench", "retention", "--strategies=magic", f"--out={tmp_path}/run"]) == 2
    assert "--strategies magic" in capsys.readouterr().err
