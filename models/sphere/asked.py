# SPDX-License-Identifier: Apache-2.0
"""Which particles' layers or which overlaps are measured, and the law of what is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

from stinespring.errors import InputError
from stinespring.models.counts import counts_of_each, values_read, values_spelt
from stinespring.models.sphere.files import made
from stinespring.models.sphere.layer_law import ANCILLA, SphereLaw, X, circuit_law, flags_of, overlap_law, steps_of
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.overlaps import overlaps_of, pairs_of
from stinespring.readings import Outcomes
from stinespring.showing import Brief
from stinespring.stages import Schedule

__all__ = ["CircuitAsked", "SphereAsked", "SphereRead", "made"]

SphereRead = Literal["both", "nothing", "amplitudes", "fidelity", "hadamard", "swap"]
READS, SCHEDULES = get_args(SphereRead), get_args(Schedule)


class CircuitAsked(NamedTuple):
    """One circuit of a request.

    Attributes:
        particle: which one.
        before: layers that the host took before it.
        layers: layers that the circuit takes.
        read: ``nothing``, ``amplitudes`` or ``fidelity``.
    """

    particle: int
    before: int
    layers: int
    read: SphereRead


@dataclass(frozen=True, repr=False)
class SphereAsked(Brief):
    """Particles' ways through one or several layers, or all overlaps of a model.

    Attributes:
        particles: which ones, 0 is the first; of overlaps none.
        layers: how many.
        schedule: ``static`` and ``dynamic`` take all layers in one circuit; ``stepwise`` has circuits for each layer.
        rounds: of amplitude amplification; ``auto``: as many as bring the success of each circuit closest to 1.
        read: ``both`` has two circuits a particle: its amplitudes, and its fidelity with the analytic state; ``hadamard`` and
            ``swap`` have one circuit a pair of :func:`stinespring.models.sphere.overlaps.pairs_of`.
    """

    kind: ClassVar[str] = "sphere"
    particles: tuple[int, ...]
    layers: int = 1
    schedule: Schedule = "static"
    rounds: int | Literal["auto"] = 0
    read: SphereRead = "both"

    def __post_init__(self) -> None:
        """Take lists, which JSON has for tuples."""
        object.__setattr__(self, "particles", tuple(self.particles))

    @property
    def overlaps(self) -> bool:
        """Whether overlaps are asked for rather than layers."""
        return self.read in ("hadamard", "swap")

    @property
    def circuits(self) -> tuple[CircuitAsked, ...]:
        """The circuits of the layers, in the order of the outcomes."""
        reads: tuple[SphereRead, ...] = ("amplitudes", "fidelity") if self.read == "both" else (self.read,)
        if self.schedule == "stepwise":
            return tuple(CircuitAsked(i, t, 1, read) for t in range(self.layers) for i in self.particles for read in reads)
        return tuple(CircuitAsked(i, 0, self.layers, read) for i in self.particles for read in reads)

    def law(self, source: SphereModel) -> SphereLaw:
        """Return the law of every circuit, from the dynamics alone.

        Raises:
            InputError: no such particle, unknown words, or a sum without direction.
        """
        if self.read not in READS or self.schedule not in SCHEDULES:
            got, known = (self.read, READS) if self.read not in READS else (self.schedule, SCHEDULES)
            raise InputError("this cannot be asked of particles", got=got, expected=", ".join(known))
        if self.overlaps:
            return overlap_law(overlaps_of(source), self.read)
        wrong = next((i for i in self.particles if isinstance(i, bool) or not 0 <= i < source.n), None)
        if wrong is not None:
            raise InputError("there is no such particle", got=wrong, expected=f"a number from 0 to {source.n - 1}")
        steps = steps_of(source, self.particles, self.layers)
        amplify = 0 if self.schedule == "dynamic" and self.rounds == "auto" else self.rounds
        return SphereLaw(
            tuple(
                circuit_law([steps[t][c.particle] for t in range(c.before, c.before + c.layers)], amplify, c.read)
                for c in self.circuits
            )
        )

    def spell(self, source: SphereModel, outcomes: Outcomes) -> list[str]:
        """Return each reading as its registers' values: ``flag=0 x1=3``, ``a=0``."""
        return values_spelt(outcomes)

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return {
            "particles": list(self.particles), "layers": self.layers, "schedule": self.schedule, "rounds": self.rounds,
            "read": self.read,
        }  # fmt: skip

    def read_counts(self, source: SphereModel, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content, one object a circuit with keys such as ``flag=0 x1=3`` or ``a=0``.

        Raises:
            InputError: unusable counts, or keys that name other registers.
        """
        if self.overlaps:
            pairs = counts_of_each(data, len(pairs_of(source)[0]), "pair")
            return tuple(values_read(counts, {ANCILLA: 2}) for counts in pairs)
        found = counts_of_each(data, len(self.circuits), "circuit")
        size = max(2, 1 << (source.d - 1).bit_length())
        return tuple(
            values_read(counts, dict.fromkeys(flags_of(circuit.layers), 0) | ({} if circuit.read == "nothing" else {X: size}))
            for counts, circuit in zip(found, self.circuits, strict=True)
        )
