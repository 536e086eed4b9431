# SPDX-License-Identifier: Apache-2.0
"""How objects show themselves: at a prompt in four lines at most, in a notebook as a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, Literal, NamedTuple

from stinespring.errors import InputError, shorten

__all__ = ["Brief", "BriefDistance", "BriefProgram", "BriefSamples", "BriefVerdict", "FourLines", "many", "told"]

Drawing = Literal["text", "mpl", "latex", "latex_source"]

LINES = 4
WIDEST = 110  # characters of a line
SHOWN = 3  # readings that samples show of themselves
FIELDS = 9  # that are named where an object says nothing better of itself


class FourLines(NamedTuple):
    """What an object says of itself.

    Attributes:
        title: one line: what it is.
        lines: at most three more, each ``name: what it is``.
    """

    title: str
    lines: Sequence[str] = ()


class Brief:
    """Something that says in four lines what it is; nothing is computed for it. In a notebook it is a card.

    Example:
        >>> class Coin(Brief):
        ...     def brief(self) -> FourLines:
        ...         return FourLines("Coin", ["p: 0.5"])
        >>> Coin()
        Coin
          p: 0.5
    """

    def brief(self) -> FourLines:
        """Return what it is, from what is there already: by default its class and fields, arrays by their shape."""
        names = [entry.name for entry in fields(self) if entry.repr] if is_dataclass(self) else list(vars(self))
        words = [f"{name}: {told(getattr(self, name))}" for name in names if not name.startswith("_")][:FIELDS]
        width = -(-len(words) // (LINES - 1)) or 1
        return FourLines(type(self).__name__, ["; ".join(words[i : i + width]) for i in range(0, len(words), width)])

    def __repr__(self) -> str:
        title, lines = self.brief()
        text = [title, *lines[: LINES - 1]]
        return "\n".join("  " * (i > 0) + shorten(" ".join(line.split()), WIDEST) for i, line in enumerate(text))

    def _repr_html_(self) -> str:
        """Return the card that a notebook shows."""
        made: str = import_module("stinespring.report.cards").card(self)  # what is above everything: imported when it is shown
        return made


def told(value: Any) -> str:
    """Return a value in a few characters: of an array its kind and shape."""
    if getattr(value, "shape", ()) != () and hasattr(value, "dtype"):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, Brief):
        return value.brief().title
    if isinstance(value, list | tuple) and (len(value) > 4 or any(map(large, value))):
        return f"{len(value)} of {type(value[0]).__name__}"
    return shorten(value, 40) if not isinstance(value, str) else shorten(repr(value), 40)


def large(value: Any) -> bool:
    """Return whether a value says more of itself than fits between others."""
    return hasattr(value, "shape") or isinstance(value, Brief)


def many(number: int, what: str) -> str:
    """Return a number of things.

    Example:
        >>> many(1, "qubit"), many(20_000, "shot")
        ('1 qubit', '20,000 shots')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def asked_words(source: Any, asked: Any) -> str:
    """Return what is asked of a source in a few words: of texts the number of tokens and the prompt, of others the fields."""
    if asked is None:
        return "the operation itself"
    fields = asked.plain()
    if asked.kind == "texts":
        prompt = "an input state" if asked.input_state is not None else repr(source.text(asked.prompt))
        return f"{many(asked.steps, 'token')} after {prompt}"
    words = (f"{name} {told(value)}" for name, value in fields.items() if value not in (None, False, [], ()))
    return f"{asked.kind}, {', '.join(words)}".rstrip(", ")


class BriefProgram(Brief):
    """What a program can be asked beside its circuit: words, a drawing, samples of counts."""

    def brief(self: Any) -> FourLines:
        """Return what was compiled, the circuit, the law and the hash."""
        cost, where = self.cost, "all-to-all" if self.device is None else f"on {self.device}"
        gates = f"{many(cost.two_qubit_gates, 'two-qubit gate')} (depth {cost.two_qubit_depth:,}), {where}"
        return FourLines(
            f"Program of {self.source.name!r}: {asked_words(self.source, self.asked)}",
            [
                f"circuit: {self.schedule}, {many(cost.qubits, 'qubit')}, {gates}",
                f"law: {self.promise}, TVD bound {self.tvd_bound:.3g}",
                f"hash: {self.hash[:12]}, compiled in {self.seconds:.2f} s",
            ],
        )

    def draw(self: Any, output: Drawing | None = None, **options: Any) -> Any:
        """Return Qiskit's drawing of the circuit, as ``QuantumCircuit.draw`` does: text by default, with ``mpl`` a figure.

        Raises:
            InputError: an output that Qiskit does not know, or one whose package is not installed.
        """
        from qiskit.exceptions import MissingOptionalLibraryError
        from qiskit.visualization.exceptions import VisualizationError

        try:
            return self.circuit.draw(output, **options)
        except MissingOptionalLibraryError as error:
            raise InputError(f"drawing with {output!r} needs a package that is not installed", got=str(error).split(".")[0],
                             expected="the extra [plot]", todo="pip install 'stinespring[plot]'") from None  # fmt: skip
        except VisualizationError as error:
            raise InputError("Qiskit cannot draw that", got=output, expected="text, mpl, latex or latex_source") from error

    def samples(self: Any, counts: Any, *, noisy: bool = False) -> Any:
        """Return counts of the program's bits, sampled by anybody, as :class:`stinespring.Samples`.

        Args:
            counts: a mapping from bit strings, hexadecimal or whole numbers to how often they were read, an object of Qiskit's
                with them, or a file's path; for several circuits a list.
            noisy: whether readings may be wrong where they were sampled.

        Raises:
            InputError: a program with the host in the loop, or counts of other bits.
        """
        return import_module("stinespring.pipeline.python.counted").samples_from(self, counts, noisy=noisy)


class BriefSamples(Brief):
    """What samples say of themselves."""

    def brief(self: Any) -> FourLines:
        """Return what was sampled, where, and what was read most often."""
        where = f"on {self.backend}" + ("" if self.seed is None else f", seed {self.seed}") + (", noisy" * self.noisy)
        first = self.outcomes[0]
        top = first.likeliest(SHOWN)
        words = self.asked.spell(self.source, top) if self.asked is not None else []
        read = ", ".join(f"{word!r} {number:,}" for word, number in zip(words, top.counts.tolist(), strict=False))
        parts = f"{len(self.outcomes):,} circuits, of the first: " if len(self.outcomes) > 1 else ""
        return FourLines(
            f"Samples of {self.source.name!r}: {asked_words(self.source, self.asked)}",
            [
                f"shots: {self.shots:,} {where}",
                f"read: {parts}{len(first.counts):,} different, {read}",
                f"time: {self.seconds:.2f} s",
            ],
        )


class BriefDistance(Brief):
    """What a distance says of itself."""

    def brief(self: Any) -> FourLines:
        """Return the distance, its interval and the noise of the shots."""
        return FourLines(
            f"Distance: TVD {self.tvd:.4f} between frequencies and law",
            [
                f"true TVD: {self.low:.4f} to {self.high:.4f} (95 %)",
                f"shot noise alone: {self.noise_floor:.4f}",
                f"Hellinger fidelity: {self.hellinger_fidelity:.5f}; leakage: {many(self.lost, 'shot')}",
            ],
        )


class BriefVerdict(Brief):
    """What a verdict says of itself."""

    def __bool__(self: Any) -> bool:
        """Return whether it is PASS, so that ``assert stinespring.check(samples)`` means what it says."""
        return bool(self.passed)

    def brief(self: Any) -> FourLines:
        """Return the ruling, why, and how sure it is."""
        told = "" if self.distance is None else f"TVD {self.tvd:.4f} [{self.distance.low:.4f}, {self.distance.high:.4f}]; "
        needed = "" if self.shots_needed is None else f"; about {self.shots_needed:,} shots would do"
        return FourLines(
            f"Verdict: {self.verdict}",
            [
                f"reason: {self.reason}",
                f"p = {self.p_value:.3g} at false-alarm rate {self.alpha:g}; {many(self.shots, 'shot')}",
                f"{told}detects a TVD of {self.resolution:.3g} with power 0.9{needed}",
            ],
        )
