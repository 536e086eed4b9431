# SPDX-License-Identifier: Apache-2.0
"""Reads a report strictly: well-formed, loading nothing, every figure with words for who cannot see it."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr", "base", "col", "embed", "source", "track", "wbr", "area"}
LOADING = ("src", "href", "data", "action", "poster", "srcset", "background", "formaction", "ping", "manifest")


class PageReader(HTMLParser):
    """Reads a page strictly: every tag that opens is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
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
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def badges(self):
        return [a["class"].split()[-1] for a in self.all("span") if a.get("class", "").startswith("badge")]


def read_page(path, *, figures: int):
    """Read a page and test what holds of every report."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?://|@import|url\(", re.sub(r"base64,[^\"]*", "", text))
    page = PageReader(text)
    assert not page.all("script") and not page.all("link")
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in LOADING:
            assert attributes.get(name, "data:image/").startswith("data:image/")
    assert len(page.all("img")) == figures
    for image in page.all("img"):
        assert len(image["alt"]) > 20
        kind, data = re.fullmatch(r"data:image/(svg\+xml|png);base64,(.*)", image["src"]).groups()
        assert base64.b64decode(data, validate=True).startswith(b"<?xml" if kind == "svg+xml" else b"\x89PNG")
    assert len(page.all("figcaption")) >= figures
    assert [p for p in path.parent.iterdir() if p.name.startswith(".")] == []
    for word in ("How to reproduce", "Provenance", "stinespring", "Python"):
        assert word in page.words
    return page
