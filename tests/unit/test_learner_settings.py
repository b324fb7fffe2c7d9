"""Which words grounding uses follows from the model, and what was built before stays as it was built."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from seal.errors import ConfigError
from seal.learner.settings import FILE, LearnerConfig, preset, read_settings, settings_text
from seal.registry.canonical import digest_of


def test_only_the_embedded_model_reads_as_the_micro_world_words_it() -> None:
    assert preset("tiny").ground.words == "microworld"
    assert preset("Qwen/Qwen3-0.6B").ground.words == LearnerConfig().ground.words == "general"


def test_the_embedded_models_recipe_is_that_of_the_first_versions() -> None:
    """It is in the digest of every build and version."""
    assert digest_of(preset("tiny").recipe()) == (
        "b0c076cdd765fc2c46f13a6cc38a8bb2e484ffc32a5afdcaf3529558185a5bbe"
    )


def test_a_recipe_states_general_words() -> None:
    assert LearnerConfig().recipe()["ground"]["words"] == "general"


@pytest.mark.parametrize("model", ["tiny", "Qwen/Qwen3-0.6B"])
def test_settings_with_a_recipe_build_by_it(model: str) -> None:
    settings, earlier = preset(model), LearnerConfig(seed=7).recipe()
    assert settings.with_recipe(earlier).recipe() == earlier
    del earlier["ground"]["words"]  # built when there were no others than the micro-world's
    assert settings.with_recipe(earlier).ground.words == "microworld"
    assert settings.with_recipe(earlier).recipe() == earlier
    assert settings.with_recipe(earlier).gates == settings.gates


@pytest.mark.parametrize(("model", "words"), [("tiny", "microworld"), ("Qwen/Qwen3-0.6B", "general")])
def test_a_file_that_does_not_state_the_words_means_the_models(
    model: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("[ground]\nfree_words = 4\n", encoding="utf-8")
    read = read_settings(tmp_path, model)
    assert (read.ground.words, read.ground.free_words) == (words, 4)
    (tmp_path / FILE).write_text("seed = 3\n", encoding="utf-8")
    assert read_settings(tmp_path, model).ground.words == words


def test_the_words_of_a_file_count(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(settings_text(LearnerConfig()), encoding="utf-8")
    assert read_settings(tmp_path, "tiny").ground.words == "general"
    (tmp_path / FILE).write_text('[ground]\nwords = "latin"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ground\.words"):
        read_settings(tmp_path, "tiny")
    (tmp_path / FILE).write_text("ground = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="ground"):
        read_settings(tmp_path, "tiny")


def test_an_older_word_for_asking_is_read_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / FILE).write_text('autonomy = "observe"\n', encoding="utf-8")
    assert read_settings(tmp_path, "tiny", told.append).autonomy == "ask"
    assert len(told) == 1 and '"observe" is read as "ask"' in told[0]
    (tmp_path / FILE).write_text('autonomy = "ask"\n', encoding="utf-8")
    assert read_settings(tmp_path, "tiny", told.append).autonomy == "ask" and len(told) == 1
    with pytest.raises(ConfigError, match="autonomy"):
        (tmp_path / FILE).write_text('autonomy = "wild"\n', encoding="utf-8")
        read_settings(tmp_path, "tiny")


ENDPOINT = {"base_url": "http://127.0.0.1:8000/v1/", "model": "m", "max_tokens": 900}


def _with_endpoint(**settings: object) -> LearnerConfig:
    return LearnerConfig.model_validate({"method": "units", "units": {"endpoint": {**ENDPOINT, **settings}}})


def test_a_recipe_names_an_endpoint_by_what_decides_what_it_writes() -> None:
    assert "endpoint" not in LearnerConfig(method="units").recipe()["units"]
    recipe = _with_endpoint().recipe()
    assert recipe["units"]["endpoint"] == {
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "m",
        "max_tokens": 900,
        "extra_body": {},
    }
    assert _with_endpoint(api_key_env="KEY", concurrency=1, timeout_s=5.0).recipe() == recipe
    for change in (
        {"base_url": "http://h/v1"},
        {"model": "n"},
        {"temperature": 1.0},
        {"extra_body": {"a": 1}},
    ):
        assert _with_endpoint(**change).recipe() != recipe


def test_what_an_endpoint_wrote_is_built_again_by_its_recipe() -> None:
    by_base, by_endpoint = LearnerConfig(method="units"), _with_endpoint(api_key_env="KEY")
    assert by_base.with_recipe(by_endpoint.recipe()).recipe() == by_endpoint.recipe()
    assert by_endpoint.with_recipe(by_base.recipe()).units.endpoint is None


def test_settings_with_an_endpoint_come_back_as_they_were_written(tmp_path: Path) -> None:
    config = _with_endpoint(api_key_env="KEY", extra_body={"reasoning": {"effort": "low"}})
    (tmp_path / FILE).write_text(settings_text(config), encoding="utf-8")
    assert read_settings(tmp_path, "somebody/model") == config


@pytest.mark.parametrize(
    ("method", "wrong", "told"),
    [
        ("pieces", {}, "units.endpoint"),
        ("units", {"api_key_env": "sk-a-key"}, "api_key_env"),
        ("units", {"base_url": "localhost:8000"}, "base_url"),
        ("units", {"extra_body": {"stream": True}}, "stream"),
        ("units", {"modle": "x"}, "modle"),
    ],
)
def test_an_endpoint_that_cannot_be_is_a_clear_error(
    tmp_path: Path, method: str, wrong: dict[str, object], told: str
) -> None:
    text = tomli_w.dumps({"method": method, "units": {"endpoint": {**ENDPOINT, **wrong}}})
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told) as failed:
        read_settings(tmp_path, "somebody/model")
    assert "sk-a-key" not in str(failed.value)
