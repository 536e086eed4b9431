# SPDX-License-Identifier: Apache-2.0
"""Faults that no count can show, or that the model's law shares: the circuits, followed exactly, must show them."""

from __future__ import annotations

from benchmarks.planted import Mutant

__all__ = ["COMMANDS", "PLANTED"]

SUN = 'examples/three_tokens.json --prompt "sun rain" --steps 2'
STATE = "run examples/two_tokens.json --input-state examples/superposition.json --steps 2 --shots 20000 --seed 5"

COMMANDS = {
    "block: exact": f"run {SUN} --phases exact --shots 40000 --seed 5",
    "block: state": STATE,
    "block: dephased state": f"{STATE} --extension dephased",
    "block: dephased prompt": f"compile {SUN} --input quantum --extension dephased --verify",
    "block: verified dynamic": f"compile {SUN} --schedule dynamic --effort 0 --verify",
    "block: verified narrow": f"compile {SUN} --schedule dynamic --feed-forward all --max-qubits 1 --codes binary --verify",
}

COPIES = (
    "    gates += copy_gates([wires[prompt[column].name][bit] for column, bit in sources], "
    "range(first, first + len(sources)))\n"
)

PLANTED = (
    Mutant(
        "one amplitude has the wrong sign",
        "circuits/exact/multiplexer.py",
        "        result.append(np.swapaxes(theta, -1, -2).reshape(*batch, -1))",
        "        theta.reshape(-1)[-1] *= -1.0\n        result.append(np.swapaxes(theta, -1, -2).reshape(*batch, -1))",
        "block: exact",
    ),
    Mutant(
        "an input state that is dephased keeps its coherence",
        "compiler/isometries/synthesise.py",
        COPIES,
        "",
        "block: dephased state",
    ),
    Mutant(
        "a prompt that is dephased keeps its coherence",
        "compiler/isometries/synthesise.py",
        COPIES,
        "",
        "block: dephased prompt",
    ),
    Mutant(
        "the phases of an input state are dropped",
        "compiler/isometries/prompt_state.py",
        "return diagonal_gates(values, ",
        "return diagonal_gates(0 * values, ",
        "block: state",
    ),
    Mutant(
        "moduli of amplitudes are taken for their squares",
        "models/texts/fock.py",
        "np.asarray(abs(self.amplitudes) ** 2)",
        "np.asarray(abs(self.amplitudes) / abs(self.amplitudes).sum())",
        "block: state",
    ),
    Mutant(
        "conditions on 1 and above are dropped",
        "circuits/core/flow.py",
        "    circuit.if_test(condition, body, wires, list(register))",
        "    _ = item.value or circuit.if_test(condition, body, wires, list(register))",
        "block: verified dynamic",
    ),
    Mutant(
        "resets are dropped",
        "circuits/core/flow.py",
        "                circuit.reset(item.qubits)",
        "                circuit.barrier(item.qubits)",
        "block: verified narrow",
    ),
)
