# SPDX-License-Identifier: Apache-2.0
"""More planted faults: the kinds that no verdict saw once, and others in varied places, for the default commands."""

from __future__ import annotations

from benchmarks.planted import CHANNEL, TEXT, Mutant

__all__ = ["COMMANDS", "PLANTED"]

HISTORIES = 'run benchmarks/table.json --prompt "a c" --steps 12 --shots 20000 --seed 5 --effort 0 --schedule dynamic'
HISTORIES += " --feed-forward all"
COMMANDS = {
    "state": "run examples/two_tokens.json --input-state examples/superposition.json --steps 2 --shots 40000 --seed 5",
    "state exact": "run examples/two_tokens.json --input-state examples/superposition.json --steps 1 --shots 40000 --seed 5"
    " --phases exact",
    "stop": "run examples/stop_token.json --prompt on --steps 3 --shots 40000 --seed 5 --effort 0",
    "table": 'run benchmarks/table.json --prompt "a c" --steps 2 --shots 40000 --seed 5 --effort 0',
    "many": TEXT.replace("--shots 40000", "--shots 600000") + " --effort 0",
    "many on a cluster": TEXT.replace("--shots 40000", "--shots 600000") + " --effort 0 --backend dask:local",
    "stop stepwise": "run examples/stop_token.json --prompt on --steps 3 --shots 40000 --seed 5 --schedule stepwise",
    "position stepwise": TEXT + " --extension position --schedule stepwise",
    "histories": HISTORIES,
    "repeated spins": "spins sample benchmarks/repeated_spins.json --steps 2 --shots 20000 --seed 5 --schedule static",
    "few settings": f"run {CHANNEL} --shots 100003 --seed 5 --effort 0 --settings 6",
    "swap": "sphere overlaps examples/sphere.json --test swap --shots 20000 --seed 5",
}

PLANTED = (
    # input states
    Mutant(
        "an input state's weights are the sizes of its amplitudes",
        "models/texts/fock.py",
        "np.asarray(abs(self.amplitudes) ** 2)",
        "np.asarray(abs(self.amplitudes) / abs(self.amplitudes).sum())",
        "state",
    ),
    Mutant(
        "phases of an input state are dropped",
        "models/texts/fock.py",
        "    return complex(parts[0], parts[1] if len(parts) > 1 else 0.0)",
        "    return complex(abs(complex(parts[0], parts[1] if len(parts) > 1 else 0.0)))",
        "state",
    ),
    Mutant(
        "the posterior of an input state forgets what was generated",
        "models/texts/fock.py",
        "        for earlier in range(1, step):\n",
        "        for earlier in range(1, 1):\n",
        "state",
    ),
    Mutant(
        "texts of an input state are padded on the right",
        "models/texts/fock.py",
        "(model.d,) * (width - len(text)) + text for",
        "text + (model.d,) * (width - len(text)) for",
        "state",
    ),
    Mutant(
        "amplitudes of an exact prompt lose their phases",
        "compiler/isometries/prompt_state.py",
        "    phases = np.angle(state.amplitudes)\n",
        "    phases = 0.0 * np.angle(state.amplitudes)\n",
        "state exact",
    ),
    # positions
    Mutant(
        "the token is made from another position than the one that is read",
        "compiler/texts/specialise.py",
        "contexts, readings[where], share[where]))",
        "contexts, readings[:, ::-1][where], share[where]))",
        "position",
    ),
    Mutant(
        "law and compiler make the token from another position",
        "models/texts/attention_map.py",
        "readings[inside] = base.readings(step, plain)",
        "readings[inside] = base.readings(step, plain)[:, ::-1]",
        "position",
    ),
    Mutant(
        "the host makes the token from another position",
        "compiler/stepwise/template.py",
        "token = self.model.readings(step, texts).reshape",
        "token = self.model.readings(step, texts)[:, ::-1].reshape",
        "position stepwise",
    ),
    # what is read from files, and the user's own source
    Mutant(
        "a window of spins is read from the oldest token on",
        "models/spins/files.py",
        'return signs(data["window"], "window", rows=L, columns=N), None',
        'return signs(data["window"], "window", rows=L, columns=N)[::-1], None',
        "spins static",
    ),
    Mutant(
        "features of queries are read as those of keys",
        "models/spins/files.py",
        'parts = [signs(found[role], f"{where}[{role!r}]", empty=empty) for role in ROLES]',
        'parts = [signs(found[role], f"{where}[{role!r}]", empty=empty) for role in ("k", "q", "v", "o")]',
        "spins stepwise",
    ),
    Mutant(
        "the compiler tiles the columns of spins instead of repeating them",
        "compiler/systems/spins.py",
        "features=np.repeat(network.features, network.repeat, axis=2)",
        "features=np.tile(network.features, (1, 1, network.repeat))",
        "repeated spins",
    ),
    Mutant(
        "the law tiles the columns of spins",
        "models/spins/network.py",
        "features=np.repeat(self.features, self.repeat, axis=2)",
        "features=np.tile(self.features, (1, 1, self.repeat))",
        "repeated spins",
    ),
    # seeds and histories
    Mutant(
        "all chunks have one seed",
        "backends/aer/chunks.py",
        "derive_seed(seed, number, shots, first, piece)",
        "derive_seed(seed, number, shots, first)",
        "many",
    ),
    Mutant(
        "all calls of a run have one seed",
        "backends/execute.py",
        "derive_seed(seed, *batch.key)",
        "derive_seed(seed)",
        "stepwise",
    ),
    Mutant(
        "all prefixes of a call have one seed",
        "backends/aer/chunks.py",
        "result.append(Chunk(number, some, part, derive_seed(seed, number, shots, first, piece), found.how))",
        "result.extend(Chunk(number, (one,), part, derive_seed(seed, number), found.how) for one in some)",
        "spins stepwise",
    ),
    Mutant(
        "workers have one seed",
        "backends/distributed/work.py",
        "angles, shots, seed, How(*how))",
        "angles, shots, 1, How(*how))",
        "many on a cluster",
    ),
    Mutant(
        "histories forget what conditions test",
        "backends/histories/rounds.py",
        "columns = tuple(sorted((tested | {bits + qubit for qubit in new}) & ones))",
        "columns = tuple(sorted({bits + qubit for qubit in new} & ones))",
        "histories",
    ),
    Mutant(
        "two histories have the outcomes of one",
        "backends/histories/together.py",
        "self.random.multinomial(counts, weights / weights.sum(axis=1, keepdims=True))",
        "self.random.multinomial(counts, (weights / weights.sum(axis=1, keepdims=True))[np.zeros(number, dtype=int)])",
        "histories",
    ),
    Mutant(
        "a recorded row is given to the next one",
        "ledger/recorded.py",
        "merged(rows[row], wanted[row], derive_seed(seed, row)) for row in sorted(rows)]",
        "merged(rows[row - row % 2], wanted[row], derive_seed(seed, row)) for row in sorted(rows)]",
        "submitted",
    ),
    # shots
    Mutant(
        "settings share half of the shots",
        "batches.py",
        "return shots // rows + (np.arange(rows) < shots % rows)",
        "return np.full(rows, shots // rows // 2)",
        "channel",
    ),
    Mutant(
        "the rest of shared shots is dropped",
        "batches.py",
        "return shots // rows + (np.arange(rows) < shots % rows)",
        "return np.full(rows, shots // rows)",
        "few settings",
    ),
    Mutant(
        "some shots are lost when codes are decoded",
        "batches.py",
        "return (decoded(seen[0][0], self.registers),)",
        "return (decoded(seen[0][0], self.registers).limited(shots * 994 // 1000, 1),)",
        "static",
    ),
    Mutant(
        "texts that were over are lost when others grow",
        "compiler/stepwise/growth.py",
        "self.counts[over])]",
        "0 * self.counts[over])]",
        "stop stepwise",
    ),
    Mutant(
        "codes without a meaning are left out of the counts",
        "readings.py",
        "    return Outcomes.tallied(columns, outcomes.counts)\n",
        "    good = np.all([c >= 0 for c in columns.values()], axis=0)\n"
        "    return Outcomes.tallied({n: c[good] for n, c in columns.items()}, outcomes.counts[good])\n",
        "mitigated",
    ),
    # settings of channels
    Mutant(
        "one setting is drawn again and again",
        "models/channels/asked.py",
        "        found.append(setting)\n",
        "        found.append(found[0] if found else setting)\n",
        "channel",
    ),
    Mutant(
        "every setting is prepared as the first one",
        "compiler/channels/probe.py",
        "ProbedChannel(circuit, setting) for setting in asked.probes",
        "ProbedChannel(circuit, asked.probes[0]) for setting in asked.probes",
        "channel",
    ),
    Mutant(
        "a channel's input states are prepared without their phase",
        "models/channels/settings.py",
        '("h", "s"), ("x", "h", "s"))',
        '("h",), ("x", "h"))',
        "channel",
    ),
    # mitigation
    Mutant(
        "quasi-probabilities are of reversed qubits",
        "backends/readout/mitigation.py",
        "calibration.place(wires), distance",
        "calibration.place(wires[::-1]), distance",
        "mitigated",
    ),
    Mutant(
        "quasi-probabilities are printed under other keys",
        "checks/mitigated.py",
        "zip(mitigated.codes, mitigated.quasi.tolist(), strict=True)",
        "zip(mitigated.codes[::-1], mitigated.quasi.tolist(), strict=True)",
        "mitigated",
    ),
    Mutant(
        "errors of 0 and of 1 are exchanged",
        "backends/readout/mitigation.py",
        "np.stack([share(zeros, 1), share(ones, 0)], axis=1)",
        "np.stack([share(ones, 0), share(zeros, 1)], axis=1)",
        "mitigated",
    ),
    # keys
    Mutant(
        "printed texts are reversed",
        "models/texts/asked.py",
        "source.text(text) for text in readable",
        "source.text(text[::-1]) for text in readable",
        "static",
    ),
    Mutant(
        "printed spins are reversed",
        "models/spins/asked.py",
        '" ".join("".join(token) for token in row)',
        '" ".join("".join(token[::-1]) for token in row)',
        "spins static",
    ),
    Mutant(
        "tokens of a lens are printed one off",
        "models/lens/asked.py",
        "source.decoder.tokens[code] for code",
        "source.decoder.tokens[code - 1] for code",
        "lens",
    ),
    # models
    Mutant(
        "digits of a table's contexts are reversed",
        "models/texts/table.py",
        "np.arange(n - 1, -1, -1)",
        "np.arange(n)",
        "table",
    ),
    Mutant(
        "positions are added in reverse",
        "models/texts/attention.py",
        "x + self.positions[: texts.shape[1]]",
        "x + self.positions[: texts.shape[1]][::-1]",
        "static",
    ),
    Mutant(
        "heads are joined in reverse",
        "models/texts/attention.py",
        "joined = np.concatenate(values, axis=-1)",
        "joined = np.concatenate(values[::-1], axis=-1)",
        "static",
    ),
    Mutant(
        "heads attend as the others do",
        "models/texts/attention.py",
        "return np.stack(weights, axis=1)",
        "return np.stack(weights[::-1], axis=1)",
        "static",
    ),
    Mutant(
        "texts go on after the stop token",
        "models/texts/base.py",
        "done: NDArray[np.bool_] = ((texts == self.stop) | (texts == self.vacuum)).any(axis=1)",
        "done: NDArray[np.bool_] = (texts == self.vacuum).any(axis=1)",
        "stop",
    ),
    Mutant(
        "attention of spins divides by M instead of its root",
        "models/spins/network.py",
        "float(self.gamma / np.sqrt(self.M))",
        "float(self.gamma / self.M)",
        "spins static",
    ),
    Mutant(
        "the newest token of spins is attended to twice",
        "models/spins/contexts.py",
        "np.concatenate([newest, self.semantic[rows, :-1]], axis=1)",
        "np.concatenate([newest, newest, self.semantic[rows, :-2]], axis=1)",
        "spins stepwise",
    ),
    Mutant(
        "a lens shows absolute amplitudes",
        "models/lens/states.py",
        "        p = self.psi[point] ** 2\n        return",
        "        p = abs(self.psi[point])\n        return",
        "lens",
    ),
    # compiler and circuits
    Mutant(
        "contexts with other futures are merged",
        "compiler/texts/merge.py",
        "np.round(law.probabilities, DIGITS)",
        "np.round(law.probabilities, 0)",
        "table",
    ),
    Mutant(
        "places that a law depends on are pruned",
        "compiler/texts/specialise.py",
        "SAME = 1e-15",
        "SAME = 1.0",
        "static",
    ),
    Mutant(
        "controls of spins are exchanged",
        "circuits/systems/spin_tokens.py",
        "spins * (step - 1 - back) + i for back in range(read)",
        "spins * (step - 1 - back) + spins - 1 - i for back in range(read)",
        "spins static",
    ),
    Mutant(
        "overlaps have the other sign",
        "models/sphere/overlaps.py",
        'np.einsum("ij,ij->i", first, second), -1.0, 1.0)',
        'np.einsum("ij,ij->i", first, -second), -1.0, 1.0)',
        "overlaps",
    ),
    Mutant(
        "a particle takes its step backwards",
        "models/sphere/schemes.py",
        "normalised(now.x + (model.sign * self.time) * field)",
        "normalised(now.x - (model.sign * self.time) * field)",
        "sphere",
    ),
    Mutant(
        "samples of a seed are those of the next circuit",
        "backends/aer/simulator.py",
        "for number, one in enumerate(result.results):",
        "for number, one in enumerate(result.results[-1:] * len(result.results)):",
        "overlaps",
    ),
)
