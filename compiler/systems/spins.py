# SPDX-License-Identifier: Apache-2.0
"""Networks of spins to programs: one qubit a spin; the host, classical bits or qubits carry the context."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import cast, get_args

import numpy as np

from stinespring.batches import Body, OneCircuit
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, If
from stinespring.circuits.systems.spin_tokens import controlled_tokens, steered_tokens, token_angles, token_template
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.systems.spin_template import SpinTemplate
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.contexts import Contexts, names_of, pieces, spins_of
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray, Register
from stinespring.stages import Cost, Program, Schedule

__all__ = ["compile_spins"]

MOST_CONTEXTS = 1 << 14  # of one step that are written out
MOST_ROTATIONS = 1 << 18
MOST_QUBITS = 1 << 20
MOST_BITS = 32  # of a register that hardware compares with a constant


def compile_spins(network: SpinNetwork, asked: SpinAsked, *, schedule: str = "stepwise") -> Program:
    """Compile the next tokens of a network.

    Args:
        network: with a window of tokens; every spin becomes a qubit.
        asked: the number of tokens T.
        schedule: ``stepwise`` (the host computes the fields from measured spins; any N), ``dynamic`` (classical conditions on
            one token's qubits) or ``static`` (quantum controls).

    Returns:
        The program, of the network with one column a spin; registers ``t1..tT``, in circuits that are run in pieces of 60
        bits.

    Raises:
        InputError: unusable numbers, or a context of attention vectors.
        TooLargeError: too many contexts for conditions or controls.

    Example:
        >>> from stinespring.models.spins import draw_network
        >>> network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=2, beta=1, seed=1)
        >>> compile_spins(network, SpinAsked(3), schedule="dynamic").cost.qubits
        2
    """
    steps, begun = require_count(asked.steps, "steps"), time.perf_counter()
    if schedule not in get_args(Schedule):
        raise InputError("unknown schedule", got=schedule, expected="static, dynamic or stepwise")
    network = one_column_a_spin(network)
    network.require_window("a circuit")
    spent, registers = 0.0, tuple(r for step in range(1, steps + 1) for r in token_registers(step, network.N, schedule))
    body: Body
    if schedule == "stepwise":
        body, cost = SpinTemplate(network, steps), flow_cost(token_template(network.N))
    else:
        require_few_contexts(network, steps, schedule)
        angles = [context_angles(network, step) for step in range(1, steps + 1)]
        if schedule == "static":
            flow, spent = controlled_tokens(angles)
        else:
            flow = steered_tokens(angles, network.L)
        body, cost = OneCircuit(flow, registers), steered_cost(flow) if schedule == "dynamic" else flow_cost(flow)
    content = json.dumps([network.content(), steps, schedule, 1], sort_keys=True)
    return Program(
        source=network, asked=asked, schedule=cast("Schedule", schedule), body=body, registers=registers, promise="free",
        tvd_bound=spent, claim=None, cost=cost, seconds=time.perf_counter() - begun,
        hash=hashlib.sha256(content.encode()).hexdigest(), exporter=EXPORTER,
        details={"extension": "dephased", "spins": network.N, "steps": steps},
    )  # fmt: skip


def token_registers(step: int, spins: int, schedule: str) -> list[Register]:
    """Return the registers of one token; of a template that is run those of its pieces."""
    sizes = pieces(spins) if schedule == "stepwise" else [spins]
    names = names_of(step, spins) if schedule == "stepwise" else [f"t{step}"]
    return [Register(name, "token", bits=size, step=step) for name, size in zip(names, sizes, strict=True)]


def steered_cost(flow: Flow) -> Cost:
    """Return the cost of tokens under conditions: no two-qubit gate, and of each token's conditions at most one holds.

    The depth is that of a history in which every token turns the deepest qubit.
    """
    layers, turned = np.zeros(flow.qubits, dtype=np.int64), np.zeros(flow.qubits, dtype=np.bool_)
    for item in flow.instructions:
        if isinstance(item, If):
            turned[[gate.qubits[0] for gate in item.gates]] = True
        else:
            layers += turned
            turned[:] = False
            layers[list(item.qubits)] += 1
    return Cost(flow.qubits, flow.clbits, 0, 0, int(layers.max()), flow.mid_circuit_measurements, flow.conditions)


def one_column_a_spin(network: SpinNetwork) -> SpinNetwork:
    """Return the same network with every spin's column written out: column i becomes spins i r .. (i+1) r - 1."""
    if network.repeat == 1:
        return network
    if network.spins > MOST_QUBITS:
        raise TooLargeError("too many spins for a circuit", got=f"{network.spins:,}", expected=f"at most {MOST_QUBITS:,}")
    window = None if network.window is None else np.repeat(network.window, network.repeat, axis=1)
    return replace(network, features=np.repeat(network.features, network.repeat, axis=2), repeat=1, window=window)


def require_few_contexts(network: SpinNetwork, steps: int, schedule: str) -> None:
    """Refuse programs whose contexts cannot be written out."""
    N, read = network.N, min(network.L, steps - 1)
    contexts = sum(1 << (N * min(network.L, step)) for step in range(steps)) if N * read < 64 else 1 << 64
    bits, rotations = N * read, N * contexts
    if bits > MOST_CONTEXTS.bit_length() - 1 or bits > MOST_BITS or rotations > MOST_ROTATIONS:
        fits = max((k for k in range(1, 15) if k * read <= MOST_CONTEXTS.bit_length() - 1), default=0)
        raise TooLargeError(
            f"too many contexts for the schedule {schedule}",
            got=f"2^{bits} contexts of {read} token(s) of {N} spins, {steps} steps",
            expected=f"at most 2^{MOST_CONTEXTS.bit_length() - 1} contexts and {MOST_ROTATIONS:,} rotations in all"
            + (f", say {fits} spin(s) a token" if fits else ""),
            todo="use --schedule stepwise, or fewer steps",
        )


def context_angles(network: SpinNetwork, step: int) -> FloatArray:
    """Return the angles of step l for every value of the generated tokens in its context.

    Returns:
        Shape (2^(k N), N), k = min(l - 1, L); the newest token's bits are the least significant, bit 1 is the spin -1.
    """
    read = min(step - 1, network.L)
    codes = np.arange(1 << (network.N * read))
    given = network.start()[: network.L - read]
    tokens = network.semantic(spins_of(np.arange(1 << network.N), network.N)) if read else given[:0]
    parts = [tokens[codes >> (network.N * back) & ((1 << network.N) - 1)] for back in range(read)]
    parts += [np.broadcast_to(overlap, (len(codes), *overlap.shape)) for overlap in given]
    return token_angles(Contexts(network, np.stack(parts, axis=1), network.time + step - 1).fields)
