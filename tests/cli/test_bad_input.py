# SPDX-License-Identifier: Apache-2.0
"""Bad input ends with exit status 2, a short message, no traceback and no file. Nothing is sampled here."""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stinespring.cli.main import command

Refuses = Callable[..., str]
EXAMPLES = Path(__file__).parents[2] / "examples"
TWO = EXAMPLES / "two_tokens.json"
COMMON = ["--prompt", "a b", "--steps", "2"]
HEAD = {"query": [[1, 0], [0, 1]], "key": [[1, 0], [0, 1]], "value": [[1, 0], [0, 1]]}
MODEL: dict[str, Any] = {
    "format": "stinespring/attention@1",
    "tokens": ["a", "b"],
    "embedding": [[1, 0], [0, 1]],
    "stop": None,
    "blocks": [{"heads": [HEAD], "ffn": {"kind": "identity"}, "readout": {"kind": "softmax", "temperature": 1.0}}],
}
TABLE: dict[str, Any] = {
    "format": "stinespring/table@1",
    "tokens": ["a", "b"],
    "context": 1,
    "law": [[0.5, 0.5], [0.25, 0.75]],
}
LAYER = {"weight": [[1, 0], [0, 1]], "bias": [0, 0]}
NAN, INFINITY = float("nan"), float("inf")
# Python's own reader refuses integers of more digits than this.
ENDLESS = "9" * 5000


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refuses:
    """Run the command in this process and require a refusal; returns the message."""

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["stinespring", *map(str, arguments)])
        before = {path: path.read_bytes() if path.is_file() else None for path in tmp_path.rglob("*")}
        with pytest.raises(SystemExit) as stopped:
            command()
        captured = capsys.readouterr()
        assert stopped.value.code == 2, captured.err
        assert captured.out == ""
        assert 1 <= len(captured.err.strip().splitlines()) <= 12
        assert "Traceback" not in captured.err
        assert before == {path: path.read_bytes() if path.is_file() else None for path in tmp_path.rglob("*")}
        return captured.err

    return call


def changed(model: dict, *path: str | int, value: Any) -> dict:
    result = copy.deepcopy(model)
    place: Any = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


def store(folder: Path, content: object, name: str = "model.json") -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


FILES = {
    "empty": "",
    "prose": "hello",
    "not UTF-8": b"\xff\xfe\x00{",
    "Latin-1": '{"format": "é"}'.encode("latin-1"),
    "zero bytes": b"\0\0\0",
    "cut": '{"format": "stinespring/attention@1", "tok',
    "trailing": json.dumps(MODEL) + "x",
    "list": "[]",
    "number": "3",
    "string": '"x"',
    "null": "null",
    "deep": "[" * 100_000 + "]" * 100_000,
    "endless integer": json.dumps({"format": "stinespring/table@1", "tokens": ["a"], "context": 0, "law": [["?"]]}).replace(
        '"?"', ENDLESS
    ),
    "1e400": '{"format": "stinespring/table@1", "tokens": ["a"], "context": 0, "law": [[1e400]]}',
    "huge context": '{"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 100000000, "law": [[1, 0]]}',
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_files_that_are_no_model(content: str | bytes, refuses: Refuses, tmp_path: Path) -> None:
    refuses("law", store(tmp_path, content), *COMMON)
    refuses("check", TWO, *COMMON, "--counts", store(tmp_path, content))


@pytest.mark.parametrize("name", ["nowhere.json", ".", "nowhere/model.json", "", "glassllm:xx", "glassllm:", "x" * 5000])
def test_models_that_are_not_there(name: str, refuses: Refuses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refuses("law", name, *COMMON)
    refuses("check", TWO, *COMMON, "--counts", name)


@pytest.mark.parametrize("tag", ["stinespring/attention@2", "attention@1", "stinespring/samples@1", "", None, 1, [], {}, True])
def test_format_tags(tag: object, refuses: Refuses, tmp_path: Path) -> None:
    refuses("law", store(tmp_path, MODEL | {"format": tag}), *COMMON)


@pytest.mark.parametrize(
    "field",
    [
        ("embedding",),
        ("blocks", 0, "heads", 0, "query"),
        ("blocks", 0, "heads", 0, "key"),
        ("blocks", 0, "heads", 0, "value"),
        ("blocks", 0, "output"),
        ("positions",),
    ],
    ids=lambda field: str(field[-1]),
)
@pytest.mark.parametrize(
    "value",
    [
        True,
        1,
        "x",
        [],
        {},
        [[]],
        [1, 0],
        [[1]],
        [["1", "0"], ["0", "1"]],
        [[None, 0], [0, 1]],
        [[True, False], [False, True]],
        [[1, 0], [0]],
        [[1, 0], [0, NAN]],
        [[1, 0], [0, -INFINITY]],
        [[1, 0], [0, 10**400]],
        [[[1, 0], [0, 1]]],
        [[1, 0, 0], [0, 1, 0]],
    ],
    ids=lambda value: repr(value)[:30],
)
def test_matrices(field: tuple, value: object, refuses: Refuses, tmp_path: Path) -> None:
    refuses("law", store(tmp_path, changed(MODEL, *field, value=value)), *COMMON)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (("blocks",), []),
        (("blocks",), {}),
        (("blocks",), None),
        (("blocks", 0), []),
        (("blocks", 0), None),
        (("blocks", 0, "heads"), []),
        (("blocks", 0, "heads"), HEAD),
        (("blocks", 0, "heads", 0), [1]),
        (("blocks", 0, "ffn"), "identity"),
        (("blocks", 0, "ffn"), {"kind": "conv"}),
        (("blocks", 0, "ffn"), {"kind": ["mlp"]}),
        (("blocks", 0, "ffn"), {"kind": "mlp"}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [], "activation": "relu"}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [LAYER], "activation": "swish"}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [LAYER], "activation": ["relu"]}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [LAYER | {"bias": [0]}], "activation": "relu"}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [LAYER | {"bias": [0, NAN]}], "activation": "relu"}),
        (("blocks", 0, "ffn"), {"kind": "mlp", "layers": [LAYER, {"weight": [[1]], "bias": [0]}], "activation": "relu"}),
        (("blocks", 0, "readout"), {"kind": "argmax"}),
        (("blocks", 0, "readout"), {"kind": []}),
        (("blocks", 0, "readout"), 3),
        (("tokens",), []),
        (("tokens",), "ab"),
        (("tokens",), ["a", "a"]),
        (("tokens",), ["a", ""]),
        (("tokens",), ["a", "b c"]),
        (("tokens",), ["a", "b\u00a0"]),
        (("tokens",), ["a", "b\n"]),
        (("tokens",), ["a", 1]),
        (("tokens",), ["a", None]),
        (("tokens",), ["a"]),
        (("tokens",), ["a", "b", "c"]),
        (("stop",), "c"),
        (("stop",), ""),
        (("stop",), 0),
        (("stop",), ["a"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_fields(field: tuple, value: object, refuses: Refuses, tmp_path: Path) -> None:
    refuses("law", store(tmp_path, changed(MODEL, *field, value=value)), *COMMON)


@pytest.mark.parametrize("temperature", [0, -1, NAN, INFINITY, "1", True, None, [1]])
def test_temperatures_in_the_file(temperature: object, refuses: Refuses, tmp_path: Path) -> None:
    path = ("blocks", 0, "readout", "temperature")
    refuses("law", store(tmp_path, changed(MODEL, *path, value=temperature)), *COMMON)


@pytest.mark.parametrize("model", [
    changed(MODEL, "embedding", value=[[1e308, 1e308], [-1e308, 1e308]]),
    changed(MODEL, "blocks", 0, "readout", "temperature", value=1e-320),
    changed(MODEL, "blocks", 0, "heads", 0, "query", value=[[1e308, 1e308], [1e308, 1e308]])
    | {"embedding": [[1e10, 1e10], [-1e10, 1e10]]},
], ids=["embedding", "temperature", "query"])  # fmt: skip
@pytest.mark.parametrize("verb", ["law", "compile", "run"])
def test_finite_numbers_whose_law_is_not(verb: str, model: dict, refuses: Refuses, tmp_path: Path) -> None:
    refuses(verb, store(tmp_path, model), *COMMON, "--json")


@pytest.mark.parametrize(
    "change",
    [
        {"context": -1},
        {"context": 1.5},
        {"context": "1"},
        {"context": True},
        {"context": None},
        {"context": 2},
        {"context": 0},
        {"law": None},
        {"law": [[0.5, 0.5]]},
        {"law": [[0.5, 0.5], [0.5, 0.4]]},
        {"law": [[0.5, 0.5], [1.5, -0.5]]},
        {"law": [[0.5, 0.5], [1, NAN]]},
        {"law": [[0.5, 0.5], [0.5]]},
        {"law": [[0.5, 0.5], [0.5, 0.50001]]},
        {"law": [[True, False], [True, False]]},
        {"law": [[0, 0], [0.5, 0.5]]},
        {"tokens": [], "context": 0, "law": [[]]},
    ],
    ids=str,
)
def test_tables(change: dict, refuses: Refuses, tmp_path: Path) -> None:
    refuses("law", store(tmp_path, TABLE | change), *COMMON)


@pytest.mark.parametrize("prompt", ["", " ", "c", "a c", "A", "a,b", "0"])
@pytest.mark.parametrize("verb", ["law", "compile", "run"])
def test_prompts(verb: str, prompt: str, refuses: Refuses) -> None:
    refuses(verb, TWO, "--prompt", prompt, "--steps", 2)


def test_texts_that_do_not_fit(refuses: Refuses, tmp_path: Path) -> None:
    short = store(tmp_path, MODEL | {"positions": [[0, 0]] * 3})
    for tail in ([], ["--schedule", "stepwise"]):
        refuses("compile", short, "--prompt", "a b", "--steps", 3, *tail, "-o", tmp_path / "p.qasm")
    refuses("law", short, "--prompt", "a b a b", "--steps", 1)
    refuses("law", store(tmp_path, TABLE | {"context": 2, "law": [[1, 0]] * 4}), "--prompt", "a", "--steps", 1)


NUMBERS = ["0", "-1", "1.5", "x", "", "nan", "inf", "1e3", ENDLESS]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: value[:8])
def test_steps_and_shots(value: str, refuses: Refuses) -> None:
    for verb in ("law", "compile", "run"):
        refuses(verb, TWO, "--prompt", "a b", "--steps", value)
    refuses("run", TWO, *COMMON, "--shots", value)
    refuses("law", "glassllm:en", "--prompt", "Alice was", "--steps", 1, "--top-k", value)


OPTIONS = [
    *[(["compile", "run"], "--tolerance", v) for v in ("nan", "1", "-0.1", "inf", "x", "", "1e400")],
    *[(["compile", "run"], option, v) for option in ("--schedule", "--extension", "--input", "--codes") for v in ("x", "")],
    *[(["run"], option, v) for option in ("--alpha", "--resolution") for v in ("nan", "0", "1", "-0.1", "inf", "x", "")],
    *[(["run"], "--backend", v) for v in ("", "x", "aer?x=1", "aer?method=foo", "aer?method=", "aer:foo", "aer??")],
    *[(["run"], "--backend", v) for v in ("aer?noise=", "aer?noise=x", "aer?threads=0", "aer?memory=x", "fake:", "fake:x")],
    *[(["run"], "--mitigation", v) for v in ("x", "")],
    *[(["run"], "--seed", v) for v in ("x", "1.5", "", "nan")],
    (["run"], "--input", "quantum"),
    (["law", "compile"], "--top-k", "0"),
    (["law", "compile"], "--top-p", "1.5"),
    (["law", "compile"], "--temperature", "-0.5"),
    (["law", "compile", "run"], "--bogus", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("verbs", "option", "value"), OPTIONS, ids=lambda value: str(value))
def test_options(verbs: list[str], option: str, value: str, refuses: Refuses) -> None:
    for verb in verbs:
        refuses(verb, TWO, *COMMON, option, value)


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "inf", "x", ""])
def test_temperatures_of_the_language_model(temperature: str, refuses: Refuses) -> None:
    refuses("law", "glassllm:en", "--prompt", "Alice was", "--steps", 1, "--top-k", 3, "--temperature", temperature)


def test_positions_of_a_table(refuses: Refuses, tmp_path: Path) -> None:
    refuses("compile", store(tmp_path, TABLE), *COMMON, "--extension", "position", "-o", tmp_path / "p.qasm")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["law"], ["law", TWO], ["law", TWO, *COMMON, "more"], ["check", TWO, *COMMON]]
)
def test_usage(arguments: list, refuses: Refuses) -> None:
    refuses(*arguments)


@pytest.mark.parametrize("target", ["nowhere/p.qasm", "folder", "file/p.qasm", "x" * 300 + ".qasm", ""], ids=lambda t: t[:20])
def test_outputs_that_cannot_be_written(target: str, refuses: Refuses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    refuses("compile", TWO, *COMMON, "--schedule", "static", "-o", target)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_an_output_that_is_no_regular_file(refuses: Refuses, tmp_path: Path) -> None:
    # Renaming a temporary file over a device or a pipe would destroy it.
    pipe = tmp_path / "pipe.qasm"
    os.mkfifo(pipe)
    refuses("compile", TWO, *COMMON, "--schedule", "static", "-o", pipe)
    assert pipe.is_fifo()


@pytest.mark.parametrize("target", ["p.txt", "p", "nowhere/p.png", "folder", ""])
def test_plots_that_cannot_be_written(target: str, refuses: Refuses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    refuses("run", TWO, *COMMON, "--shots", 100, "--plot", target)


@pytest.mark.parametrize(
    "counts",
    [
        {},
        None,
        [],
        3,
        "x",
        {"a a": -1},
        {"a a": 0},
        {"a a": 1.5},
        {"a a": True},
        {"a a": "3"},
        {"a a": None},
        {"a a": NAN},
        {"a a": [1]},
        {"a": 3},
        {"a a a": 3},
        {"a c": 3},
        {"": 3},
        {"a a": 5, "b b": -5},
        {"a a": 10**400},
        {"a a": 2**63},
        {"a a": 2**62, "a b": 2**62},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_counts(counts: object, refuses: Refuses, tmp_path: Path) -> None:
    path = store(tmp_path, {"format": "stinespring/samples@1", "counts": counts}, "counts.json")
    refuses("check", TWO, *COMMON, "--counts", path)


@pytest.mark.parametrize(
    "content",
    [
        {"counts": {"a a": 3}},
        {"format": "x", "counts": {"a a": 3}},
        {"format": "stinespring/samples@1"},
        MODEL,
    ],
    ids=["no format", "another format", "no counts", "a model"],
)
def test_counts_files(content: dict, refuses: Refuses, tmp_path: Path) -> None:
    refuses("check", TWO, *COMMON, "--counts", store(tmp_path, content, "counts.json"))
