# SPDX-License-Identifier: Apache-2.0
"""Pictures of programs: every register by name, every step as a block."""

from __future__ import annotations

import stinespring
from stinespring.report.figures.draw import draw_program


def test_registers_and_steps_are_named(three_tokens, tmp_path):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, extension="position", effort=0)
    draw_program(program, tmp_path / "p.svg")
    text = (tmp_path / "p.svg").read_text()
    for name in ("t1  (2 qubits)", "e1_1  (1 qubit)", "e2_2  (2 qubits)", "step 2"):
        assert f"<!-- {name}" in text
    draw_program(program, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
