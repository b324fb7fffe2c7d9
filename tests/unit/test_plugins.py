"""Names find their parts, built in or installed; wrong, taken and broken names say what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal.errors import ConfigError, UnknownNameError
from seal.hints import did_you_mean
from seal.plugins import Registry

GROUP = "seal.test_parts"


def registry() -> Registry[object]:
    return Registry(kind="part", group=GROUP)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Installs a distribution the way pip leaves one: a module and a dist-info folder on the path."""
    modules = set(sys.modules)

    def put(distribution: str, module: str, source: str, entry_points: str, folder: str = "site") -> None:
        site = tmp_path / folder
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entry_points}\n")
        (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))

    yield put
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_registered_parts_are_found_and_listed_in_order() -> None:
    parts = registry()
    parts.register("b", one := object())
    parts.register("a", two := object())
    assert parts.get("b") is one and parts.get("a") is two
    assert parts.names() == ["a", "b"]


def test_registering_the_same_part_twice_is_no_collision_and_another_one_is() -> None:
    parts = registry()
    parts.register("a", one := object())
    parts.register("a", one)
    with pytest.raises(ConfigError, match=r"part name 'a' is taken"):
        parts.register("a", object())
    assert parts.get("a") is one


def test_an_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    parts = registry()
    for name in ("exact", "lexical", "judge"):
        parts.register(name, object())
    with pytest.raises(UnknownNameError) as caught:
        parts.get("Lexicall")
    message = str(caught.value)
    assert "unknown part 'Lexicall'" in message
    assert "Did you mean 'lexical'?" in message and "Known: exact, judge, lexical." in message


def test_nothing_near_suggests_nothing() -> None:
    assert did_you_mean("zzz", ["exact"]) == "Known: exact."
    assert did_you_mean("zzz", []) == "Known: none."


@given(st.lists(st.text(min_size=1), min_size=1, unique_by=str.casefold), st.data())
def test_a_known_name_in_another_case_is_always_suggested(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert f"Did you mean {name!r}?" in did_you_mean(name.casefold(), names)


def test_a_lazy_part_is_imported_only_when_asked_for() -> None:
    parts = registry()
    parts.register_lazily("wave", "wave:Wave_read")
    parts.register_lazily("missing", "no_such_module_at_all:X")
    assert parts.names() == ["missing", "wave"]
    assert parts.get("wave").__name__ == "Wave_read"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="cannot be imported"):
        parts.get("missing")


def test_an_installed_package_offers_a_part(install) -> None:
    install("plugin-one", "plugin_one", "class Mine: ...\nVALUE = 3\n", "mine = plugin_one:Mine")
    parts = registry()
    assert parts.names() == ["mine"]
    assert "plugin_one" not in sys.modules
    assert parts.get("mine").__name__ == "Mine"  # type: ignore[attr-defined]


def test_two_packages_with_one_name_collide_when_it_is_asked_for(install) -> None:
    install("plugin-one", "plugin_one", "A = 1\nC = 3\n", "same = plugin_one:A\nother = plugin_one:C")
    install("plugin-two", "plugin_two", "B = 2\n", "same = plugin_two:B", folder="site2")
    parts = registry()
    assert parts.get("other") == 3
    with pytest.raises(ConfigError) as caught:
        parts.get("same")
    assert "plugin-one" in str(caught.value) and "plugin-two" in str(caught.value)


def test_a_package_cannot_replace_a_built_in_part_unseen(install) -> None:
    install("plugin-one", "plugin_one", "A = 1\n", "exact = plugin_one:A")
    parts = registry()
    parts.register("exact", object())
    with pytest.raises(ConfigError, match="taken more than once"):
        parts.get("exact")


def test_a_package_found_twice_on_the_path_is_one(install) -> None:
    install("plugin-one", "plugin_one", "A = 1\n", "mine = plugin_one:A")
    install("plugin-one", "plugin_one", "A = 1\n", "mine = plugin_one:A", folder="checkout")
    assert registry().get("mine") == 1


@pytest.mark.parametrize("source", ["import no_such_module_at_all\n", "B = 1\n"])
def test_a_broken_package_is_named(install, source: str) -> None:
    install("plugin-broken", "plugin_broken", source, "mine = plugin_broken:A")
    with pytest.raises(ConfigError, match="plugin-broken"):
        registry().get("mine")
