# SPDX-License-Identifier: Apache-2.0
"""Every kind of source has a page, a figure and a picture, and they say what was found.

Sampled with fixed seeds; what is tested is that pages and figures agree with the results, whatever the verdicts are.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from oracles.page_reader import read_page
from stinespring.cli.shown import MODULES, shown
from stinespring.errors import InputError
from stinespring.pipeline.record import Written
from stinespring.report.figures.draw import draw_program, extent
from stinespring.report.html import parts
from stinespring.report.rows import rows_of

CASES = (
    "static", "dynamic", "stepwise", "input state", "lens point", "lens points", "layers", "dynamic layers", "stepwise layers",
    "hadamard", "swap", "spins", "one run", "static spins", "dynamic spins", "isometry", "tree",
)  # fmt: skip
TABLES = ("lens point", "lens points", "layers", "stepwise layers", "hadamard", "swap", "isometry")


KINDS = {"texts": "static", "lens": "lens points", "sphere": "layers", "spins": "one run", "channel": "tree"}


def words(path) -> list[str]:
    """Return what is written in a figure."""
    return re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def require_drawn(program, texts) -> None:
    """Test that the picture of a program has its name and every register that is measured."""
    assert any(text.startswith(program.source.name) for text in texts)
    told = " ".join(texts)
    assert all(register.name in told for register in program.circuit.cregs if register.size)


def require_plotted(result, texts) -> None:
    """Test that the figure of samples says what they are of, and the verdict."""
    [verdict] = [text for text in texts if text.startswith(("PASS", "FAIL", "UNVERIFIED"))]
    assert verdict.startswith(f"{result.verdict.verdict}   p = {result.verdict.p_value:.3g}")
    assert any(result.samples.source.name in text or "sphere" in text for text in texts)


def test_no_kind_is_left_out(found):
    assert {name: found(case).program.asked.kind for name, case in KINDS.items()} == {name: name for name in MODULES}


@pytest.mark.parametrize("name", CASES)
def test_page(found, tmp_path, name):
    result, path = found(name), tmp_path / "report.html"
    shown(result.program.asked.kind).page(result, "stinespring run --seed 3").write(path)
    plotted, positions = name != "one run", "attention" in result.verdict.parts
    tree, layers = name in ("static", "dynamic", "stepwise"), name.startswith("lens")
    page = read_page(path, figures=plotted + tree + positions + layers + 1)
    assert page.badges[0] == result.verdict.verdict
    assert result.verdict.reason in page.words
    for figure in (result.program.hash, result.samples.source.fingerprint(), "stinespring run --seed 3", "seed 3"):
        assert figure in page.words
    for part in result.verdict.parts.values():
        assert part.verdict in page.badges or part.reason in page.words
    assert "What was asked" not in page.words  # of runs in the ledger only
    told = {word for picture in page.pictures for word in [picture.title, *picture.words]}
    assert any(picture.title.endswith(("qubits", "codes")) or "qubit" in picture.title for picture in page.pictures)
    for register in result.program.circuit.cregs:
        assert not register.size or any(register.name in text for text in told)


@pytest.mark.parametrize("kind", KINDS)
def test_plot(found, tmp_path, kind):
    result, path = found(KINDS[kind]), tmp_path / "figure.svg"
    shown(kind).plot(result, path)
    require_plotted(result, words(path))


def test_what_is_too_large_for_a_page_is_left_to_compile(found, tmp_path, monkeypatch):
    result, path = found("one run"), tmp_path / "report.html"
    rows, columns = extent(result.program)
    monkeypatch.setattr(parts, "MOST_LINES", rows - 1)
    shown("spins").page(result, "c").write(path)
    assert f"{rows} lines, {columns} columns: too large to draw here" in read_page(path, figures=None).words


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_the_tables_of_the_law(found, name):
    result = found(name)
    tables = list(result.samples.asked.law(result.samples.source).tables(result.samples.outcomes))
    rows = rows_of(result.samples)
    np.testing.assert_array_equal(
        np.concatenate([t.observed.ravel() for t in tables]), np.concatenate([r.observed for r in rows])
    )
    np.testing.assert_array_equal(np.concatenate([t.law.ravel() for t in tables]), np.concatenate([r.law for r in rows]))
    assert len({row.name for row in rows}) == len(rows) > 0
    for row in rows:
        assert row.shots == row.observed.sum()
        assert row.tvd == pytest.approx(sum(abs(o / row.shots - p) for o, p in zip(row.observed, row.law, strict=True)) / 2)
        assert len({row.outcome(code) for code in range(len(row.law))}) == len(row.law)


def test_what_rows_and_outcomes_are_called(found):
    by_name = {name: rows_of(found(name).samples) for name in TABLES}
    assert [row.name for row in by_name["lens points"]][:2] == ["0  embedding", "1  attention 0"]
    assert by_name["lens point"][0].outcome(0) == "$x$"
    assert [row.name for row in by_name["layers"]] == ["particle 0, amplitudes", "particle 0, fidelity"]
    assert by_name["stepwise layers"][3].name == "particle 1, layer 2, fidelity"
    assert [by_name["layers"][0].outcome(code) for code in (0, 3, 4)] == ["x1 = 0", "x1 = 3", "failure"]
    assert [row.name for row in by_name["swap"]][5:7] == ["x2, x3", "x0, a0"]
    assert re.fullmatch(r"1  \|.+⟩ → [XYZ]", by_name["isometry"][0].name)


def test_several_circuits_are_said_to_be_more(found, tmp_path):
    draw_program(found("swap").program, tmp_path / "p.svg")
    assert any("the first 3 of 14 circuits" in text for text in words(tmp_path / "p.svg"))
    draw_program(found("layers").program, tmp_path / "p.svg")
    texts = words(tmp_path / "p.svg")
    assert {"particle 0, amplitudes", "particle 0, fidelity"} <= set(texts)
    assert not any("the first" in text for text in texts)


def test_qiskit_circuits_keep_the_names_of_their_registers(found, tmp_path):
    draw_program(found("isometry").program, tmp_path / "p.svg")
    assert {"sys[0]", "env[0]"} <= set(words(tmp_path / "p.svg"))


def test_circuits_that_are_not_at_hand_are_not_drawn(found, tmp_path):
    program = found("dynamic").program
    fetched = replace(program, body=Written(program.registers, (1,)))
    with pytest.raises(InputError, match="not at hand"):
        draw_program(fetched, tmp_path / "p.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_program_on_a_device_is_drawn_before_it(found, tmp_path):
    from stinespring.circuits.devices.targets import open_target
    from stinespring.compiler.devices.lower import on_device

    lowered = on_device(found("dynamic spins").program, open_target("line:5"))
    draw_program(lowered, tmp_path / "p.svg")
    assert any("drawn before it is lowered to line:5" in text for text in words(tmp_path / "p.svg"))
