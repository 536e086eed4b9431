# SPDX-License-Identifier: Apache-2.0
"""The page of the examples: the folder's own, with its links led from the site."""

from __future__ import annotations

import re
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def page() -> str:
    """Return the page."""
    return re.sub(r"\]\(([^):]+)\)", led, (EXAMPLES / "README.md").read_text(encoding="utf-8"))


def led(match: re.Match[str]) -> str:
    """Return a link from a page of the reference; one to a folder leads to its first script."""
    path = EXAMPLES / match[1]
    file = min(path.glob("*.py")) if path.is_dir() else path
    return f"](../../examples/{file.relative_to(EXAMPLES).as_posix()})"
