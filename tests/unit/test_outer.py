"""Which contexts a round of the outer loop has."""

from __future__ import annotations

from seal.research.config import RunConfig, parse_config
from seal.research.outer import contexts_of_round, n_contexts
from seal.types import Context


def config(*, fresh: bool, rounds: int = 3) -> RunConfig:
    return parse_config({"data": {"n_train": 4, "fresh": fresh}, "outer": {"rounds": rounds}}, where="test")


def contexts(n: int) -> list[Context]:
    return [Context(str(i), f"title {i}", "text") for i in range(n)]


def test_rounds_share_their_contexts_unless_they_are_fresh() -> None:
    assert n_contexts(config(fresh=False)) == 4 and n_contexts(config(fresh=True)) == 12
    some = contexts(12)
    assert all(list(contexts_of_round(config(fresh=False), some, r)) == some for r in (1, 2, 3))
    parts = [contexts_of_round(config(fresh=True), some, r) for r in (1, 2, 3)]
    assert [c.id for part in parts for c in part] == [c.id for c in some]
    assert {len(part) for part in parts} == {4}


def test_fewer_passages_than_asked_for_are_shared_out_evenly() -> None:
    parts = [contexts_of_round(config(fresh=True), contexts(7), r) for r in (1, 2, 3)]
    assert [[c.id for c in part] for part in parts] == [["0", "1"], ["2", "3"], ["4", "5"]]


def test_without_rounds_the_contexts_are_one_part() -> None:
    none = config(fresh=True, rounds=0)
    some = contexts(n_contexts(none))
    assert len(some) == 4 and list(contexts_of_round(none, some, 1)) == some
