"""What every test relies on: one thread a process, no network, no display, reproducible property tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before anything imports torch or transformers, and inherited by the programs that tests start.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    MPLBACKEND="Agg",
    NO_COLOR="1",
    SEAL_MODEL="tiny",  # of a workspace for which no model is named, whatever is installed here
)

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from endpoints import Endpoint
    from learners import Gates

# No deadline: on a shared core the first example of a test can take seconds.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, print_blob=True)
_QUICK_EXAMPLES = 40  # of a property that names no number, beside 100
_PROFILE = "ci" if os.environ.get("CI") else "local"
settings.load_profile(_PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples of a property where the slow tests are left out."""
    if config.option.markexpr == "not slow":
        settings.register_profile(
            "quick", parent=settings.get_profile(_PROFILE), max_examples=_QUICK_EXAMPLES
        )
        settings.load_profile("quick")


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Code under test may choose a number of threads for itself; the next test starts with one again."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy checkpoint."""
    from checkpoints import save_toy

    return save_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def gates() -> Iterator[Gates]:
    """Decides what becomes of documents in the quick learners of learners.py; by itself all go live."""
    from learners import GATES

    GATES.outcomes.clear()
    yield GATES
    GATES.outcomes.clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server; skips where there is none."""
    from postgres import ABSENT, is_to_be_had, server

    if not is_to_be_had():
        pytest.skip(ABSENT)
    with server() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def database_of_workspaces(request: pytest.FixtureRequest) -> Iterator[None]:
    """SQLite, unless SEAL_TEST_DATABASE is `postgresql`: see postgres.py."""
    if os.environ.get("SEAL_TEST_DATABASE") != "postgresql":
        yield
        return
    from postgres import everywhere

    with everywhere(request.getfixturevalue("postgres")):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is about the SQLite file itself is left out where there is none."""
    if os.environ.get("SEAL_TEST_DATABASE") == "postgresql":
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason="about the SQLite file itself"))


@pytest.fixture
def database(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database on that server."""
    from postgres import fresh_database

    name = f"seal_test_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**6}"
    with fresh_database(postgres, name) as url:
        yield url


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A chat endpoint on this machine; it says yes until a test sets what it replies."""
    from endpoints import Endpoint as Started

    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started = Started()
    yield started
    started.close()
