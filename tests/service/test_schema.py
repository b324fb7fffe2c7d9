"""The whole API as its schema tells it, asked by a machine: no answer is a fault of the server's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from learners import Gates, begin_knowing
from seal.service.hosting import Hosting, Tenant
from seal.service.settings import AccessSettings, ServiceSettings
from service_documents import DOCUMENTS
from services import RunningService, running


@pytest.mark.slow
def test_what_the_schema_allows_and_forbids_is_answered_as_it_says(
    toy: Path, gates: Gates, tmp_path: Path
) -> None:
    pytest.importorskip("schemathesis", reason="the package schemathesis is not installed")
    learner = begin_knowing(tmp_path / "w", toy, DOCUMENTS[:1])
    unbounded = AccessSettings(key_rate="", tenant_rate="", write_rate="", failure_rate="")
    with running(Hosting([Tenant("w", learner)]), ServiceSettings(access=unbounded)) as service:
        _ask_all(service, tmp_path)


def _ask_all(service: RunningService, folder: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    made = subprocess.run(
        [
            str(program), "run", f"{service.url}/openapi.json",
            "--header", f"Authorization: Bearer {service.key}",
            "--max-examples", "8", "--seed", "1", "--no-color",
            # A schema cannot say which models there are, or how many tokens the model's context has.
            "--exclude-checks", "positive_data_acceptance",
            # It would end the key that it asks with, and stop what the next request needs.
            "--exclude-method", "DELETE",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=900,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-6000:]
