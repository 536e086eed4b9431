# SPDX-License-Identifier: Apache-2.0
"""The Markdown twin of every page, and the list of them."""

from __future__ import annotations

import importlib
import inspect
import posixpath
import re
from pathlib import Path

KEPT: dict[str, str] = {}  # a page's source path -> its Markdown
ORDER: list[str] = []
DIRECTIVE = re.compile(r"^::: ([\w.]+)\n((?: {4}.*\n|\n(?= {4}))*)", re.MULTILINE)


def keep(uri: str, text: str) -> None:
    """Keep a page's Markdown."""
    KEPT[uri] = text


def order(uris: list[str]) -> None:
    """Keep the order of the pages."""
    ORDER[:] = uris


def address(uri: str) -> str:
    """Return where the twin of a page is.

    Example:
        >>> address("codes.md"), address("decisions/README.md")
        ('codes.md', 'decisions/index.md')
    """
    folder, name = posixpath.split(uri)
    return posixpath.join(folder, "index.md") if name in ("README.md", "index.md") else uri


def spelled_out(text: str) -> str:
    """Return the Markdown with every ``::: name`` replaced by signature and docstring."""
    return DIRECTIVE.sub(lambda match: described(match[1]), text + "\n").rstrip() + "\n"


def described(name: str) -> str:
    """Return heading, signature and docstring of a public name and, of a class, of its public members."""
    found = named(name)
    short = name.rpartition(".")[2]
    if inspect.ismodule(found):
        names = getattr(found, "__all__", None) or [n for n, v in vars(found).items() if here(v, found) and n[0] != "_"]
        return f"{written(found)}\n\n" + "\n".join(one(getattr(found, n), n) for n in names)
    return one(found, short)


def here(value: object, module: object) -> bool:
    """Return whether a class or function was defined in a module."""
    return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == getattr(module, "__name__", None)


def named(name: str) -> object:
    """Return the object of a dotted name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


def one(found: object, name: str) -> str:
    """Return what is known of a class or function; of a class also its public methods."""
    lines = [f"### {name}", "", f"```text\n{name}{signature(found)}\n```", "", f"```text\n{written(found)}\n```", ""]
    if inspect.isclass(found):
        for inner, value in vars(found).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not inner.startswith("_") and inspect.isfunction(function) and function.__doc__:
                lines += [f"#### {name}.{inner}", "", f"```text\n{inner}{signature(function)}\n\n{written(function)}\n```", ""]
    return "\n".join(lines) + "\n"


def signature(found: object) -> str:
    """Return how something is called, if it can be."""
    try:
        return str(inspect.signature(found))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""


def written(found: object) -> str:
    """Return a docstring."""
    return (inspect.getdoc(found) or "").strip()


def title(text: str, uri: str) -> str:
    """Return a page's first heading."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1] if found else uri


def write(site: Path, name: str, description: str) -> None:
    """Write every twin, and ``llms.txt``."""
    lines = [f"# {name}", "", f"> {description}", "", "Every page as Markdown:", ""]
    for uri in ORDER:
        text = spelled_out(KEPT[uri])
        for path in {uri, address(uri)}:
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text, encoding="utf-8")
        lines.append(f"- [{title(text, uri)}]({address(uri)})")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
