# SPDX-License-Identifier: Apache-2.0
"""Faults that are planted in the package, one at a time, and the command that must not pass any more."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMANDS", "PLANTED", "Mutant"]


@dataclass(frozen=True)
class Mutant:
    """One planted fault.

    Attributes:
        name: what is wrong.
        file: of the package.
        old: what stands there, exactly once.
        new: what is planted.
        command: a name of :data:`COMMANDS`.
    """

    name: str
    file: str
    old: str
    new: str
    command: str


TEXT = 'run examples/three_tokens.json --prompt "sun rain" --steps 2 --shots 40000 --seed 5'
SPINS = "spins sample examples/three_spins.json --steps 3 --shots 20000 --seed 5 --schedule"
CHANNEL = "examples/amplitude_damping.npz"
SPHERE = "sphere sample examples/sphere.json --shots 100000 --resolution 0.1 --seed 5"

# All of them pass, or are done, without a fault. Commands after a semicolon follow in the same folder.
COMMANDS = {
    "static": TEXT,
    "dynamic": TEXT + " --schedule dynamic",
    "one qubit": TEXT.replace("--steps 2", "--steps 3")
    + " --schedule dynamic --feed-forward all --max-qubits 1 --codes binary",
    "stepwise": TEXT + " --schedule stepwise",
    "position": TEXT + " --extension position",
    "tolerance": TEXT + " --tolerance 0.3",
    "stepwise tolerance": TEXT + " --schedule stepwise --tolerance 0.3",
    "device": TEXT + " --target line:6 --schedule dynamic",
    "language": 'run glassllm:en --prompt "Alice was" --steps 2 --top-k 3 --temperature 0.8 --shots 40000 --seed 5 --effort 0',
    "submitted": f"submit {TEXT.removeprefix('run ')} --schedule stepwise --backend aer --yes; fetch latest",
    "cluster": TEXT + " --backend dask:local",
    # a device whose gates are perfect and whose qubits are read with different errors
    "mitigated": TEXT + ' --backend "aer?noise=benchmarks/readout_only.json" --mitigation readout',
    "sphere": SPHERE + " --particle 0",
    "layers": SPHERE + " --particle 1 --layers 2",
    "overlaps": "sphere overlaps examples/sphere.json --shots 20000 --seed 5",
    "spins static": SPINS + " static",
    "spins dynamic": SPINS + " dynamic",
    "spins stepwise": SPINS + " stepwise",
    "lens": 'lens run glassllm:en --prompt "Alice was" --upto 2 --shots 100000 --seed 5',
    "channel": f"run {CHANNEL} --shots 100000 --seed 5 --effort 0",
    "exported": f"channel {CHANNEL} --form tree -o c.qasm; verify-channel {CHANNEL} c.qasm",
}

PLANTED = (
    # compiler
    Mutant(
        "the unlikeliest outcomes are kept at the price of the likeliest",
        "compiler/texts/truncate.py",
        "    probabilities = np.zeros_like(law.probabilities)",
        "    kept = np.sort(order[::-1][: 2**width])\n    mass = law.probabilities[:, kept].sum(axis=1)\n"
        "    probabilities = np.zeros_like(law.probabilities)",
        "tolerance",
    ),
    Mutant(
        "a truncation claims half of what it costs",
        "compiler/texts/truncate.py",
        "probabilities=probabilities), error",
        "probabilities=probabilities), error / 2",
        "tolerance",
    ),
    Mutant(
        "a truncated row is not normalised by its own mass",
        "compiler/texts/truncate.py",
        "np.where(mass > 0, mass, 1.0)[:, None]",
        "np.where(mass > 0, mass, 1.0)[::-1, None]",
        "tolerance",
    ),
    Mutant(
        "laws are given to other contexts",
        "compiler/texts/specialise.py",
        "frontier.contexts, model.symbol_law(step, texts), frontier.reach),)",
        "frontier.contexts, model.symbol_law(step, texts)[::-1], frontier.reach),)",
        "static",
    ),
    Mutant(
        "every prefix is decoded by the first one's codes",
        "compiler/stepwise/growth.py",
        "symbols = binding.symbols[owner, ",
        "symbols = binding.symbols[0 * owner, ",
        "stepwise",
    ),
    Mutant(
        "readings are given to other prefixes",
        "compiler/stepwise/growth.py",
        "owner = np.repeat(np.arange(len(rows)),",
        "owner = np.repeat(np.arange(len(rows))[::-1],",
        "stepwise",
    ),
    Mutant(
        "conditions test the next value",
        "compiler/dynamic/program.py",
        "return If(register, value, gates)",
        "return If(register, value ^ 1, gates)",
        "dynamic",
    ),
    Mutant(
        "resets that are needed are left out",
        "compiler/dynamic/program.py",
        "kept = tuple(q for q in item.qubits if q in live)",
        "kept = tuple(q for q in item.qubits if q not in live)",
        "one qubit",
    ),
    Mutant(
        "attention and neurons act minus twice",
        "compiler/systems/sphere_layer.py",
        "coefficients.append(factor * weights * norms)",
        "coefficients.append(-2 * factor * weights * norms)",
        "sphere",
    ),
    Mutant(
        "the particle's own coordinate changes its sign",
        "compiler/systems/sphere_layer.py",
        "coefficients, vectors = [np.ones(1)], [x[i][None]]",
        "coefficients, vectors = [np.ones(1)], [x[i][None] * np.append(-1.0, np.ones(model.d - 1))]",
        "sphere",
    ),
    Mutant(
        "the newest token of spins is read as the oldest",
        "compiler/systems/spins.py",
        "parts = [tokens[codes >> (network.N * back)",
        "parts = [tokens[codes >> (network.N * (read - 1 - back))",
        "spins static",
    ),
    Mutant(
        "the layers of the lens act in reverse",
        "compiler/systems/lens.py",
        "for v in states.v[:point]]",
        "for v in states.v[:point][::-1]]",
        "lens",
    ),
    Mutant(
        "a channel is measured in other bases than asked",
        "compiler/channels/probe.py",
        "for gate in BASES[basis]",
        "for gate in BASES[(basis + 1) % 3]",
        "channel",
    ),
    Mutant(
        "a device's program loses its conditions",
        "compiler/devices/lower.py",
        'if item.operation.name != "if_else" or any(b.size() for b in item.operation.blocks)',
        'if item.operation.name != "if_else"',
        "device",
    ),
    Mutant(
        "the writer rounds angles to 6 decimals",
        "compiler/export/qasm.py",
        "else repr(float(value))",
        "else repr(round(float(value), 6))",
        "exported",
    ),
    # circuits
    Mutant(
        "angles turn the other way round",
        "circuits/exact/multiplexer.py",
        "np.arctan2(np.sqrt(pairs[..., 1]), np.sqrt(pairs[..., 0]))",
        "np.arctan2(np.sqrt(pairs[..., 0]), np.sqrt(pairs[..., 1]))",
        "stepwise",
    ),
    Mutant(
        "the Gray code flips other controls",
        "circuits/exact/multiplexer.py",
        "names[gray_flips(len(controls))]",
        "names[gray_flips(len(controls))[::-1] ^ (len(controls) > 1)]",
        "spins static",
    ),
    Mutant(
        "a layer of the lens turns by half",
        "circuits/systems/reflection.py",
        "phase_of_zeros(range(size), -np.pi * turn.time, size if clean else None)",
        "phase_of_zeros(range(size), -np.pi / 2 * turn.time, size if clean else None)",
        "lens",
    ),
    Mutant(
        "spins point the other way",
        "circuits/systems/spin_tokens.py",
        "np.exp(-np.asarray(beta_h",
        "np.exp(np.asarray(beta_h",
        "spins stepwise",
    ),
    Mutant(
        "a clean qubit of the lens is not returned",
        "circuits/exact/multi_controlled.py",
        "*_controlled_phase((*left, wires[-1]), angle), *inverted(gathered)]",
        "*_controlled_phase((*left, wires[-1]), angle)]",
        "lens",
    ),
    Mutant(
        "real states take the other root of a rotation",
        "circuits/exact/real_shannon.py",
        "np.arctan2(form[b, a] - form[a, b], form[a, a] + form[b, b])",
        "np.arctan2(form[a, b] - form[b, a], form[a, a] + form[b, b])",
        "lens",
    ),
    Mutant(
        "states are prepared without their signs",
        "circuits/exact/signed_state.py",
        "2.0 * np.arctan2(pairs[..., 1], pairs[..., 0])",
        "2.0 * np.arctan2(abs(pairs[..., 1]), abs(pairs[..., 0]))",
        "overlaps",
    ),
    Mutant(
        "a condition read back tests the opposite",
        "circuits/devices/read_back.py",
        "result.append(If(register, wanted, tuple(gates), bit))",
        "result.append(If(register, wanted ^ 1, tuple(gates), bit))",
        "dynamic",
    ),
    # backends
    Mutant(
        "bits of a register are read in reverse",
        "backends/rows.py",
        "values = [number >> first & mask for number in numbers]",
        "values = [int(f'{number >> first & mask:0{len(places)}b}'[::-1], 2) for number in numbers]",
        "static",
    ),
    Mutant(
        "half of the shots are lost",
        "backends/rows.py",
        "return Outcomes.tallied(columns, np.asarray(counts, dtype=np.int64))",
        "return Outcomes.tallied(columns, (np.asarray(counts, dtype=np.int64) + 1) // 2)",
        "static",
    ),
    Mutant(
        "outcomes come back in another order of rows",
        "backends/rows.py",
        "self.parts[int(self.first[item]) + int(row)]",
        "self.parts[int(self.first[item + 1]) - 1 - int(row)]",
        "stepwise",
    ),
    Mutant(
        "a reset leaves the qubit as it is",
        "backends/histories/rounds.py",
        "            now[event.qubit] = ZERO\n",
        "            pass\n",
        "one qubit",
    ),
    Mutant(
        "mitigation takes the qubits in reverse",
        "pipeline/readout/mitigation.py",
        "wires = [measured_qubits(item.circuit, names) for item",
        "wires = [measured_qubits(item.circuit, names)[::-1] for item",
        "mitigated",
    ),
    # ledger and decoding
    Mutant(
        "recorded rows come back in reverse",
        "ledger/recorded.py",
        "for row in sorted(rows)]",
        "for row in sorted(rows, reverse=True)]",
        "submitted",
    ),
    Mutant(
        "codes are decoded one off",
        "readings.py",
        "return np.asarray(np.array(self.symbols, dtype=np.int64)[codes])",
        "return np.asarray(np.array(self.symbols, dtype=np.int64)[codes - 1])",
        "static",
    ),
    Mutant(
        "adding up forgets the first readings",
        "readings.py",
        "np.concatenate([part.counts for part in parts])",
        "np.concatenate([0 * parts[0].counts, *[part.counts for part in parts[1:]]])",
        "spins stepwise",
    ),
    Mutant(
        "texts are read from the last token on",
        "models/texts/law.py",
        "for step in range(1, steps + 1)], axis=1)",
        "for step in range(steps, 0, -1)], axis=1)",
        "static",
    ),
    # models
    Mutant(
        "the first token asks instead of the last",
        "models/texts/attention.py",
        "x[:, -1] @ h.query.T",
        "x[:, 0] @ h.query.T",
        "static",
    ),
    Mutant(
        "the temperature is forgotten",
        "models/decoders/language.py",
        ".astype(np.float64) / self.temperature",
        ".astype(np.float64)",
        "language",
    ),
    Mutant(
        "one token more than top-k is kept",
        "models/texts/truncated.py",
        "_first(logits, top_k)",
        "_first(logits, top_k + 1)",
        "language",
    ),
    Mutant(
        "a claimed law loses three times its budget",
        "models/texts/truncated.py",
        "np.argmax(tail <= budget, axis=1)",
        "np.argmax(tail <= 3 * budget, axis=1)",
        "stepwise tolerance",
    ),
    Mutant(
        "the clock of the spins is one ahead",
        "models/spins/network.py",
        "clock = (time % self.L",
        "clock = ((time + 1) % self.L",
        "spins stepwise",
    ),
    Mutant(
        "the success of a layer is not squared",
        "models/sphere/layer_law.py",
        "success = (lengths / norms) ** 2",
        "success = lengths / norms",
        "sphere",
    ),
    Mutant(
        "the field of the spins forgets beta",
        "models/spins/contexts.py",
        "return self.network.beta * self.network.fields",
        "return self.network.fields",
        "spins dynamic",
    ),
)
