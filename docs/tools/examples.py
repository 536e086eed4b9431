# SPDX-License-Identifier: Apache-2.0
"""The page of the examples, made of what the scripts and files say of themselves."""

from __future__ import annotations

import ast
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INTRODUCTION = """# Examples

Scripts and files of the folder `examples`, in the words of their own first lines. Every script runs in seconds; the tests run
it.
"""


def page() -> str:
    """Return the page."""
    lines = [INTRODUCTION, "## Scripts", ""]
    for path in sorted((ROOT / "examples").rglob("*.py")):
        words = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        if words and path.name != "__init__.py":
            lines.append(f"- {link(path)}: {plain(words)}")
    lines += ["", "## Models and data", ""]
    for path in sorted((ROOT / "examples").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        words = content.get("description") or ""
        lines.append(f"- {link(path)}: `{content.get('format', 'JSON')}` {plain(words)}")
    return "\n".join(lines) + "\n"


def link(path: Path) -> str:
    """Return a link to a file of the repository, from a page of the reference."""
    name = path.relative_to(ROOT / "examples").as_posix()
    return f"[{name}](../../examples/{name})"


def plain(text: str) -> str:
    """Return a sentence as Markdown that reads the same."""
    return text.replace("*", "\\*").replace("<", "&lt;")
