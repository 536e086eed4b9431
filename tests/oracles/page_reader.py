# SPDX-License-Identifier: Apache-2.0
"""Reads a report strictly: well-formed, loading nothing, every figure with words for who cannot see it."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "img", "br", "link", "input", "hr", "base", "col", "embed", "source", "track", "wbr", "area"}
LOADING = {
    "src", "href", "data", "action", "poster", "srcset", "background", "formaction", "ping", "manifest", "xlink:href", "srcdoc",
}  # fmt: skip
PICTURE = re.compile(r"<svg viewBox[^>]*role=\"img\">\s*<title>(.*?)</title>\s*<desc>(.*?)</desc>(.*?)</svg>", flags=re.DOTALL)
WORDS = re.compile(r"<text[^>]*>(?:<title>(.*?)</title>)?(.*?)</text>")


class Drawn(NamedTuple):
    """A picture: its title, what it shows, its words (whole where they were cut) and its elements."""

    title: str
    desc: str
    words: list[str]
    body: str


class PageReader(HTMLParser):
    """Reads a page strictly: every tag that opens is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.pictures = [
            Drawn(unescape(title), unescape(desc), [unescape(whole or words) for whole, words in WORDS.findall(body)], body)
            for title, desc, body in PICTURE.findall(text)
        ]
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]) and "svg" not in self.open:
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def badges(self):
        return [a["class"].split()[-1] for a in self.all("span") if a.get("class", "").startswith("badge")]


def read_page(path, *, figures: int | None):
    """Read a page and test what holds of every report."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    for address in re.findall(r"https?://[^\s\"'<]*|@import|url\(", text):
        assert address == "http://www.w3.org/2000/svg"  # the name of SVG in a script, which is no address
    page = PageReader(text)
    assert not page.all("link") and not page.all("img") and not page.all("iframe")
    require_policy(text, page)
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert not LOADING & set(attributes), tag
    drawn = [one for one in page.all("svg") if "id" not in one]
    if figures is not None:
        assert len(page.all("figure")) == figures
    assert all(one.get("role") == "img" and "viewbox" in one for one in drawn)
    for picture in page.pictures:
        assert len(picture.desc) > 20 and picture.title
    assert len(page.all("figcaption")) == len(page.all("figure"))
    boxes = [one for tag, one in page.tags if one.get("class") == "scroll"]
    assert all(one["tabindex"] == "0" and one["role"] == "region" and one["aria-label"] for one in boxes)
    assert len(page.all("table")) <= len(boxes)
    assert [p for p in path.parent.iterdir() if p.name.startswith(".")] == []
    for word in ("How to reproduce", "Provenance", "stinespring", "Python"):
        assert word in page.words
    return page


def require_policy(text, page):
    """Test that the page's policy allows its own scripts and nothing else."""
    [policy] = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["style-src"] == "'unsafe-inline'"
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts}
    assert set(rules["script-src"].split()) == hashes and len(scripts) in (1, 2)
    assert {one.get("type") for one in page.all("script")} <= {None, "application/json"}
