"""A service in front of a learner that knows some documents, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")

from learners import Gates, begin, learn_all
from seal.service.hosting import Hosting, Tenant
from service_documents import DOCUMENTS
from services import running

if TYPE_CHECKING:
    from services import RunningService


@pytest.fixture(scope="module")
def toy_service(
    tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates
) -> Iterator[RunningService]:
    """Knows DOCUMENTS."""
    learner = begin(tmp_path_factory.mktemp("service") / "knowing", toy)
    learn_all(learner, DOCUMENTS)
    with running(Hosting([Tenant("knowing", learner)])) as service:
        yield service
