# SPDX-License-Identifier: Apache-2.0
"""The documentation site is built as `make docs` builds it, and read as a browser reads it: one build, many questions."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import stinespring
from oracles.browser import Browser, installed
from stinespring.cli.words.verbs import VERBS

pytest.importorskip("mkdocs", reason="the site is built with the extra `docs`")
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LOOKED_AT = ("", "tutorials/spins", "reference/python", "reference/measured", "codes")  # of each kind one, in a browser
LEGIBLE = (Path(__file__).parent / "legible.js").read_text(encoding="utf-8")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}  # what a browser fetches by itself
PAGES_OF_OTHERS = ("CONTRIBUTING.md", "CHANGELOG.md")  # what they link to is tested where they stand


class Read(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADED and LOADED[tag] in found:
            self.loads.append(found[LOADED[tag]])
        if tag == "link" and set(found.get("rel", "").split()) & {"stylesheet", "icon", "preload", "preconnect"}:
            self.loads.append(found["href"])


def lost(site: Path, pages: dict[Path, Read]) -> Iterator[str]:
    """Yield every link and every loaded file that leads nowhere."""
    for page, read in pages.items():
        for target in [*read.links, *read.loads]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = site / parts.path.lstrip("/") if parts.path.startswith("/") else page.parent / unquote(parts.path)
            file = (page if not parts.path else path / "index.html" if path.is_dir() else path).resolve()
            if not file.is_file():
                yield f"{page.relative_to(site)}: {target}"
            elif parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].places:
                yield f"{page.relative_to(site)}: {target} has no such place"


def test_the_site(tmp_path, capsys):
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {path.resolve(): Read(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert not list(lost(site.resolve(), pages))
    reads_only_itself(pages)
    external_links_are_well_formed(pages)
    every_page_is_in_the_navigation(site, pages)
    every_page_has_its_twin(site, pages)
    the_command_line_is_whole(site, capsys)
    options_are_not_broken(site)
    every_public_name_is_there(site)
    measured_tables_are_those_of_the_files(site)
    if installed() is not None:  # where there is no Chromium the pages are only read
        pages_are_legible(site, tmp_path)


def reads_only_itself(pages: dict[Path, Read]) -> None:
    """Nothing is fetched from elsewhere: no fonts, no scripts, no pictures."""
    assert not {target for read in pages.values() for target in read.loads if urlsplit(target).netloc}


def external_links_are_well_formed(pages: dict[Path, Read]) -> None:
    outside = {target for read in pages.values() for target in read.links if urlsplit(target).scheme in ("http", "https")}
    assert outside  # papers at least
    assert not [target for target in outside if not re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+(/[\w./#?=&%+~-]*)?", target)]


def every_page_is_in_the_navigation(site: Path, pages: dict[Path, Read]) -> None:
    home = (site / "index.html").resolve()
    reached = {(home.parent / unquote(urlsplit(t).path)).resolve() for t in pages[home].links if not urlsplit(t).scheme}
    missing = [page for page in pages if page.parent not in reached and page.name != "404.html"]
    assert not missing


def every_page_has_its_twin(site: Path, pages: dict[Path, Read]) -> None:
    """/x/y/ is also /x/y.md, or /x/index.md for the first page of a folder; what directives stand for is spelled out."""
    listed = (site / "llms.txt").read_text(encoding="utf-8")
    for page in pages:
        if page.name == "404.html":
            continue
        address = page.parent.relative_to(site.resolve())
        twins = [site / f"{address}.md", site / address / "index.md"]
        [twin] = [path for path in twins if path.is_file()]
        text = twin.read_text(encoding="utf-8")
        assert re.search(r"^# ", text, re.MULTILINE), twin
        assert not re.search(r"^:::", text, re.MULTILINE), twin
        assert f"({twin.relative_to(site)})" in listed, twin
        for link in re.findall(r"\]\(([^)\s#]+\.(?:md|svg|png|py|json))(?:#[^)]*)?\)", text):
            if not urlsplit(link).scheme and not link.startswith("/"):
                assert (twin.parent / link).is_file() or twin.name in ("contributing.md", "changelog.md"), (twin, link)
    assert "Prepare" not in listed
    assert "Compile a source of any kind" in (site / "reference" / "python.md").read_text(encoding="utf-8")


def the_command_line_is_whole(site: Path, capsys) -> None:
    """Every option that a verb's own --help prints stands in its part of the page."""
    from stinespring.cli.words.verbs import application

    parts = re.split(r"^## ", (site / "reference" / "cli.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    written = {part.partition("\n")[0].strip(): part for part in parts}
    asked = [[name] for name in VERBS] + [name.split(" ") for name in written if name not in VERBS]
    for words in asked:
        application(words[0])(args=[*words, "--help"], standalone_mode=False, prog_name="stinespring")
        said = capsys.readouterr().out
        if "Commands:" in said:  # a verb with verbs of its own
            names = re.findall(r"^  ([a-z-]+) ", said.partition("Commands:")[2], re.MULTILINE)
            assert names
            assert {f"{words[0]} {name}" for name in names} <= set(written)
            continue
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)) - {"--help"}
        found = set(re.findall(r"(--[a-z-]+)", written[" ".join(words)]))
        assert options <= found, (words, options - found)


def options_are_not_broken(site: Path) -> None:
    """A line may end before an option, not after its hyphens."""
    page = (site / "howto" / "ibm" / "index.html").read_text(encoding="utf-8")
    coded = re.findall(r"<code[ >].*?</code>", page, re.DOTALL)
    assert len(re.findall(r'<span class="option">--[a-z-]+</span>', page)) > 20
    assert not [code for code in coded if re.search(r'(?<!<span class="option">)(?<=[\s>])--[a-z]', code)]


def every_public_name_is_there(site: Path) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").rglob("index.html"))
    for name in stinespring.__all__:
        found = getattr(stinespring, name)
        if inspect.ismodule(found):
            assert all(f'id="{found.__name__}.{inner}"' in pages for inner in getattr(found, "__all__", ())), name
        else:
            assert f'id="stinespring.{name}"' in pages or f"stinespring.{name}<" in pages, name


def measured_tables_are_those_of_the_files(site: Path) -> None:
    import json

    page = (site / "reference" / "measured.md").read_text(encoding="utf-8")
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") == "stinespring/benchmark@1":
            assert f"\n## {content['benchmark']}\n" in page
            assert path.name in page


def pages_are_legible(site: Path, folder: Path) -> None:
    """At 390 and 1280 pixels, light and dark: no page is wider than the screen, no word is pale or small."""
    browser = Browser(installed(), folder / "chromium")
    try:
        for name in LOOKED_AT:
            for width in (390, 1280):
                for dark in (False, True):
                    browser.open(site / name / "index.html", width, dark=dark)
                    seen = browser.value(LEGIBLE)
                    assert seen["wide"] <= width, (name, width, seen)
                    assert seen["contrast"] >= 4.5, (name, width, dark, seen)
                    assert seen["size"] >= 10, (name, width, seen)
                    assert seen["words"] > 20, (name, seen)
                    assert seen["dark"] is dark, (name, seen)
    finally:
        browser.close()
