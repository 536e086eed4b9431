# SPDX-License-Identifier: Apache-2.0
"""What MkDocs calls while it builds the site: generated pages, links out of ``docs/``, Markdown twins.

A page ``/x/y/`` has its Markdown at ``/x/y.md``, the first page ``/x/`` of a folder at ``/x/index.md``: the text that the
page was made of, with what was generated for it, so that whoever reads text reads the same. ``/llms.txt`` lists all of them.
"""

from __future__ import annotations

import posixpath
import re
import textwrap
from pathlib import Path
from typing import Any

import measured
import names
import twins
import verbs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

import examples

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COPIED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}  # pages that stand beside docs/
# The parts of the navigation for pages that it does not name, by their folder; pages in none go to the rest.
PARTS, REST = {"decisions": "Decisions", "reference": "Python", "howto": "How-to", "explanation": "Explanation"}, "In depth"
ROW, CODE = re.compile(r"^\|.*\|$", re.MULTILINE), re.compile(r"`[^`]+`")  # tables escape bars in code for GitHub only
TYPED = re.compile(r"(?<=\n\n)(?:    (?:stinespring|make|python3?|pip) .*\n)+(?=\n|\Z)")  # indented commands are shown as such
# In code, where options stand: words that may not be broken after their hyphens.
CODED, OPTION = re.compile(r"<code[ >].*?</code>", re.DOTALL), re.compile(r"(?<![\w/-])--[a-z][\w-]*(?![^<>]*>)")
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add generated pages, files outside of ``docs/`` that pages link to, and forgotten pages to the navigation."""
    pages = {"reference/cli.md": verbs.page(), "reference/measured.md": measured.page(), **names.pages()}
    pages["reference/examples.md"] = examples.page()
    for name, uri in COPIED.items():
        pages[uri] = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    texts = {uri: text for uri, text in pages.items() if uri not in COPIED.values()}
    texts |= {file.src_uri: Path(str(file.abs_src_path)).read_text("utf-8") for file in files if known(file)}
    wanted = {found for uri, text in texts.items() for found in outside(uri, text)}
    for name in sorted(wanted - set(COPIED)):
        files.append(File.generated(config, f"source/{name}", abs_src_path=str(ROOT / name)))
    name_the_rest(config, [file.src_uri for file in files.documentation_pages()])
    return files


def known(file: File) -> bool:
    """Return whether a file is a page that is written by hand."""
    return file.is_documentation_page() and file.generated_by is None


def outside(uri: str, text: str) -> set[str]:
    """Return the files of the repository outside of ``docs/`` that a page links to."""
    return {path for _, link, _, _ in LINK.findall(text) if (path := repository_path(uri, link)) is not None}


def repository_path(uri: str, link: str) -> str | None:
    """Return where a page's link leads, if that is a file of the repository outside of ``docs/``."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(uri), link))
    return path if not path.startswith(("docs/", "..")) and (ROOT / path).is_file() else None


def name_the_rest(config: MkDocsConfig, uris: list[str]) -> None:
    """Put pages that the navigation does not name where all the details are."""
    forgotten = sorted(set(uris) - set(named(config.nav)))
    for uri in forgotten:
        part(config.nav, PARTS.get(uri.partition("/")[0], REST)).append(uri)


def part(nav: Any, name: str) -> list[Any]:
    """Return the part of the navigation that has a name, at any depth; an empty list if there is none."""
    for entry in nav:
        for title, inner in entry.items() if isinstance(entry, dict) else ():
            found = inner if title == name else part(inner, name) if isinstance(inner, list) else []
            if found:
                return found
    return []


def named(nav: Any) -> list[str]:
    """Return the pages that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [uri for part in parts or () for uri in named(part)]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of ``docs/`` to the copies on the site, and keep the text for the twin."""
    uri = page.file.src_uri

    def led(match: re.Match[str]) -> str:
        path = repository_path(uri, match[2])
        if path is None:
            return match[0]
        target = COPIED.get(path, f"source/{path}")
        return f"{match[1]}{posixpath.relpath(target, posixpath.dirname(uri) or '.')}{match[3] or ''}{match[4]}"

    text = LINK.sub(led, markdown) if uri not in COPIED.values() else markdown
    twins.keep(uri, text)
    text = ROW.sub(lambda row: CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), text)
    return TYPED.sub(lambda block: f"```sh\n{textwrap.dedent(block[0])}```\n", text)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep options whole where lines of code are broken."""
    return CODED.sub(lambda code: OPTION.sub(r'<span class="option">\g<0></span>', code[0]), html)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the Markdown twin in the head of the page and at its end."""
    twin = posixpath.relpath(twins.address(page.file.src_uri), page.file.url or ".")
    output = output.replace("</head>", f'<link rel="alternate" type="text/markdown" href="{twin}"></head>', 1)
    return output.replace("</article>", f'<p class="twin"><a href="{twin}">This page as Markdown</a></p></article>', 1)


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Remember the order of the pages for the list of the twins."""
    twins.order([page.file.src_uri for page in nav.pages])
    return nav


def on_post_build(config: MkDocsConfig) -> None:
    """Write the twins."""
    twins.write(Path(config.site_dir), str(config.site_name), str(config.site_description))
