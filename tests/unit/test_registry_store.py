"""The store: what was put is what is read, or an error says why not; whole or absent after a failure."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from seal.errors import DamageError, InputError, InputFileError, OutputError
from seal.registry import Store
from seal.registry.canonical import sha256


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.create()
    return made


def the_file(store: Store, digest: str) -> Path:
    return next(store.path.glob(f"{digest[:2]}/{digest[2:]}*"))


def test_bytes_and_files_round_trip(store: Store, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(data)
    assert store.put_bytes(data) == store.put_file(tmp_path / "x") == sha256(data)
    assert store.read(sha256(data)) == data == store.file(sha256(data)).read_bytes()
    assert list(store.digests()) == [sha256(data)]
    assert store.check(sha256(data)) == ""


def test_a_folder_round_trips(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("a")
    (tmp_path / "in" / "sub" / "b.bin").write_bytes(b"b")
    digest = store.put_folder(tmp_path / "in")
    assert [(m.path, m.size_bytes) for m in store.members(digest)] == [("a.txt", 1), ("sub/b.bin", 1)]
    store.check_out(digest, tmp_path / "out")
    assert (tmp_path / "out" / "sub" / "b.bin").read_bytes() == b"b"
    assert digest == store.put_folder(tmp_path / "out"), "the digest is of what is in it, not of where it was"


def test_folders_that_cannot_be_stored(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputFileError, match="no files"):
        store.put_folder(tmp_path / "in")
    (tmp_path / "in" / "link").symlink_to("/etc/hostname")
    with pytest.raises(InputFileError, match="is a link"):
        store.put_folder(tmp_path / "in")
    with pytest.raises(InputFileError, match="cannot be read"):
        store.put_file(tmp_path / "missing")


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "empty"])
def test_a_damaged_object_is_never_read(store: Store, damage: str) -> None:
    digest = store.put_bytes(b"what an adapter weighs")
    path = the_file(store, digest)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes({"flip": b"W" + data[1:], "cut": data[:-1], "grow": data + b"x", "empty": b""}[damage])
    for read in (store.read, store.file):
        with pytest.raises(DamageError, match="does not match its name"):
            read(digest)
    assert "is damaged" in store.check(digest)
    store.put_bytes(data)
    assert store.read(digest) == data, "putting it again mends it"


def test_every_flipped_bit_is_found(store: Store) -> None:
    data = os.urandom(64)
    digest = store.put_bytes(data)
    path = the_file(store, digest)
    path.chmod(0o644)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamageError):
            store.read(digest)


def test_a_missing_object_is_an_error(store: Store) -> None:
    with pytest.raises(DamageError, match="is missing"):
        store.read("0" * 64)
    with pytest.raises(InputError, match="is no digest"):
        store.read("../../etc/passwd")


def test_a_folder_whose_file_is_missing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    digest = store.put_folder(tmp_path / "in")
    store.erase(sha256(b"a"))
    assert "is missing" in store.check(digest)
    with pytest.raises(DamageError, match="is missing"):
        store.check_out(digest, tmp_path / "out")


def test_garbage_is_what_nothing_refers_to(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    folder, alone = store.put_folder(tmp_path / "in"), store.put_bytes(b"alone")
    assert store.garbage({folder}) == [alone]
    assert set(store.garbage({alone})) == {folder, sha256(b"a")}
    store.erase(alone)
    store.erase(alone)
    assert not store.contains(alone)


def test_a_file_is_durable_before_its_name_and_the_name_before_the_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_bytes(b"makes the folder")
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")
        fsync(handle)

    def renamed(old: Path, new: Path) -> None:
        done.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    store.put_bytes(b"makes the folder")
    assert done == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize(
    "number, words", [(errno.ENOSPC, "disk is full"), (errno.EIO, "disk reports"), (errno.EROFS, "writable")]
)
def test_a_refusal_to_write_is_told_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    kept = store.put_bytes(b"kept")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(OutputError, match=os.strerror(number)) as raised:
            store.put_bytes(b"new")
    assert words in raised.value.hint
    assert list(store.digests()) == [kept] and not list((store.path / "incoming").iterdir())


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_not_be_written(store: Store) -> None:
    kept = store.put_bytes(b"kept")
    for folder in (store.path / "incoming", store.path):
        folder.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        store.put_bytes(b"new")
    assert store.read(kept) == b"kept"
    for folder in (store.path, store.path / "incoming"):
        folder.chmod(0o700)


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(store: Store) -> None:
    left, growing = store.path / "incoming" / ".left.part", store.path / "incoming" / ".growing.part"
    left.write_bytes(b"half")
    with growing.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        store.sweep()
        assert not left.exists() and growing.exists()
    store.sweep()
    assert not growing.exists()
