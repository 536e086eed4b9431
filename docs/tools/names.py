# SPDX-License-Identifier: Apache-2.0
"""The pages of the public names, made of ``__all__``: a name that is new is on them without anybody's doing."""

from __future__ import annotations

import inspect

import stinespring

INTRODUCTION = """# Python

Generated from docstrings: every public name of `import stinespring as ss`, in the order in which they are used. Names of one
kind of source have pages of their own: {modules}.
"""
ERRORS = "Every error that a user can mend is a `StinespringError`: what was given, what was expected, and what to do.\n"
SECTIONS: dict[str, tuple[str, ...]] = {
    "Sources": ("load", "TextModel", "top_k", "top_p", "temperature", "token_names"),
    "Programs": ("compile", "CompileOptions", "Program", "stages.Cost", "compile_channel"),
    "Running": ("run", "Samples", "read_samples"),
    "Verdicts": ("check", "Verdict", "stages.Distance", "verify_channel"),
    "Runs that outlive the process": ("estimate", "submit", "fetch"),
    "More": (),
    "Errors": ("StinespringError", "errors.InputError", "errors.TooLargeError", "errors.BackendError"),
}
INNER = {  # of modules without __all__, what is used first
    "sphere": (
        "model.SphereModel", "perceptron.Perceptron", "files.read_sphere", "files.random_model", "simulate.simulate",
        "simulate.SphereRun", "clusters.cluster_threshold", "clusters.single_linkage", "clusters.greedy_arcs",
    ),
}  # fmt: skip


def pages() -> dict[str, str]:
    """Return the pages by their addresses: one of all names, and one for each public module."""
    modules = [name for name in stinespring.__all__ if inspect.ismodule(getattr(stinespring, name))]
    placed = {name for names in SECTIONS.values() for name in names}
    rest = tuple(n for n in stinespring.__all__ if n not in placed and n not in modules and not n.startswith("_"))
    lines = [INTRODUCTION.format(modules=", ".join(f"[`stinespring.{name}`]({name}.md)" for name in modules))]
    for title, names in SECTIONS.items():
        shown = [n for n in (*names, *(rest if title == "More" else ())) if "." in n or n in stinespring.__all__]
        if shown:
            lines += [f"## {title}\n", *([ERRORS] if title == "Errors" else [])]
            lines += [f"::: stinespring.{n}\n" for n in shown]
    lines.append("## Version\n\n`stinespring.__version__` is the version as a string.\n")
    return {"reference/python.md": "\n".join(lines)} | {f"reference/{name}.md": module_page(name) for name in modules}


def module_page(name: str) -> str:
    """Return the page of a public module."""
    module = getattr(stinespring, name)
    heading = f"# stinespring.{name}\n\n{inspect.getdoc(module)}\n\n`from stinespring import {name}`.\n"
    return "\n".join([heading, *(f"::: {module.__name__}.{inner}\n" for inner in public(name))])


def public(name: str) -> tuple[str, ...]:
    """Return the names of a public module: its ``__all__``, or those of its own modules that are used first."""
    return tuple(getattr(getattr(stinespring, name), "__all__", INNER.get(name, ())))
