"""The tables of parts: built-in ones, of plug-ins and of earlier versions; what is refused, and where."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seal.config import EngineConfig
from seal.domains import DOMAINS
from seal.domains.arc_agi import ArcConfig
from seal.domains.arc_agi.microgrid.generator import MicroGridConfig
from seal.domains.knowledge import KnowledgeConfig
from seal.domains.microworld.generator import MicroWorldConfig
from seal.engine.parts import build_domain, build_format, build_grader, check_parts
from seal.errors import ConfigError, OutputError, UnknownNameError
from seal.grading import GRADERS
from seal.grading.judge import JudgeConfig
from seal.grading.lexical import LexicalConfig
from seal.research.config import RunConfig, check_names, dump_config, load_config, parse_config
from seal.research.demo import demo_config
from seal.research.few_shot.experiment import arc_config
from seal.research.run_folder import RunFolder
from seal.self_edits import FORMATS

OLD_RUNS = Path(__file__).parents[1] / "data" / "old_runs"
REGISTRIES = (DOMAINS, FORMATS, GRADERS)
ARC = {"domain": "arc_agi", "self_edit": {"format": "arc-directives"}, "grading": {"grader": "grid"}}
JUDGE = {"base_url": "http://localhost:1/v1", "model": "m"}
PLUGIN = """
from pydantic import BaseModel, Field
from seal.protocols import Domain, SelfEditFormat
from seal.types import SelfEdit

class HaikuConfig(BaseModel):
    lines: int = Field(default=3, ge=1)

class Haiku(SelfEditFormat):
    name = "haiku"
    Config = HaikuConfig
    def __init__(self, config):
        self.config = config
    def prompt(self, context, style):
        return "Write."
    def parse(self, context, text, *, truncated=False):
        return SelfEdit(context.id, self.name, text, (), truncated)

class Verse(Haiku):
    name, yields = "verse", "verse"
    tables = {"verse.metre": HaikuConfig}

class Greedy(Haiku):
    name, tables = "greedy", {"inner": HaikuConfig}

class Odd(Haiku):
    name, Config = "odd", dict
"""


@pytest.fixture
def haiku(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with self-edit formats, installed for the time of a test."""
    modules = set(sys.modules)
    info = tmp_path / "site" / "poems-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: poems\nVersion: 1.0\n")
    points = "".join(f"{name.lower()} = poems:{name}\n" for name in ("Haiku", "Verse", "Greedy", "Odd"))
    (info / "entry_points.txt").write_text(f"[{FORMATS.group}]\n{points}")
    (tmp_path / "site" / "poems.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for registry in REGISTRIES:
        registry.__dict__.pop("_plugged", None)  # entry points are looked up once
    yield
    for registry in REGISTRIES:
        registry.__dict__.pop("_plugged", None)
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def refused(data: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ConfigError) as raised:
        parse_config(data, where="run.toml")
    return raised.value.message, raised.value.hint


def test_the_tables_are_those_of_the_named_parts() -> None:
    data = ARC | {"arc": {"columns": 5}, "data": {"train": "microgrid/rl", "evaluation": "tasks.json"}}
    config = parse_config(data, where="test")
    assert config.table(ArcConfig).columns == 5
    assert config.table(MicroGridConfig) == MicroGridConfig()
    tables = tomllib.loads(dump_config(config))
    assert {"arc", "directives", "directive_space", "microgrid"} <= set(tables)
    assert not {"knowledge", "lines", "microworld"} & set(tables)
    assert build_grader(config).form.grid.name == build_domain(config).form.grid.name  # type: ignore[attr-defined]


def test_a_configuration_made_in_python_has_the_defaults_of_its_parts() -> None:
    assert RunConfig() == parse_config({}, where="test")
    assert EngineConfig().table(KnowledgeConfig) == KnowledgeConfig()
    assert EngineConfig().with_table(KnowledgeConfig(lines_per_example=4)).table(KnowledgeConfig) == (
        KnowledgeConfig(lines_per_example=4)
    )
    assert EngineConfig() != EngineConfig().with_table(KnowledgeConfig(lines_per_example=4))


@pytest.mark.parametrize("grader", [{"grader": "judge", "judge": JUDGE}, {"grader": "lexical"}])
def test_what_worker_processes_are_sent_is_read_back(grader: dict[str, Any]) -> None:
    config = parse_config({"knowledge": {"lines_per_example": 2}, "grading": grader}, where="test")
    sent = config.engine()
    assert type(sent) is EngineConfig
    assert EngineConfig.model_validate_json(sent.model_dump_json()) == sent
    assert sent.table(KnowledgeConfig).lines_per_example == 2
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert "microworld" in config.model_dump() and "microworld" not in sent.model_dump()


def test_a_nested_table_is_the_graders() -> None:
    data = {"grading": {"grader": "judge", "judge": JUDGE, "max_new_tokens": 3}}
    config = parse_config(data, where="test")
    assert config.table(JudgeConfig).model == "m" and config.grading.max_new_tokens == 3
    assert parse_config(tomllib.loads(dump_config(config)), where="test") == config
    lexical = {"grading": {"grader": "lexical", "lexical": {"threshold": 0.9}}}
    assert parse_config(lexical, where="test").table(LexicalConfig).threshold == 0.9
    message, hint = refused({"grading": {"grader": "judge", "judge": JUDGE | {"modl": "x"}}})
    assert "grading.judge.modl: there is no such key" in message and "Did you mean 'model'?" in hint
    assert "grading.judge.base_url: Field required" in refused({"grading": {"grader": "judge"}})[0]
    message, hint = refused({"grading": {"judg": {}}})
    assert (
        "grading.judg: there is no such key" in message
        and "Known: grader, likelihood, max_new_tokens." in hint
    )


def test_all_errors_are_told_together() -> None:
    message, _ = refused({"seed": -1, "knowledge": {"lines_per_example": 0, "titel": True}})
    assert {"seed", "knowledge.lines_per_example", "knowledge.titel"} == {
        part.removeprefix("run.toml: ").split(": ")[0] for part in message.split("; ")
    }


@pytest.mark.parametrize(
    ("name", "made"), [("demo", demo_config), ("demo_arc", arc_config)], ids=["demo", "demo arc"]
)
def test_a_run_of_an_earlier_version_is_the_same_run(
    tmp_path: Path, name: str, made: Callable[..., RunConfig]
) -> None:
    """The files are the config.toml that the version before wrote, with the tables of all parts."""
    config = made(seed=0, quick=True)
    shutil.copy(OLD_RUNS / f"{name}.toml", tmp_path / "config.toml")
    command = f"seal {name.replace('_', ' ')}"
    assert RunFolder.check(tmp_path, config, command=command)
    with pytest.raises(OutputError, match="other settings"):
        RunFolder.check(tmp_path, made(seed=1, quick=True), command=command)


def test_a_run_with_a_part_that_is_not_installed_is_another_run(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('domain = "glossary"\n')
    with pytest.raises(OutputError, match="cannot be read: unknown domain 'glossary'"):
        RunFolder.check(tmp_path, RunConfig())


def test_keys_that_stood_elsewhere_are_read_at_their_places(tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text(
        'domain = "arc_agi"\n[data]\ntrain = "microgrid/rl"\ncells = [5, 9]\n'
        "[arc]\nvotes = 3\nchoose_by = 3\ncolumns = 9\n[outer]\nfixed_search = 7\n"
        '[inner]\nfaithful_length = 64\n[self_edit]\nformat = "arc-directives"\n'
    )
    config = load_config(recipe, {"arc.choose_by": 5, "few_shot.votes": 4})
    assert config.table(MicroGridConfig).cells == (5, 9) and config.table(ArcConfig).columns == 9
    assert (config.few_shot.votes, config.few_shot.choose_by, config.few_shot.fixed_search) == (4, 5, 7)
    assert config.inner.as_released.faithful_length == 64
    world = parse_config({"data": {"reward_wordings": 2}}, where="test")
    assert world.table(MicroWorldConfig).reward_wordings == 2
    message, _ = refused({"outer": {"fixed_search": 1}, "few_shot": {"fixed_search": 2}})
    assert "outer.fixed_search: there is no such key" in message


def test_the_table_of_a_built_in_part_that_is_not_named_is_checked_and_has_no_effect() -> None:
    aside = {"arc": {"columns": 4}, "directives": {"max_steps": 2}, "grading": {"judge": {}}}
    assert parse_config(aside, where="test") == RunConfig()
    message, _ = refused({"arc": {"columns": 0}})
    assert "arc.columns: Input should be greater than or equal to 1" in message
    data = {"data": {"train": "a.json", "evaluation": "b.json"}, "microworld": {"reward_wordings": 2}}
    assert "microworld" not in parse_config(data, where="test").model_dump()


def test_a_plug_in_has_its_table_under_its_name(haiku: None) -> None:
    data = {"self_edit": {"format": "haiku"}, "haiku": {"lines": 5}}
    config = parse_config(data, where="test")
    assert build_format(config).config.lines == 5  # type: ignore[attr-defined]
    check_parts(config)
    assert tomllib.loads(dump_config(config))["haiku"] == {"lines": 5}
    assert parse_config(tomllib.loads(dump_config(config)), where="test") == config
    assert EngineConfig.model_validate_json(config.engine().model_dump_json()) == config.engine()
    assert parse_config({"self_edit": {"format": "haiku"}}, where="test").model_dump()["haiku"] == {
        "lines": 3
    }


def test_a_plug_ins_wrong_key_is_refused_though_its_class_does_not_forbid_it(haiku: None) -> None:
    message, hint = refused({"self_edit": {"format": "haiku"}, "haiku": {"lnes": 5}})
    assert message == "run.toml: haiku.lnes: there is no such key" and "Did you mean 'lines'?" in hint
    message, hint = refused({"self_edit": {"format": "haiku"}, "haiku": {"lines": 0}})
    assert "haiku.lines: Input should be greater than or equal to 1" in message
    message, hint = refused({"self_edit": {"format": "verse"}, "verse": {"metre": {"linse": 1}}})
    assert "verse.metre.linse" in message and "Did you mean 'lines'?" in hint


def test_a_table_that_no_named_part_takes_is_refused(haiku: None) -> None:
    message, hint = refused({"haiku": {"lines": 5}})
    assert message == "run.toml: haiku: no part that is named takes this table"
    assert hint == "It belongs to the self-edit format 'haiku': name that, or take it out."
    message, hint = refused({"knowlege": {"lines_per_example": 2}})
    assert "knowlege: there is no such key" in message and "Did you mean 'knowledge'?" in hint


def test_a_plug_in_whose_settings_cannot_be_read_is_named(haiku: None) -> None:
    message, hint = refused({"self_edit": {"format": "greedy"}})
    assert "'greedy' takes the table [inner], which is another's" in message and "tables = " in hint
    message, _ = refused({"self_edit": {"format": "odd"}})
    assert "the settings of the self-edit format 'odd' cannot be read" in message


def test_parts_go_together_by_what_they_say_of_themselves(haiku: None) -> None:
    with pytest.raises(ConfigError, match='"verse" does not go with the domain "knowledge"'):
        check_parts(parse_config({"self_edit": {"format": "verse"}}, where="test"))
    template = {"self_edit": {"format": "haiku", "template": "{passage}"}}
    with pytest.raises(ConfigError, match="takes none"):
        build_format(parse_config(template, where="test"))
    own = parse_config(
        {"self_edit": {"template": "{passage}!"}, "lines": {"template": "{passage}?"}}, where="t"
    )
    assert build_format(own).config.template == "{passage}!"  # type: ignore[attr-defined]


def test_unknown_names_are_told_with_the_nearest() -> None:
    for data, near in (
        ({"domain": "knowlege"}, "knowledge"),
        ({"self_edit": {"format": "implication"}}, "implications"),
        ({"grading": {"grader": "exakt"}}, "exact"),
    ):
        with pytest.raises(UnknownNameError) as raised:
            parse_config(data, where="test")
        assert f"Did you mean {near!r}?" in raised.value.hint
    with pytest.raises(UnknownNameError, match="best_of_k"):
        check_names(parse_config({"outer": {"algorithm": "best_of_n"}}, where="test"))
