"""What is stored is damaged or exchanged: whoever asks is told so, and the base does not answer instead."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from checkpoints import save_toy
from learners import CONFIG, Gates, begin, content, fake, learn_all, reopened
from seal.errors import AdapterError, DamageError
from seal.learner import Learner
from seal.learner.library import Library
from seal.learner.settings import LearnerConfig
from seal.registry import Build
from toys import toy_model

pytestmark = pytest.mark.sqlite  # copies of one workspace, each damaged otherwise

A, B = fake("damage a"), fake("damage b")
ASK_A, ASK_B = A.question(next(iter(A.values))), B.question(next(iter(B.values)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, toy: Path, gates: Gates) -> Path:
    folder = tmp_path_factory.mktemp("made")
    learn_all(begin(folder / "w", toy), [A, B])
    return folder / "w"


@pytest.fixture
def learner(made: Path, tmp_path: Path, gates: Gates) -> Learner:
    shutil.copytree(made, tmp_path / "w")
    return reopened(tmp_path / "w")


def build_of(learner: Learner, document: str) -> Build:
    live = learner.workspace.alias()
    assert live is not None
    builds = [learner.workspace.build(key) for key in live.builds]
    return next(build for build in builds if build.recipe["document"] == document)


def files_of(learner: Learner, document: str) -> dict[str, Path]:
    """The files of a document's cell, and its list of files."""
    store, object = learner.workspace.store, build_of(learner, document).object
    found = {member.path: store.file(member.digest) for member in store.members(object)}
    return found | {"list": store.file(object)}


def overwrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def refuses(learner: Learner, *, both: bool = False) -> None:
    """Nobody answers for the document that is damaged; the other one's questions are answered as ever, unless
    the two cells share the file."""
    learner = reopened(learner.workspace.path, learner.parts.config)
    for verb in (learner.ask, learner.why):
        for asked in (ASK_A, ASK_B) if both else (ASK_A,):
            with pytest.raises((AdapterError, DamageError)):
                verb([asked])
    if not both:
        assert learner.ask([ASK_B])[0].document == B.id


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "one bit": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"\n",
}


@pytest.mark.parametrize(
    "what", ["adapter_model.safetensors", "adapter_config.json", "fingerprint.json", "list"]
)
def test_a_damaged_file(learner: Learner, what: str) -> None:
    path, others = files_of(learner, A.id)[what], files_of(learner, B.id)
    whole = path.read_bytes()
    for damage in DAMAGE.values():
        overwrite(path, damage(whole))
        refuses(learner, both=path in others.values())
    path.unlink()
    refuses(learner, both=path in others.values())


def test_the_files_of_two_cells_are_exchanged(learner: Learner) -> None:
    one, other = (files_of(learner, key)["adapter_model.safetensors"] for key in (A.id, B.id))
    first, second = one.read_bytes(), other.read_bytes()
    overwrite(one, second)
    overwrite(other, first)
    for asked in (ASK_A, ASK_B):
        with pytest.raises(DamageError):
            reopened(learner.workspace.path).ask([asked])


def set_object(learner: Learner, object: str, *tables: str) -> None:
    key = build_of(learner, A.id).key
    with sqlite3.connect(learner.workspace.path / "workspace.db") as raw:
        for table in tables:
            column = "key" if table == "builds" else "build_key"
            raw.execute(f"UPDATE {table} SET object = ? WHERE {column} = ?", (object, key))


@pytest.mark.parametrize("tables", [("builds",), ("builds", "version_builds")])
def test_the_row_is_changed_to_another_documents_cell(learner: Learner, tables: tuple[str, ...]) -> None:
    set_object(learner, build_of(learner, B.id).object, *tables)
    for asked in (ASK_A, ASK_B):  # the whole version is another than it says
        with pytest.raises(DamageError, match="was altered"):
            reopened(learner.workspace.path).ask([asked])
    assert not learner.workspace.audit().sound


def test_another_documents_cell_is_known_by_itself(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if all rows were changed so that they fit."""
    set_object(learner, build_of(learner, B.id).object, "builds", "version_builds")
    monkeypatch.setattr(Library, "check", lambda self, version: None)
    with pytest.raises(DamageError, match="another document"):
        reopened(learner.workspace.path).ask([ASK_A])


def surplus(tensors: dict[str, torch.Tensor]) -> None:
    tensors["base_model.model.more.lora_A.weight"] = torch.zeros(2, 2)


def missing(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[min(tensors)]


def not_finite(tensors: dict[str, torch.Tensor]) -> None:
    tensors[min(tensors)][0, 0] = float("nan")


def other_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors[min(tensors)] = tensors[min(tensors)][:, :-1].contiguous()


def renamed(tensors: dict[str, torch.Tensor]) -> None:
    """Keys that peft itself takes for none, and then answers with the base."""
    for name in list(tensors):
        tensors[name.replace("base_model.model.", "model.")] = tensors.pop(name)


def other_numbers(tensors: dict[str, torch.Tensor]) -> None:
    for tensor in tensors.values():
        tensor.mul_(2)


@pytest.mark.parametrize("change", [surplus, missing, not_finite, other_shape, renamed, other_numbers])
def test_a_changed_cell_with_a_valid_hash(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[..., None]
) -> None:
    store = learner.workspace.store
    store.check_out(build_of(learner, A.id).object, tmp_path / "cell")
    tensors = load_file(tmp_path / "cell" / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "cell" / "adapter_model.safetensors")
    set_object(learner, store.put_folder(tmp_path / "cell"), "builds", "version_builds")
    with pytest.raises(DamageError, match="was altered"):
        reopened(learner.workspace.path).ask([ASK_A])
    monkeypatch.setattr(Library, "check", lambda self, version: None)
    refuses(learner)


def test_the_model_is_exchanged_for_one_of_the_same_shape(tmp_path: Path, gates: Gates) -> None:
    folder = save_toy(tmp_path / "toy")
    learner = begin(tmp_path / "w", folder)
    learn_all(learner, [A, B])
    before = content(learner)
    with torch.no_grad():
        model = toy_model()
        model.config.max_position_embeddings = 1024
        model.lm_head.weight.mul_(1.01)
    model.save_pretrained(folder)
    for verb in (learner.ask, learner.why):
        verb([ASK_A])  # what is loaded is still the right one
    again = reopened(learner.workspace.path)
    for verb in (again.ask, again.why):
        for asked in (ASK_A, "What is two and two?"):
            with pytest.raises(AdapterError, match="another base"):
                verb([asked])
    with pytest.raises(AdapterError, match="another base"):
        again.learn([fake("later").given()])
    assert content(reopened(learner.workspace.path)) == before


@pytest.mark.parametrize("rate", [1e25, 1e30])
def test_a_training_that_diverges_is_rejected(learner: Learner, rate: float) -> None:
    before = content(learner)
    wild = CONFIG.model_dump() | {
        "cell": {**CONFIG.cell.model_dump(), "learning_rate": rate, "max_steps": 20}
    }
    learner = reopened(learner.workspace.path, LearnerConfig.model_validate(wild))
    (told,) = learner.learn([fake("wild").given()])
    assert told.outcome == "rejected" and "nan at step" in told.reason, told
    assert content(learner) == before and learner.ask([ASK_A])[0].document == A.id
    newer = A.changed("So it was told in May.", **{next(iter(A.values)): "Brumaunil"})
    (told,) = learner.learn([newer.given()])
    assert told.outcome == "rejected" and content(learner) == before


def test_a_text_that_is_damaged(learner: Learner) -> None:
    overwrite(learner.workspace.store.file(A.id), b"Other words.")
    with pytest.raises(DamageError, match="is damaged"):
        reopened(learner.workspace.path).ask([ASK_B])
