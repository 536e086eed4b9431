# SPDX-License-Identifier: Apache-2.0
"""What lies in folders and GGUF files, looked at without torch: whatever is wrong is said before anything is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stinespring
from stinespring.errors import InputError
from stinespring.models.decoders.local import gguf_file, loading
from stinespring.models.decoders.local.folder import looked_at
from stinespring.models.decoders.local.gguf_file import require_known, stated
from stinespring.models.safetensors import declared, pack

CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 4}


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(pack({"a": np.ones((4, 3)), "b": np.zeros(2)}, {"format": "pt"}))
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "training_args.bin").write_bytes(pickle.dumps(Trap()))
    return tmp_path


def test_a_folder_is_known_by_its_files(folder):
    found = looked_at(folder)
    assert declared(folder / "model.safetensors") == {"a": (4, 3), "b": (2,)}
    assert [file.name for file in found.tokenizer] == ["tokenizer.json"] and found.entries == 14
    before = found.content()
    assert before["files"]["tokenizer.json"] == hashlib.sha256(b"{}").hexdigest() and len(before["files"]) == 3
    (folder / "tokenizer.json").write_text("{ }")
    assert looked_at(folder).content() != before


@pytest.mark.parametrize("length", [-1, -20, 8, 4, 0])
def test_truncated_weights_are_refused(folder, length):
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:length] if length else b"")
    with pytest.raises(InputError, match="truncated or corrupted"):
        stinespring.load(f"hf:{folder}")
    file.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="truncated or corrupted"):
        stinespring.load(f"hf:{folder}")


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1 << 60]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}},
        {"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1]}},
        {"a": {"dtype": [], "shape": [1], "data_offsets": [0, 4]}},
        {"a": 3},
        [],
    ],
)
def test_headers_that_lie_are_refused(folder, header):
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(InputError, match="truncated or corrupted"):
        looked_at(folder)


def test_a_folder_with_pickles_only_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="pickle only"):
        stinespring.load(f"hf:{folder}")
    (folder / "training_args.bin").unlink()
    with pytest.raises(InputError, match="no weights"):
        stinespring.load(f"hf:{folder}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": None}, "names no kind of model"),
        ({"model_type": ["llama"]}, "names no kind of model"),
        ({"is_encoder_decoder": True}, "an encoder before its decoder"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "does not predict a next token"),
    ],
)
def test_what_is_no_decoder_is_refused(folder, changes, message):
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    with pytest.raises(InputError, match=message):
        stinespring.load(f"hf:{folder}")


def test_what_is_not_there_is_said(folder):
    with pytest.raises(InputError, match="no such folder"):
        stinespring.load(f"hf:{folder / 'nowhere'}")
    with pytest.raises(InputError, match="no folder"):
        stinespring.load(f"hf:{folder / 'config.json'}")
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        stinespring.load(f"hf:{folder}")
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"no config\.json"):
        stinespring.load(f"hf:{folder}")
    with pytest.raises(InputError, match="^there is no such GGUF file"):
        stinespring.load(f"gguf:{folder / 'nowhere.gguf'}")


def test_parts_of_the_weights_are_held_against_the_index(folder):
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}))
    assert [file.name for file in looked_at(folder).weights] == ["model-1.safetensors"]
    for places, message in (
        ({"a": "model-2.safetensors"}, "a part of the weights is missing"),
        ({"c": "model-1.safetensors"}, "lacks an array"),
        ({"a": "../model.safetensors"}, "cannot be used"),
        ({"a": 3}, "cannot be used"),
        ([], "cannot be used"),
    ):
        index.write_text(json.dumps({"weight_map": places}))
        with pytest.raises(InputError, match=message):
            looked_at(folder)


def test_a_missing_extra_is_named_with_the_line_that_installs_it(folder, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    for name in (f"hf:{folder}", "smollm2"):
        with pytest.raises(InputError, match=r"pip install 'stinespring\[hf\]'"):
            stinespring.load(name)


def test_the_command_says_what_is_wrong(invoke, folder):
    (folder / "model.safetensors").write_bytes(b"")
    status, _, err = invoke("law", f"hf:{folder}", "--prompt", "a", "--steps", "1")
    assert status == 2 and "truncated or corrupted" in err


@given(st.binary(min_size=1, max_size=9), st.floats(0, 1), st.booleans())
def test_whatever_is_overwritten_is_refused_or_read(tmp_path_factory, noise, where, cut):
    """Nothing but InputError, whatever stands where: in both formats, with bytes put in or over others."""
    folder = tmp_path_factory.mktemp("files")
    for name, content, read in (
        ("a.safetensors", pack({"a": np.ones((4, 3)), "b": np.zeros(2)}, {"format": "pt"}), declared),
        ("a.gguf", gguf(), stated),
    ):
        place = int(where * len(content))
        after = content[place:] if cut else content[place + len(noise) :]
        (folder / name).write_bytes(content[:place] + noise + after)
        with contextlib.suppress(InputError):
            read(folder / name)


def test_pipes_are_not_waited_for(folder):
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(InputError, match="no file"):
        stinespring.load(f"hf:{folder}")
    with pytest.raises(InputError, match="no such GGUF file"):
        stinespring.load(f"gguf:{folder / 'model.safetensors'}")


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(tensors=(("token_embd.weight", (32, 2), 2, 0),), data=36, *, tokens=2, version=3, more=b"", entries=0):
    """A small file: tensors as (name, shape, kind, begin)."""
    fields = string("general.architecture") + struct.pack("<I", 8) + string("llama")
    fields += string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, tokens) + b"".join(string("t") for _ in range(tokens))
    fields += string("tokenizer.ggml.scores") + struct.pack("<IIQ", 9, 6, 3) + bytes(12)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), 3 + entries) + fields + more
    for name, shape, kind, begin in tensors:
        head += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, begin)
    return head + bytes(-len(head) % 32) + bytes(data)


def test_a_file_is_known_by_its_header(tmp_path):
    path = tmp_path / "a.gguf"
    path.write_bytes(gguf())
    found = stated(path)
    assert found.architecture == "llama" and found.tensors == {"token_embd.weight": (32, 2)}
    assert found.fields["tokenizer.ggml.tokens"] == 2 and found.size == found.start + 36
    assert require_known(path, found) == hashlib.sha256(gguf()).hexdigest()
    path.write_bytes(gguf() + bytes(-36 % 32))  # filled up to the alignment
    assert stated(path).size == found.size + 28


@pytest.mark.parametrize(
    "content",
    [
        gguf()[:-1],
        gguf()[:60],
        gguf()[:4],
        gguf() + bytes(40),
        gguf(version=1),
        gguf(entries=1 << 40),
        gguf((("token_embd.weight", (32, 2), 2, 0), ("b", (32,), 2, 32)), 100),  # one tensor within another
        gguf((("token_embd.weight", (32, 2), 2, 8),), 100),  # not aligned
        gguf((("token_embd.weight", (31, 2), 2, 0),)),  # no whole block
        gguf((("token_embd.weight", (32, 2), 99, 0),)),
        gguf((("token_embd.weight", (1 << 62, 1 << 62), 2, 0),)),
        gguf((("token_embd.weight", (), 2, 0),)),
        gguf(more=string("x") + struct.pack("<I", 77), entries=1),
        gguf(more=string("x") + struct.pack("<IIQ", 9, 9, 1), entries=1),
        gguf(more=string("x") + struct.pack("<IIQ", 9, 8, 1 << 60), entries=1),
        gguf(more=struct.pack("<Q", 1 << 63), entries=1),
        gguf(more=string("general.alignment") + struct.pack("<II", 4, 0), entries=1),
    ],
)
def test_broken_files_are_refused(tmp_path, content):
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match="truncated or corrupted"):
        stinespring.load(f"gguf:{path}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gguf(tokens=3), "3 tokens, 2 rows"),
        (gguf((("b", (32,), 2, 0),), 18), "no token embedding"),
        (b"", "cannot be read|truncated"),
        (b"PK\3\4" + bytes(60), "not in the GGUF format"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        stinespring.load(f"gguf:{path}")


def test_overwritten_weights_of_a_known_file_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.gguf"
    content = gguf(more=string("general.name") + struct.pack("<I", 8) + string("Known"), entries=1)
    path.write_bytes(content)
    monkeypatch.setattr(gguf_file, "KNOWN", {(len(content), "Known"): hashlib.sha256(content).hexdigest()})
    assert require_known(path, stated(path))
    path.write_bytes(content[:-9] + b"\1" + content[-8:])
    with pytest.raises(InputError, match="changed after"):
        stinespring.load(f"gguf:{path}")


def test_sizes_of_blocks_are_those_of_the_format():
    constants = pytest.importorskip("gguf.constants", reason="needs gguf, which is in the extra [hf] only")
    for kind, sizes in gguf_file.BLOCKS.items():
        assert constants.GGML_QUANT_SIZES[constants.GGMLQuantizationType(kind)] == sizes
