"""The configuration: round trip, overrides, and errors that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.errors import ConfigError, InputFileError
from seal.research.config import RunConfig, dump_config, load_config, parse_config

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*/run.toml"))


@given(st.integers(0, 2**31), st.floats(1e-6, 10), st.booleans(), st.text(max_size=20))
def test_what_is_written_is_read_back(seed: int, rate: float, best: bool, template: str) -> None:
    data = {"seed": seed, "inner": {"learning_rate": rate}, "self_edit": {"template": template}}
    config = parse_config(data | ({"passage_best": {"rank": 3}} if best else {}), where="here")
    import tomllib

    assert parse_config(tomllib.loads(dump_config(config)), where="there") == config


def test_overrides(tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text('seed = 4\n[inner]\nrank = 8\ntargets = ["q_proj"]\n')
    config = load_config(recipe, {"inner.rank": 16, "passage_best.epochs": 3})
    assert (config.seed, config.inner.rank, config.inner.targets) == (4, 16, ("q_proj",))
    assert config.passage_best is not None and config.passage_best.epochs == 3


@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        ({"sede": 1}, "sede: there is no such key", "Did you mean 'seed'"),
        ({"inner": {"rnak": 1}}, "inner.rnak: there is no such key", "Did you mean 'rank'"),
        ({"passage_best": {"epoch": 1}}, "passage_best.epoch", "Did you mean 'epochs'"),
        ({"knowledge": {"title": 1}}, "knowledge.title", "title_prefix"),
        ({"seed": -1, "outer": {"rounds": "x"}}, "outer.rounds", "Correct these values."),
    ],
)
def test_wrong_keys_and_values(data: dict, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(data, where="run.toml")
    assert raised.value.message.startswith("run.toml: ") and said in raised.value.message
    assert hint in raised.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'x = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        load_config(tmp_path / "latin.toml")


def test_the_defaults_are_the_papers() -> None:
    config = RunConfig()
    assert (config.data.n_train, config.self_edit.samples, config.inner.seeds, config.outer.rounds) == (
        50,
        5,
        3,
        2,
    )
    inner, outer = config.inner, config.outer
    assert (inner.rank, inner.alpha, inner.epochs, inner.learning_rate, inner.batch_size) == (
        32,
        64,
        10,
        1e-3,
        1,
    )
    assert (outer.rank, outer.alpha, outer.epochs, outer.learning_rate, outer.batch_size) == (
        64,
        128,
        2,
        3e-4,
        10,
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=[r.parent.name for r in RECIPES])
def test_every_recipe_is_valid(recipe: Path) -> None:
    config = load_config(recipe)
    if recipe.parent.name == "knowledge_single":
        paper = RunConfig()
        assert (config.inner, config.outer) == (paper.inner, paper.outer)
        assert config.model.name == "Qwen/Qwen2.5-7B"
