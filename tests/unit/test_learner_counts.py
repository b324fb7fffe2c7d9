"""What a learner promises, often enough to bound how often it may fail: none in N says at most 3/N (95 %)."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from learners import (
    Fake,
    Gates,
    begin,
    begin_knowing,
    content,
    fake,
    learn_all,
    reopened,
    slept_past_its_lease,
)
from seal.errors import AdapterError, DamageError
from seal.learner import Learner
from seal.registry import Build

A, B = fake("counts a"), fake("counts b")
WHAT = next(iter(A.values))
QUESTIONS = [d.question(what) for d in (A, B) for what in d.values]
WEIGHTS, SETTINGS, NOTED = "adapter_model.safetensors", "adapter_config.json", "fingerprint.json"


@pytest.fixture
def learner(tmp_path: Path, toy: Path, gates: Gates) -> Learner:
    made = begin_knowing(tmp_path / "w", toy, [A, B])
    return made


def builds_of(learner: Learner) -> list[Build]:
    live = learner.workspace.alias()
    assert live is not None
    return [learner.workspace.build(key) for key in live.builds]


# --- corrupted adapters (promise 8) ------------------------------------------------------------------------


def _bits(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for at in rng.sample(range(len(data)), rng.randint(1, min(8, len(data)))):
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def _longer(rng: random.Random, data: bytes) -> bytes:
    return data + rng.randbytes(rng.randint(1, 64))


def _blank(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.randint(1, 512))
    return data[:start] + rng.randbytes(1) * (end - start) + data[end:]


RAW = (_bits, _cut, _longer, _blank)


def damage_a_file(rng: random.Random, learner: Learner, build: Build) -> Callable[[], None] | None:
    """Changes one stored file; returns what puts it back, or None if the change came to nothing."""
    store = learner.workspace.store
    paths = [store.file(member.digest) for member in store.members(build.object)]
    path = rng.choice([*paths, store.file(build.object)])
    whole = path.read_bytes()
    broken = rng.choice(RAW)(rng, whole)
    if broken == whole:
        return None
    path.unlink()
    path.write_bytes(broken)

    def put_back() -> None:
        path.unlink()
        path.write_bytes(whole)

    return put_back


def _tensors(change: Callable[[random.Random, dict[str, Any]], None]) -> Callable[..., None]:
    def changed(rng: random.Random, folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(rng, tensors)
        save_file(tensors, folder / WEIGHTS)

    return changed


def _some(rng: random.Random, tensors: dict[str, Any]) -> str:
    return rng.choice(sorted(tensors))


def _not_finite(rng: random.Random, tensors: dict[str, Any]) -> None:
    flat = tensors[_some(rng, tensors)].view(-1)
    flat[rng.randrange(len(flat))] = rng.choice([float("nan"), float("inf"), float("-inf")])


def _missing(rng: random.Random, tensors: dict[str, Any]) -> None:
    del tensors[_some(rng, tensors)]


def _surplus(rng: random.Random, tensors: dict[str, Any]) -> None:
    tensors[_some(rng, tensors) + rng.choice("abc")] = torch.zeros(2, 2)


def _renamed(rng: random.Random, tensors: dict[str, Any]) -> None:
    name = _some(rng, tensors)
    tensors[name.replace("layers", rng.choice(["layer", "block", "h"]))] = tensors.pop(name)


def _shape(rng: random.Random, tensors: dict[str, Any]) -> None:
    name = _some(rng, tensors)
    tensors[name] = rng.choice([lambda t: t[:-1], lambda t: t[:, :-1], lambda t: t.t(), lambda t: t[0]])(
        tensors[name]
    ).contiguous()


def _other_numbers(rng: random.Random, tensors: dict[str, Any]) -> None:
    factor = rng.choice([-1.0, 0.0, 0.5, 1.5, 3.0])
    for name in tensors:
        if "lora_B" in name:
            tensors[name].mul_(factor)


def _json(name: str, change: Callable[[random.Random, dict[str, Any]], None]) -> Callable[..., None]:
    def changed(rng: random.Random, folder: Path) -> None:
        told = json.loads((folder / name).read_text())
        change(rng, told)
        (folder / name).write_text(json.dumps(told))

    return changed


SETTINGS_CHANGED: tuple[tuple[str, Any], ...] = (
    ("r", 3),
    ("r", "two"),
    ("lora_alpha", 40.0),
    ("peft_type", "IA3"),
    ("bias", "all"),
    ("use_dora", True),
    ("target_modules", ["q_proj"]),
    ("target_modules", ["none"]),
    ("rank_pattern", {"q_proj": 1}),
)


def _other_setting(rng: random.Random, told: dict[str, Any]) -> None:
    key, value = rng.choice(SETTINGS_CHANGED)
    told[key] = value


def _other_logits(rng: random.Random, told: dict[str, Any]) -> None:
    at = rng.randrange(len(told["logits"]))
    told["logits"][at] += rng.choice([-1, 1]) * (0.1 + abs(told["logits"][at]))


def _other_document(_rng: random.Random, told: dict[str, Any]) -> None:
    told["document"] = B.id


def _another_file(rng: random.Random, folder: Path) -> None:
    (folder / rng.choice([WEIGHTS, SETTINGS, NOTED])).unlink()


VALID_HASH = (
    *map(_tensors, (_not_finite, _missing, _surplus, _renamed, _shape, _other_numbers)),
    _json(SETTINGS, _other_setting),
    _json(NOTED, _other_logits),
    _json(NOTED, _other_document),
    _another_file,
)


@pytest.mark.parametrize("n", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_corrupted_cells_are_refused(learner: Learner, tmp_path: Path, n: int) -> None:
    """Half are changed where they lie, half are put into the store as if they belonged there."""
    rng, store, library = random.Random("corrupted"), learner.workspace.store, learner.parts.library
    build = next(b for b in builds_of(learner) if b.recipe["document"] == A.id)
    store.check_out(build.object, tmp_path / "cell")
    tried = 0
    while tried < n:
        library.drop_adapters()
        put_back, asked = None, build
        if tried % 2:
            put_back = damage_a_file(rng, learner, build)
            if put_back is None:
                continue
        else:
            folder = shutil.copytree(tmp_path / "cell", tmp_path / "changed", dirs_exist_ok=False)
            rng.choice(VALID_HASH)(rng, folder)
            asked = replace(build, object=store.put_folder(folder))
            shutil.rmtree(folder)
        tried += 1
        with pytest.raises((AdapterError, DamageError)):
            library.adapter(asked)
        if put_back is not None:
            put_back()
    library.drop_adapters()
    assert library.adapter(build).factors and learner.workspace.audit().sound


# --- which version answers (promises 2 and 5) --------------------------------------------------------------


def versions_of(learner: Learner, n: int) -> list[str]:
    """`n` versions that were live, each of which gives another value for one thing, the live one last."""
    names = []
    for i in range(n):
        value = random.Random(f"counts/{i}").choice("BDGKMR") + "aumeisto" + "abcdefgh"[i]
        learn_all(learner, [A.changed(f"So it was told in year {i}.", **{WHAT: value.capitalize()})])
        live = learner.workspace.alias()
        assert live is not None
        names.append(live.id)
    return names


def fingerprint(learner: Learner, version: str | None = None) -> list[tuple[str, float, str | None]]:
    """How a version answers, and how likely it finds that: to the last bit."""
    answers = learner.ask(QUESTIONS, version=version)
    return [(a.text, a.probability, a.document) for a in answers]


@pytest.mark.parametrize("n", [600, pytest.param(100_000, marks=pytest.mark.slow)])
def test_every_answer_is_of_one_version_that_was_live(learner: Learner, n: int) -> None:
    """Readers ask while versions are rolled back and promoted: no call mixes two, none is of another."""
    names = versions_of(learner, 2)
    expected = {name: fingerprint(learner, name) for name in names}
    assert expected[names[0]] != expected[names[1]]
    answered, seen, wrong, stop = [0], set(), [], threading.Event()

    def read() -> None:
        own = reopened(learner.workspace.path)
        try:
            for i in range(10**9):
                if stop.is_set():
                    return
                if i % 20 == 0:
                    own.parts.drop_minds()
                    own.parts.library.drop_adapters()  # what is served is read and checked again
                found = fingerprint(own)
                match = [name for name, told in expected.items() if told == found]
                seen.update(match)
                answered[0] += len(found)
                if not match:
                    wrong.append(found)
                    return
        except BaseException as error:
            wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    turns = 0
    while answered[0] < n and not wrong:
        learner.workspace.move_alias("live", names[turns % 2], reason=f"turn {turns}")
        turns += 1
        stop.wait(0.01)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong, wrong
    assert seen == set(names) and turns > 10 and answered[0] >= n


@pytest.mark.parametrize("n", [11, pytest.param(200, marks=pytest.mark.slow)])
def test_rolling_back_is_exact(learner: Learner, n: int) -> None:
    """The same digest and, on 64 questions, the same answers with the same probabilities."""
    names = versions_of(learner, 5)
    others = [fake(f"counts/{i}").question("height") for i in range(64 - len(QUESTIONS))]

    def state(own: Learner) -> tuple[str | None, list[tuple[str, float]]]:
        return content(own), [(a.text, a.probability) for a in own.ask([*QUESTIONS, *others])]

    expected = {}
    for name in names:
        learner.workspace.move_alias("live", name, reason="look")
        expected[name] = state(learner)
    assert len({str(told) for told in expected.values()}) == 5
    rng = random.Random("rollback")
    for turn in range(n):
        name = rng.choice(names)
        learner.workspace.move_alias("live", name, reason=f"turn {turn}")
        own = learner
        if turn % 10 == 0:  # another process, that has read nothing yet
            own = reopened(learner.workspace.path)
            own.parts.adaptation = learner.parts.adaptation
        else:
            own.parts.drop_minds()
        assert state(own) == expected[name]
    assert learner.workspace.audit().sound


# --- two workers (promise 3) -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_two_workers(tmp_path: Path, toy: Path, gates: Gates, n: int) -> None:
    """By turns both learn the same at once, and one sleeps past its lease."""
    adaptation = None
    for start in range(0, n, 10):
        learner = begin(tmp_path / f"w{start}", toy)
        if adaptation is not None:
            learner.parts.adaptation = adaptation
        adaptation = learner.parts.adaptation
        known: set[str] = set()
        for turn in range(start, min(n, start + 10)):
            mine, theirs = fake(f"mine {turn}"), fake(f"theirs {turn}")
            if turn % 2:
                slept_past_its_lease(learner, mine, theirs)
            else:
                both_at_once(learner, mine, theirs)
            known |= {mine.id, theirs.id}
            live = learner.workspace.alias()
            assert live is not None and set(live.documents) == known and len(live.builds) == len(known)
        assert learner.workspace.audit().sound


def both_at_once(learner: Learner, mine: Fake, theirs: Fake) -> None:
    found: list[Any] = []

    def learn(documents: list[Fake]) -> None:
        own = reopened(learner.workspace.path)
        try:
            found.append(sorted(one.outcome for one in own.learn([d.given() for d in documents])))
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=learn, args=(d,)) for d in ([mine, theirs], [theirs, mine])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [["known", "known"], ["live", "live"]]
