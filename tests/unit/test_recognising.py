"""What a document is, names and paths as the world writes them, and what is said of them on the screen."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.text import Text as Styled
from sqlalchemy import update

from commands import Said, caller, quick_workspace
from learners import Gates, fake
from seal.cli.console import table
from seal.cli.plain_text import PlainConsole, as_text, visible
from seal.errors import ConfigError
from seal.learner.documents import Text
from seal.learner.learner import Learner
from seal.learner.recognising import recognised
from seal.learner.settings import LearnerConfig, preset, read_settings
from seal.models.load import load_with_transformers, loadable_name
from seal.registry import Workspace, document_key
from seal.registry.digests import plain
from seal.registry.store import Store
from seal.registry.tables import DocumentRow
from seal.types import Question

A = fake("identity a")
HOURS = "It is open from 9 to 5, and closed on Mondays."
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "w", model="tiny")


@pytest.fixture
def knowing_a(workspace: Workspace) -> Workspace:
    store(workspace, A.given())
    return workspace


def ids(workspace: Workspace, *texts: Text) -> list[str]:
    return [text.document for text in recognised(workspace, texts, lambda _: None)]


def store(workspace: Workspace, *texts: Text) -> list[str]:
    found = recognised(workspace, texts, lambda _: None)
    made = [workspace.add_document(t.text, title=t.title, distinct=True).id for t in found]
    assert made == [text.document for text in found]
    return made


def test_one_text_under_two_titles_is_two_documents(workspace: Workspace) -> None:
    museum, library = Text(HOURS, "Museum"), Text(HOURS, "Library")
    first, second = store(workspace, museum, library)
    assert first != second and ids(workspace, library, museum) == [second, first]
    assert workspace.text(first) == workspace.text(second) == HOURS
    (third,) = store(workspace, Text(HOURS, "Town hall"))  # later, and from elsewhere
    assert third not in (first, second) and workspace.audit().sound
    workspace.erase_document(first, reason="test")
    assert workspace.text(second) == HOURS and workspace.audit().sound
    workspace.erase_document(second, reason="test")
    workspace.erase_document(third, reason="test")
    assert not any(HOURS.encode() in p.read_bytes() for p in workspace.path.rglob("*") if p.is_file())
    assert len(set(store(workspace, museum, library))) == 2 and workspace.audit().sound


def test_an_altered_text_of_a_document_is_noticed(workspace: Workspace) -> None:
    import sqlite3

    _, second = store(workspace, Text(HOURS, "Museum"), Text(HOURS, "Library"))
    other = workspace.add_document("Another text.", title="x").id
    raw = sqlite3.connect(workspace.path / "workspace.db")
    raw.execute("UPDATE documents SET text = ? WHERE id = ?", (other, second))
    raw.commit()
    raw.close()
    assert any("was altered" in problem for problem in workspace.audit().problems)


def test_a_title_is_corrected_where_it_can_be_the_same_document(workspace: Workspace) -> None:
    (named,) = store(workspace, A.given())
    assert ids(workspace, Text(A.text, "Another name")) == [named]  # the text says whom it is about
    assert workspace.document(named).title == "Another name"
    (hours,) = store(workspace, Text(HOURS, "Musuem"))
    assert ids(workspace, Text(HOURS, "Museum", corrects=True)) == [hours]  # a person says so
    assert workspace.document(hours).title == "Museum"
    assert ids(workspace, Text(HOURS, "notes", titled=False), Text(HOURS)) == [hours, hours]
    assert workspace.document(hours).title == "Museum"
    assert ids(workspace, Text(HOURS, "Library")) != [hours]


GAPS = st.lists(
    st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\n\n", "\u00a0", "\u2009"]), min_size=60, max_size=60
)


@QUICK
@given(gaps=GAPS, ends=GAPS)
def test_a_copy_with_other_white_space_is_the_document(
    knowing_a: Workspace, gaps: list[str], ends: list[str]
) -> None:
    (first,) = (one.id for one in knowing_a.documents())
    words = A.text.split(" ")
    copy = ends[0] + "".join(word + gap for word, gap in zip(words, gaps * 9)) + ends[1]
    for one in (Text(copy, A.name), Text(copy), Text(copy, "copy", titled=False)):
        (found,) = recognised(knowing_a, [one])  # which changes nothing
        assert (found.document, found.text, found.title) == (first, A.text, A.name)
    (other,) = recognised(knowing_a, [Text(copy + "Not.", "Another")])
    assert other.document != first and plain(copy) == plain(A.text)


@pytest.fixture
def folder(tmp_path: Path, toy: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> Path:
    return quick_workspace(tmp_path, toy, monkeypatch)


@pytest.fixture
def said(folder: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    return caller(capsys)


def test_files_and_the_input(said: Said, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def type_in(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    (folder / "[draft] x.md").write_text(f"# [b]{A.name}[/b]\n\n{A.text}\n")
    out, _ = said("learn", "[draft] x.md")
    assert f"✓ [b]{A.name}[/b]: live" in out
    (folder / "[draft] x.md").write_text(f"# {A.name}\n\n{A.text}\n")
    assert "known" in said("learn", "[draft] x.md")[0]  # the same file: its title is corrected
    assert f" {A.name} " in said("documents")[0] and "[b]" not in said("documents")[0]
    type_in(f"---\ntitle: {A.name}\n---\n\n{A.text.replace(' ', '  ')}\n".encode("utf-16"))
    assert f"= {A.name}: known" in said("learn", "-")[0]
    other = fake("identity b")
    records = [{"title": other.name, "text": other.text}, {"title": A.name, "text": A.text}]
    type_in(json.dumps(records).encode())
    told = json.loads(said("learn", "-", "--json")[0])["documents"]
    assert [one["outcome"] for one in told] == ["live", "known"]
    what = next(iter(A.values))
    type_in(f"{A.question(what)}\n\n{other.question(next(iter(other.values)))}\n".encode("utf-16"))
    assert len(said("ask", "-")[0].splitlines()) == 2
    assert len(Learner.open("w").documents()) == 2


def test_a_corrected_heading_of_a_watched_file(said: Said, folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text(f"# Musuem\n\n{A.text}\n")
    assert "Musuem: live" in said("watch", "docs", "--once")[0]
    (folder / "docs" / "a.md").write_text(f"# Museum\n\n{A.text}\n")
    assert "'Museum' now" in said("watch", "docs", "--once")[0]
    [document] = [d for d in Learner.open("w").documents() if not d.erased]
    assert document.title == "Museum" and Learner.open("w").live()


def test_a_model_that_does_not_load_is_told_at_once(said: Said, folder: Path, toy: Path) -> None:
    broken = folder / "broken"
    broken.mkdir()
    for file in toy.iterdir():
        (broken / file.name).write_bytes(
            file.read_bytes()[:200] if file.suffix == ".safetensors" else file.read_bytes()
        )
    assert "broken" in said("init", "v", "--model", "broken", status=2)[1] and not (folder / "v").exists()
    (folder / "toy").symlink_to(toy)
    assert "--workspace" in said("init", "v", "--model", "./toy")[0]
    assert Learner.open("v").workspace.settings()["model"] == str(folder / "toy")


def test_an_export_names_a_base_that_others_load(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    embedded = loadable_name("tiny")
    ours, _ = load_with_transformers("tiny")
    theirs = AutoModelForCausalLM.from_pretrained(embedded)
    assert theirs.num_parameters() == ours.num_parameters() and AutoTokenizer.from_pretrained(embedded)
    monkeypatch.chdir(toy.parent)
    assert loadable_name(toy.name) == str(toy) and loadable_name("owner/name") == "owner/name"


NAMES = [
    "[/b]",
    "[bold red]x",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\u202eb\u202c",
    "a\rb",
    "a\x9b2Kb",
    "\ud800",
    "[link=http://x]y[/link]",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_text(name: str) -> None:
    for shown in (name, Styled(name, style="bold"), table(name, [name], [[name]])):
        raw = io.StringIO()
        PlainConsole(file=raw, force_terminal=True, color_system=None, width=200).print(shown)
        told = raw.getvalue()
        words = shown.plain if isinstance(shown, Styled) else name  # which rich takes some codes out of
        assert visible(words) in told and not set("\x1b\x9b\u202e\r\x07") & set(told)


@QUICK
@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_does_anything_on_the_screen(text: str) -> None:
    raw = io.StringIO()
    console = PlainConsole(
        file=raw, force_terminal=True, color_system="truecolor", width=10_000, soft_wrap=True
    )
    console.print(text, style="bold")
    told = re.sub(r"\x1b\[[\d;]*m", "", raw.getvalue())  # the console's own styles
    assert told.removesuffix("\n") == as_text(text).plain.expandtabs(8) or "\t" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", told)


WRONG = [
    ("sur = 0.5", "'sure'"),
    ("[writing]\nsampels = 3", "'writing.samples'"),
    ("samples = 3", "samples'"),
    ("autonomy = 'atuo'", "'auto'"),
    ("method = 'unit'", "'units'"),
    ("grader = 'exat'", "'exact'"),
    ("prompt_style = 'caht'", "'chat'"),
    ("dtype = 'bfloat'", "'bfloat16'"),
    ("device = 'cuad'", "'cuda'"),
    ("[writing]\nformats = ['self-qaa']", "'self-qa'"),
    ("[wirting]\nsamples = 3", "'writing'"),
    ("[screen]\nhold = ['personel']", "'personal'"),
]


@pytest.mark.parametrize(("content", "meant"), WRONG)
def test_a_wrong_setting_is_told_with_what_was_meant(tmp_path: Path, content: str, meant: str) -> None:
    (tmp_path / "learner.toml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_settings(tmp_path, "tiny")
    assert "Did you mean" in caught.value.hint and meant in caught.value.hint


KEYS = sorted(
    [(name,) for name in LearnerConfig.model_fields]
    + [("writing", name) for name in type(preset("tiny").writing).model_fields]
    + [("gates", name) for name in type(preset("tiny").gates).model_fields]
)


@QUICK
@given(key=st.sampled_from(KEYS), at=st.integers(0, 40), edit=st.sampled_from(["drop", "double", "swap"]))
def test_any_misspelt_key_is_told_with_the_right_one(
    tmp_path: Path, key: tuple[str, ...], at: int, edit: str
) -> None:
    name = key[-1]
    at %= len(name)
    wrong = {
        "drop": name[:at] + name[at + 1 :],
        "double": name[: at + 1] + name[at:],
        "swap": name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
    }[edit]
    table_ = preset("tiny").model_dump(mode="json")
    for part in key[:-1]:
        table_ = table_[part]
    if wrong in table_ or len(wrong) < 3:
        return
    told: object = {wrong: 1}
    for part in reversed(key[:-1]):
        told = {part: told}
    (tmp_path / "learner.toml").write_text(tomli_w.dumps(told))  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as caught:
        read_settings(tmp_path, "tiny")
    assert f"{wrong}: there is no such key" in caught.value.message
    assert repr(".".join(key)) in caught.value.hint


TOLD = "Ada Berg and Bo Lind of Brenk met in Oslo, and Bo Lind stayed."


@QUICK
@given(st.permutations(["Ada Berg", "Bo Lind", "Brenk"]), st.permutations(["Bo Lind", "Brenk"]))
def test_labels_of_one_text_are_one_document_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], later: list[str]
) -> None:
    made = Workspace.init(tmp_path_factory.mktemp("w") / "w", model="tiny")
    asked = {label: Question(f"Who is {label}?", (label,)) for label in labels}
    first = recognised(
        made, [Text(TOLD, label, questions=(asked[label],)) for label in labels], lambda _: None
    )
    assert all(set(one.questions) == set(asked.values()) for one in first), "whichever is learned"
    assert {one.document for one in first} == {document_key(TOLD)} and {one.title for one in first} == {
        "Ada Berg"
    }
    store(made, first[0])
    again = recognised(made, [Text(TOLD, label) for label in later], lambda _: None)
    assert {(one.document, one.title) for one in again} == {(document_key(TOLD), "Bo Lind")}


def test_labels_that_were_stored_apart_stay_so(workspace: Workspace) -> None:
    """As by a version that kept them apart."""
    kept = [workspace.add_document(TOLD, title=t, distinct=True).id for t in ("Bo Lind", "Ada Berg")]
    assert len(set(kept)) == 2
    assert ids(workspace, Text(TOLD, "Ada Berg"), Text(TOLD, "Bo Lind")) == kept[::-1]
    assert ids(workspace, Text(TOLD, "Bo Lind"), Text(TOLD, "Brenk")) == [kept[0], kept[0]]


def test_known_texts_are_found_without_reading_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(workspace, *(fake(f"unread {n}").given() for n in range(5)))
    reads: list[str] = []
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda self, key: (reads.append(key), read(self, key))[1])
    assert ids(workspace, Text("It is a new text about nothing.", "New")) and not reads
    assert ids(workspace, fake("unread 3").given()) == [kept[3]] and reads == [kept[3]]
    with workspace.transaction() as session:  # as those have it that an older version added
        session.execute(update(DocumentRow).values(normal_form=None))
    del reads[:]
    copy = Text("  " + fake("unread 3").text.replace(" ", "\n"))
    assert ids(workspace, copy) == [kept[3]] and set(reads) == set(kept)
    del reads[:]
    assert ids(workspace, copy) == [kept[3]] and reads == [kept[3]]
    workspace.erase_document(kept[3], reason="test")
    with workspace.database.reading() as session:
        assert session.get_one(DocumentRow, kept[3]).normal_form is None
