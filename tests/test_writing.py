# SPDX-License-Identifier: Apache-2.0
"""The one safe writer: whole or not at all, one rule for links and devices, and nothing of the package goes past it."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path

import pytest

import stinespring
from stinespring import writing
from stinespring.circuits.qasm.pairs import digest, read_description, require_pair, stamped
from stinespring.errors import InputError
from stinespring.writing import require_place, write_files, write_whole

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("models", "circuits", "compiler", "backends", "ledger", "checks", "pipeline", "report", "cli")
TEXT = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\n'


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    for content in ("first", "second"):  # the first time it points to nothing
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        write_whole(link, content)
        assert link.is_symlink()
        assert target.read_text() == content
    folder = tmp_path / "folder"
    folder.symlink_to(tmp_path / "made")
    for content in ("first", "second"):
        assert write_files(folder, {"a": content, "kind": ""}, holds="kind") == [folder / "a", folder / "kind"]
        assert folder.is_symlink()
        assert (tmp_path / "made" / "a").read_text() == content


@pytest.mark.parametrize("kind", ["device", "link to a device", "pipe", "folder", "circle"])
def test_what_is_no_file_is_refused_by_one_rule(kind, tmp_path):
    """Also for root, to whom the system allows everything: /dev/null stays what it is."""
    path = tmp_path / "out"
    if kind == "device":
        path = Path(os.devnull)
    elif kind == "link to a device":
        path.symlink_to(os.devnull)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    for write in (lambda: write_whole(path, "x"), lambda: require_place(path)):
        with pytest.raises(InputError):
            write()
    if kind != "folder":
        with pytest.raises(InputError):
            write_files(path, {"kind": "x"}, holds="kind")
    assert Path(os.devnull).is_char_device()
    assert [p for p in tmp_path.iterdir() if p != path] == []


@pytest.mark.parametrize("name", ["a" * 256, "no/such/folder", "a\0b", "file/below"])
def test_names_that_cannot_be_are_refused_before_work(name, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written|does not exist"):
        require_place(tmp_path / name)


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    write_whole(path, "x")
    assert path.read_text() == "x"
    with pytest.raises(InputError, match="too long"):
        require_place(tmp_path / ("a" * 253), beside=".json")


def test_permissions_stay(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_what_may_not_be_written_is_refused(tmp_path):
    path = tmp_path / "kept"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(InputError, match="may not be written"):
        write_whole(path, "new")
    assert path.read_text() == "old"


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_replaced_in_one_move(exchange, tmp_path, monkeypatch):
    if not exchange:
        monkeypatch.setattr(writing, "exchanged", lambda one, other: False)
    write_files(tmp_path / "f", {"kind": "1", "old": "1"}, holds="kind")
    write_files(tmp_path / "f", {"kind": "2"}, holds="kind")
    assert {p.name: p.read_text() for p in (tmp_path / "f").iterdir()} == {"kind": "2"}
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    write_files(tmp_path / "f", {"kind": "1"}, holds="kind")

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        write_files(tmp_path / "f", {"kind": "2"}, holds="kind")
    assert (tmp_path / "f" / "kind").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_the_exchange_is_one_step_of_the_system(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("")
    assert writing.exchanged(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "b").exists()
    assert (tmp_path / "b" / "a").exists()
    assert not writing.exchanged(tmp_path / "a", tmp_path / "missing")


def written_past(tree: ast.AST) -> list[int]:
    """Return the lines of a module that write a file themselves: by a method of a path, by ``open``, by a library."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        owner = getattr(node.func, "value", None)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [a.value for a in (*node.args, *[k.value for k in node.keywords]) if isinstance(a, ast.Constant)]
        writes = name in ("open", "fdopen") and any(isinstance(w, str) and set(w) & set("wax+") and len(w) < 4 for w in words)
        buffered = node.args and isinstance(node.args[0], ast.Name) and node.args[0].id in ("buffer", "stream", "result")
        library = getattr(owner, "id", "") in ("np", "json", "pickle", "figure", "image", "picture")
        saves = name in ("savez", "savez_compressed", "savefig", "save", "tofile", "dump") and library and not buffered
        if writes or saves or name in ("write_text", "write_bytes", "mkstemp", "symlink_to"):
            found.append(node.lineno)
    return found


def test_every_writer_goes_through_the_safe_one():
    """In all rooms: what remains is a stream to nowhere, and the ledger's own files."""
    kept = {"cli/main.py", "cli/failures.py", "ledger/opening.py"}  # the null device where stdout is closed; the database
    found = {}
    for path in [*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]:
        name = path.relative_to(ROOT).as_posix()
        lines = written_past(ast.parse(path.read_text(encoding="utf-8")))
        if lines and name not in kept | {"writing.py"}:
            found[name] = lines
    assert not found
    assert written_past(ast.parse("open('x', 'w')\npath.write_text('x')\nnp.savez(path, a=1)\n")) == [1, 2, 3]


def test_the_hash_is_in_both_files_and_not_of_itself(two_tokens, tmp_path):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    program.write(tmp_path / "p.qasm")
    text, told = (tmp_path / "p.qasm").read_text(), json.loads((tmp_path / "p.json").read_text())
    assert text != program.qasm3() == text.replace(f"// stinespring circuit {told['circuit_hash']}\n", "")
    assert text.startswith("OPENQASM 3.0;\n")
    assert told["circuit_hash"] == digest(text) == digest(program.qasm3())
    assert told["read_back"] is True
    assert read_description(tmp_path / "p.json") == told


def test_a_write_that_was_cut_short_is_noticed(two_tokens, tmp_path, monkeypatch):
    """A crash between the two files leaves the new program beside the old description."""
    for steps in (1, 2):
        stinespring.compile(two_tokens, prompt="a b", steps=steps, effort=0).write(tmp_path / f"{steps}.qasm")
    shutil.copy(tmp_path / "2.qasm", tmp_path / "1.qasm")
    with pytest.raises(InputError, match="do not belong together"):
        read_description(tmp_path / "1.json")
    calls = []

    def crash(path, content):
        calls.append(path.name)
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write_whole(path, content)

    monkeypatch.setattr("stinespring.compiler.export.files.write_whole", crash)
    with pytest.raises(KeyboardInterrupt):
        stinespring.compile(two_tokens, prompt="a b", steps=1, effort=0).write(tmp_path / "2.qasm")
    assert calls == ["2.qasm", "2.json"]
    with pytest.raises(InputError, match="do not belong together"):
        read_description(tmp_path / "2.json")


@pytest.mark.parametrize("name", ["template_1.qasm", "angles.json"])
def test_a_folder_whose_files_were_mixed_is_noticed(name, two_tokens, tmp_path):
    for steps, prompt in ((2, "a b"), (3, "b b")):
        stinespring.compile(two_tokens, prompt=prompt, steps=steps, schedule="stepwise").write(tmp_path / str(steps))
    read_description(tmp_path / "2" / "program.json")
    (tmp_path / "2" / name).write_text((tmp_path / "3" / name).read_text().replace("ry", "rx"))
    with pytest.raises(InputError, match="belong together|was changed"):
        read_description(tmp_path / "2" / "program.json")
    (tmp_path / "2" / name).unlink()
    with pytest.raises(InputError, match="not found"):
        read_description(tmp_path / "2" / "program.json")


def test_pairs():
    text = stamped(TEXT)
    require_pair(text, {"circuit_hash": digest(TEXT)}, "p.qasm")
    require_pair(TEXT, {"circuit_hash": digest(TEXT)}, "p.qasm")  # the line was taken out
    require_pair(TEXT, {}, "p.qasm")  # by hand, or earlier
    edited = text.replace("qubit[1]", "qubit[2]")
    with pytest.raises(InputError, match="was changed"):
        require_pair(edited, {"circuit_hash": digest(TEXT)}, "p.qasm")
    require_pair(edited, {"circuit_hash": digest(TEXT)}, "p.qasm", edited=True)
    for other, description in ((text, {}), (text, {"circuit_hash": "0" * 64}), (TEXT + "\n", {"circuit_hash": digest(TEXT)})):
        with pytest.raises(InputError, match="do not belong together"):
            require_pair(other, description, "p.qasm", edited=True)
