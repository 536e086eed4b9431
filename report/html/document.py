# SPDX-License-Identifier: Apache-2.0
"""An HTML file that needs nothing but itself: nothing is loaded, and only the scripts written here run."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape

from stinespring.report.html.style import STYLE

__all__ = ["READING", "document"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src "
# Copies a text, and says where a box scrolls; without it the shadows of the boxes still show that, and a text can be marked.
READING = """
"use strict";
for (const button of document.querySelectorAll("button.copy")) {
  const said = button.textContent, code = button.parentElement.querySelector("code");
  const select = () => { const range = document.createRange(); range.selectNodeContents(code);
    const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range); return document.execCommand("copy"); };
  button.addEventListener("click", async () => {
    let done = false;
    try { await navigator.clipboard.writeText(code.textContent); done = true; } catch { done = select(); }
    button.textContent = done ? "copied" : "marked: copy it with the keyboard";
    setTimeout(() => { button.textContent = said; }, 2000);
  });
}
const mark = () => { for (const box of document.querySelectorAll(".scroll"))
  box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1); };
addEventListener("resize", mark);
document.addEventListener("toggle", mark, true);
mark();
"""


def document(title: str, body: str, scripts: Sequence[str] = (READING,)) -> str:
    """Return a whole HTML file.

    Args:
        title: plain words.
        body: HTML.
        scripts: that may run, and no others: the file's own policy names them by their hashes.
    """
    allowed = " ".join(f"'sha256-{digest(script)}'" for script in scripts) or "'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}{allowed}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


def digest(script: str) -> str:
    """Return the SHA-256 of a script as a policy names it."""
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()
