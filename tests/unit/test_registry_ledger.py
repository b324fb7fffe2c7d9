"""The ledger: every change to it is found, and the first bad entry is named."""

from __future__ import annotations

import dataclasses
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from seal.errors import InputError
from seal.registry import LedgerEntry, Workspace, verify
from seal.registry.canonical import canonical
from seal.registry.ledger import GENESIS, following
from workspaces import learn

N_ENTRIES = 30
FIELDS = [field.name for field in dataclasses.fields(LedgerEntry)]


@pytest.fixture(scope="module")
def chain() -> list[LedgerEntry]:
    entries: list[LedgerEntry] = []
    for n in range(N_ENTRIES):
        last = (entries[-1].sequence, entries[-1].hash) if entries else None
        fields = {"time": f"2026-01-{n % 28 + 1:02}", "actor": "a", "action": "x", "reason": f"r{n}"}
        tables = {"inputs": {"n": n, "deep": [1, {"y": n}]}, "outputs": {}, "software": {"seal": "1"}}
        entries.append(following(last, **fields, **tables))
    return entries


def flipped(entry: LedgerEntry, field: str, rng: random.Random) -> LedgerEntry:
    value = getattr(entry, field)
    if isinstance(value, int):
        changed: object = value + rng.choice([-1, 1, 100])
    elif isinstance(value, str):
        at = rng.randrange(len(value))
        changed = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    else:
        changed = {**value, rng.choice(["n", "other"]): rng.random()}
    return dataclasses.replace(entry, **{field: changed})


def forged(entry: LedgerEntry, field: str, rng: random.Random) -> LedgerEntry:
    changed = flipped(entry, field, rng)
    return dataclasses.replace(changed, hash=changed.own_hash())


def test_a_whole_chain_is_sound(chain: list[LedgerEntry]) -> None:
    verdict = verify(chain)
    assert verdict.sound and verdict.head == chain[-1].hash and "cut off" in verdict.note
    assert verify([]).sound and verify([]).head == GENESIS
    for entry in chain:
        anchored = verify(chain, anchor=entry.hash)
        assert anchored.sound and anchored.anchored_at == entry.sequence and not anchored.note


@pytest.mark.parametrize("field", FIELDS)
def test_every_altered_field_is_found(chain: list[LedgerEntry], field: str) -> None:
    rng = random.Random(field)
    for n in range(N_ENTRIES):
        bad = [*chain[:n], flipped(chain[n], field, rng), *chain[n + 1 :]]
        verdict = verify(bad)
        assert not verdict.sound and verdict.first_bad == n + 1
        said = "stands" if field == "sequence" else "was altered"  # a number names another place in the chain
        assert said in verdict.problem


@pytest.mark.parametrize("field", [f for f in FIELDS if f not in ("hash", "sequence")])
def test_an_altered_entry_with_a_new_hash_is_found(chain: list[LedgerEntry], field: str) -> None:
    rng = random.Random(field)
    for n in range(N_ENTRIES - 1):
        bad = [*chain[:n], forged(chain[n], field, rng), *chain[n + 1 :]]
        verdict = verify(bad)
        assert not verdict.sound and verdict.first_bad in (n + 1, n + 2)
    last = [*chain[:-1], forged(chain[-1], field, rng)]
    if field != "previous":
        assert verify(last).sound, "the last one has no follower that could tell"
    assert not verify(last, anchor=chain[-1].hash).sound


def test_every_removed_entry_is_found(chain: list[LedgerEntry]) -> None:
    for n in range(N_ENTRIES - 1):
        for m in range(n + 1, N_ENTRIES):
            verdict = verify([*chain[:n], *chain[m:]])
            assert not verdict.sound and verdict.first_bad == n + 1 and "missing" in verdict.problem


def test_every_exchange_is_found(chain: list[LedgerEntry]) -> None:
    for n in range(N_ENTRIES - 1):
        for m in range(n + 1, N_ENTRIES):
            bad = [*chain]
            bad[n], bad[m] = bad[m], bad[n]
            verdict = verify(bad)
            assert not verdict.sound and verdict.first_bad == n + 1 and "out of order" in verdict.problem


def test_a_repeated_entry_is_found(chain: list[LedgerEntry]) -> None:
    for n in range(1, N_ENTRIES):
        verdict = verify([*chain[:n], *chain[n - 1 :]])
        assert not verdict.sound and verdict.first_bad == n + 1 and "second time" in verdict.problem


def test_a_cut_is_found_with_an_anchor_only(chain: list[LedgerEntry]) -> None:
    for n in range(N_ENTRIES):
        assert verify(chain[:n]).sound and "--anchor" in verify(chain[:n]).note
        verdict = verify(chain[:n], anchor=chain[-1].hash)
        assert not verdict.sound and verdict.first_bad == n + 1 and "cut off" in verdict.problem


def test_a_chain_written_anew_is_found_with_an_anchor(chain: list[LedgerEntry]) -> None:
    for n in range(N_ENTRIES):
        anew = chain[:n]
        for entry in chain[n:]:
            fields = dataclasses.asdict(entry) | {"reason": "another"}
            del fields["sequence"], fields["previous"], fields["hash"]
            anew.append(following((anew[-1].sequence, anew[-1].hash) if anew else None, **fields))
        assert verify(anew).sound
        assert not verify(anew, anchor=chain[-1].hash).sound
        assert n == 0 or verify(anew, anchor=chain[n - 1].hash).sound


@pytest.mark.parametrize("column", ["time", "actor", "action", "reason", "inputs", "outputs", "software"])
def test_a_change_behind_the_back_is_found(tmp_path: Path, column: str) -> None:
    workspace = Workspace.init(tmp_path / "w")
    learn(workspace, "A first text.")
    with sqlite3.connect(tmp_path / "w" / "workspace.db") as raw:
        raw.execute(f"UPDATE ledger SET {column} = {column} || ' ' WHERE sequence = 3")
    raw.close()
    verdict = workspace.audit().ledger
    assert not verdict.sound and verdict.first_bad == 3 and "altered" in verdict.problem


def test_the_clock_may_jump(tmp_path: Path) -> None:
    from workspaces import SetClock

    clock = SetClock()
    workspace = Workspace.init(tmp_path / "w", clock=clock)
    for time in ("2036-01-01T00:00:00+00:00", "2016-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"):
        clock.time = time
        learn(workspace, f"Told at {time}.")
    assert workspace.audit().sound
    titles = [workspace.text(document.id) for document in workspace.documents()]
    assert [title[8:12] for title in titles] == ["2036", "2016", "2026"]
    assert [v.sequence for v in workspace.versions()] == [1, 2, 3]


def test_what_is_hashed_has_one_form() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'
    unfit: list[Callable[[], object]] = [lambda: float("nan"), lambda: {1, 2}, lambda: b"x"]
    for value in unfit:
        with pytest.raises(InputError, match="cannot be recorded"):
            canonical(value())
