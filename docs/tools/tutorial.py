# SPDX-License-Identifier: Apache-2.0
"""Run the tutorials, py:percent scripts, and write each as a page with what it printed and drew.

    python docs/tools/tutorial.py            all of docs/tutorials/*.py
    python docs/tools/tutorial.py texts      one

A cell begins with ``# %%``. ``# %% [markdown]`` is prose, in comments; any other cell is code, run in one name space for the
whole script from the root of the repository. What it prints, and the value of a last expression, stand below it. What follows
``# %%`` on the line of a code cell is the caption of the figure it draws (Matplotlib, saved as SVG); ``[sampled]`` marks a cell
whose numbers depend on random numbers of a simulator, which another release of it may draw otherwise.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "docs" / "tutorials"
SAMPLED = "[sampled]"
WIDE = 96
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stinespring",
    "savefig.dpi": 150,
    "figure.figsize": (5.0, 3.2),
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


@dataclass
class Cell:
    """One cell: its title, its text, and, once it was run, what it printed and the figures it drew."""

    title: str
    text: str
    prose: bool
    said: str = ""
    figures: list[str] = field(default_factory=list)

    @property
    def sampled(self) -> bool:
        """Whether its figures depend on a simulator's random numbers."""
        return SAMPLED in self.title

    @property
    def caption(self) -> str:
        """What its figure shows."""
        return self.title.replace(SAMPLED, "").strip()


def cells(script: str) -> list[Cell]:
    """Return the cells of a script; what stands before the first is dropped (the licence)."""
    found = []
    for part in re.split(r"^# %%", script, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        prose = title.strip().startswith("[markdown]")
        text = re.sub(r"^# ?", "", body, flags=re.MULTILINE) if prose else body
        found.append(Cell(title.strip(), text.strip("\n"), prose))
    return found


@contextlib.contextmanager
def at_root() -> Iterator[None]:
    """Work in the root of the repository, with figures that are the same every time."""
    import matplotlib

    before, backend = Path.cwd(), matplotlib.get_backend()
    matplotlib.use("Agg")
    os.chdir(ROOT)
    try:
        with matplotlib.rc_context(STYLE):
            yield
    finally:
        os.chdir(before)
        matplotlib.use(backend)


def run(name: str, figures: Path) -> list[Cell]:
    """Run a tutorial; its figures go to a folder."""
    found = cells((SOURCES / f"{name}.py").read_text(encoding="utf-8"))
    space: dict[str, Any] = {"__name__": "__main__"}
    figures.mkdir(parents=True, exist_ok=True)
    with at_root():
        for number, cell in enumerate(found):
            if not cell.prose:
                cell.said = executed(cell.text, space, f"{name}.py, cell {number}")
                cell.figures = drawn(name, figures, sum(len(c.figures) for c in found))
    return found


def executed(code: str, space: dict[str, Any], where: str) -> str:
    """Run a cell and return what it printed, with the value of its last expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), space)  # noqa: S102
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), where, "eval"), space)  # noqa: S307
            if value is not None and not type(value).__module__.startswith("matplotlib"):
                print(value if isinstance(value, str) else repr(value))
    return "\n".join(wrapped(line) for line in printed.getvalue().rstrip().splitlines())


def wrapped(line: str) -> str:
    """Return a line of words, broken where it is too long to be read; drawings stay as they are."""
    drawing = len(line) <= WIDE or any(mark in line for mark in "─│═║")
    return line if drawing else textwrap.fill(line, WIDE, subsequent_indent="  ", break_long_words=False)


def drawn(name: str, folder: Path, before: int) -> list[str]:
    """Save and close the open figures; return the names of their files."""
    import matplotlib.pyplot as plt

    files = []
    for count, number in enumerate(plt.get_fignums(), before + 1):
        file = f"{name}-{count}.svg"
        text = io.StringIO()
        plt.figure(number).savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        (folder / file).write_text(re.sub(r"[ \t]+$", "", text.getvalue(), flags=re.MULTILINE), encoding="utf-8")
        files.append(file)
    plt.close("all")
    return files


def page(name: str, found: list[Cell]) -> str:
    """Return the page of a tutorial that was run."""
    parts = [f"<!-- Made of {name}.py by docs/tools/tutorial.py: change that file, not this one. -->"]
    for cell in found:
        if cell.prose:
            parts.append(cell.text)
            continue
        parts.append(f"```python\n{cell.text}\n```")
        if cell.said:
            parts.append(f'<div class="said" markdown>\n\n```text\n{cell.said}\n```\n\n</div>')
        parts += [f"![{cell.caption}](figures/{file})\n\n*{cell.caption}*" for file in cell.figures]
    parts.append(
        f"---\n\nThis page is the script [{name}.py]({name}.py), run from top to bottom; it can be opened as a notebook "
        "in any editor that knows `# %%`."
    )
    return "\n\n".join(parts) + "\n"


def names() -> list[str]:
    """Return the tutorials."""
    return sorted(path.stem for path in SOURCES.glob("*.py"))


def main(wanted: list[str]) -> None:
    """Run the tutorials and write their pages."""
    for name in wanted or names():
        found = run(name, SOURCES / "figures")
        (SOURCES / f"{name}.md").write_text(page(name, found), encoding="utf-8")
        print(f"docs/tutorials/{name}.md")


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    main(sys.argv[1:])
