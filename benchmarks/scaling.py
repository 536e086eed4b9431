# SPDX-License-Identifier: Apache-2.0
"""How the compiler's time grows: with the qubits of a token, with the context, with the number of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import ours
from benchmarks.instances import Chain, Instance, block, preparation
from benchmarks.measure import Failure, Figures, measure
from benchmarks.sheet import line

__all__ = ["MANY", "Curve", "grow", "plot"]

MANY = 1000  # rotations from which the goal for the speed counts
WIDTHS, CONTEXTS, STEPS = (4, 6, 8, 10, 12, 14, 16), (2, 4, 6, 8, 10, 12), (2, 4, 8, 16, 32, 64)
QUICK = {"k": (4, 8, 10, 12), "n": (2, 6, 10), "L": (2, 4, 8, 16)}
PEERS = ("Qiskit UCRY", "Qiskit StatePreparation")


@dataclass
class Curve:
    """Figures of several routes along one axis.

    Attributes:
        title: what grows.
        axis: the name of the axis.
        rotations: of each point.
        points: by route and place on the axis.
    """

    title: str
    axis: str
    rotations: dict[int, int] = field(default_factory=dict)
    points: dict[str, dict[int, Figures | Failure]] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the table; ratios are to the first route, compiled only and with its Qiskit circuit built."""
        (first, base), *rest = self.points.items()
        head = [self.axis, "rotations", f"{first}: CX", "s", "s with circuit"]
        head += [word for name, _ in rest for word in (f"{name}: CX", "s", "ratio", "ratio with circuit")]
        lines = [f"### {self.title}", "", line(*head), line(*["---:"] * len(head))]
        for x, mine in base.items():
            cells = [str(x), str(self.rotations.get(x, ""))]
            cells += three(mine)
            for _, other in rest:
                cells += against(other.get(x, Failure("not run")), mine)
            lines.append(line(*cells))
        return "\n".join(lines) + "\n"

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the figures of each route at each point."""
        for route, points in self.points.items():
            for x, found in points.items():
                yield {"curve": self.title, self.axis: x, "rotations": self.rotations[x], "route": route, **asdict(found)}


def three(mine: Figures | Failure) -> list[str]:
    """Return the cells of our route."""
    if isinstance(mine, Failure):
        return [mine.reason, "", ""]
    return [str(mine.cx), f"{mine.seconds:.3g}", "" if mine.circuit_seconds is None else f"{mine.circuit_seconds:.3g}"]


def against(other: Figures | Failure, mine: Figures | Failure) -> list[str]:
    """Return the cells of another route."""
    if isinstance(other, Failure):
        return [other.reason, "", "", ""]
    cells = [str(other.cx), f"{other.seconds:.3g}"]
    if isinstance(mine, Failure):
        return [*cells, "", ""]
    whole = f"{other.seconds / mine.circuit_seconds:.1f}" if mine.circuit_seconds else ""
    return [*cells, f"{other.seconds / mine.seconds:.1f}", whole]


def grow(context: Any, *, quick: bool, limit: float, seed: int) -> list[Curve]:
    """Return the curves over k, n and the number of steps; for one law the peers stand beside ours."""
    return [
        fill(context, Curve(title, axis), {x: make(x) for x in places if not quick or x in QUICK[axis]}, names, limit)
        for title, axis, places, make, names in (
            ("State preparation of k qubits", "k", WIDTHS, lambda k: preparation(k, seed=seed), PEERS),
            ("Full law of a bit after n bits", "n", CONTEXTS, lambda n: block(1, n, dense=True, seed=seed), PEERS[:1]),
            ("L steps of a chain of order 1, d = 4", "L", STEPS, lambda steps: Chain(2, 1, steps, seed), ()),
            ("L steps of a chain of order 2, d = 4", "L", STEPS, lambda steps: Chain(2, 2, steps, seed), ()),
        )
    ]


def fill(context: Any, curve: Curve, laws: Mapping[int, Instance | Chain], names: Sequence[str], limit: float) -> Curve:
    """Return the curve with our two closed forms and the peers; a route that fails is not asked for more."""
    for x, law in laws.items():
        curve.rotations[x] = law.rotations
        asked: tuple[ours.Ours | str, ...] = (*ours.routes(0.0)[:2], *names)
        for route in asked:
            name = route if isinstance(route, str) else route.name
            failed = any(isinstance(f, Failure) for f in curve.points.get(name, {}).values())
            figures = Failure("not run") if failed else measure(context, route, law, limit=limit, simulated=0)
            curve.points.setdefault(name, {})[x] = figures
    return curve


def plot(curves: list[Curve], path: Path) -> None:
    """Draw the times of all curves side by side, both axes of time logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(curves), figsize=(4.2 * len(curves), 3.6), layout="constrained", squeeze=False)
    for panel, curve in zip(panels[0], curves, strict=True):
        for name, points in curve.points.items():
            found = [(x, f.seconds) for x, f in points.items() if isinstance(f, Figures)]
            if found:
                panel.plot(*zip(*found, strict=True), marker="o", markersize=3.5, label=name)
        panel.set(yscale="log", xlabel=curve.axis, ylabel="seconds", title=curve.title)
        panel.title.set_fontsize(9)
        if curve.axis == "L":
            panel.set_xscale("log", base=2)
        panel.legend(fontsize=7, frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    plt.close(figure)
