# SPDX-License-Identifier: Apache-2.0
"""Pages looked at in a browser, at 390 and 1280 pixels, light and dark: nothing cut, nothing small, nothing pale, no message.

Where there is no Chromium these tests are skipped; all others read the pages without one.
"""

from __future__ import annotations

import json

import pytest

from oracles.browser import Browser, installed
from oracles.tiny_decoder import TinyDecoder
from stinespring.cli.shown import shown
from stinespring.models.lens.states import read_states
from stinespring.models.lens.study import study_prompts
from stinespring.report.html.document import document
from stinespring.report.html.lens import states_page, study_page
from stinespring.report.html.page import Code, Page, Section, rendered

pytestmark = pytest.mark.skipif(installed() is None, reason="no Chromium on PATH: pages are not looked at")
WIDTHS = (390, 1280)
STRANGE = (" cat", "\n\t", " ", "漢字", "unbreakable" * 4, "<b>")
SAMPLED = ("static", "dynamic", "stepwise", "lens points", "layers", "swap", "spins", "isometry")
WRONG = {"a a a": 900, "a a b": 188, "b a b": 1231, "b b b": 655, "b b a": 568, "b a a": 30, "a b a": 459}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(installed(), tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


def require_well_made(browser, path):
    """Test that a page is legible at both widths, light and dark, and says nothing on the console."""
    for width in WIDTHS:
        for dark in (False, True):
            browser.open(path, width, dark=dark)
            seen = browser.looked()
            assert browser.told() == []
            assert seen["found"] == [], (width, dark)
            assert seen["texts"] > 20
            assert seen["least"] >= 4.5 and seen["smallest"] >= 11
            assert (seen["light"] < 0.05) if dark else (seen["light"] > 0.9)
    return seen


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled(browser, found, tmp_path, name):
    result, path = found(name), tmp_path / "page.html"
    shown(result.program.asked.kind).page(result, "stinespring run").write(path)
    assert require_well_made(browser, path)["figures"] >= 2


def strange_decoder():
    decoder = TinyDecoder()
    decoder.tokens = STRANGE
    decoder.plain = lambda numbers: "".join(decoder.tokens[i] for i in numbers)
    return decoder


def test_lens(browser, tmp_path):
    """Tokens of blanks, of wide and of very many letters, and markup."""
    decoder, path = strange_decoder(), tmp_path / "page.html"
    prompts = [[1, 0, 3], [2, 4], [5, 1, 0], [3, 2, 2]]
    study_page(study_prompts(decoder, prompts, permutations=9), None, command="c", provenance={}).write(path)
    require_well_made(browser, path)
    states_page(read_states(decoder, prompts[0]), command="c").write(path)
    require_well_made(browser, path)


def test_counts_that_fail_show_the_branches_that_deviate(browser, invoke, examples, tmp_path):
    path, counts = tmp_path / "page.html", tmp_path / "counts.json"
    counts.write_text(json.dumps({"format": "stinespring/samples@1", "counts": WRONG}))
    words = ["check", examples / "two_tokens.json", "--prompt", "a b", "--steps", 3, "--counts", counts, "--report", path]
    assert invoke(*words)[0] == 1
    require_well_made(browser, path)
    marked = browser.value("[...document.querySelectorAll('svg text.off')].filter(one => one.textContent === '▶').length")
    rows = browser.value("[...document.querySelectorAll('details tr')].map(row => row.textContent)")
    assert marked == sum("▶" in row for row in rows) > 5


def test_channel(browser, invoke, examples, tmp_path):
    files = [examples / "amplitude_damping.npz", examples / "amplitude_damping.qasm"]
    for more in ([], ["--shots", 2000, "--seed", 1]):
        path = tmp_path / "page.html"
        assert invoke("verify-channel", *files, *more, "--report", path)[0] in (0, 3)
        require_well_made(browser, path)


@pytest.mark.parametrize("betas", ["1.2:1.2:1", "1:2:2", "0:2:60"])
def test_a_diagram_is_not_blank(browser, invoke, examples, tmp_path, betas):
    path = tmp_path / "page.html"
    words = ["--betas", betas, "--transient", 20, "--keep", 30, "--exponents", 1, "-o", tmp_path / "d.npz", "--report", path]
    status, _, err = invoke("spins", "diagram", examples / "spins.json", *words)
    assert status == 0, err
    require_well_made(browser, path)
    boxes = browser.value(
        "[...document.querySelectorAll('path.dots')].map(one => { const box = one.getBBox({fill: true, stroke: true});"
        " const style = getComputedStyle(one); return [box.width, box.height, style.stroke, parseFloat(style.strokeWidth)]; })"
    )
    assert len(boxes) >= 3
    for width, height, colour, thick in boxes:
        assert max(width, height, thick) >= 2 and thick >= 1 and colour != "none"


@pytest.fixture
def run_page(invoke, examples, tmp_path):
    path, movie = tmp_path / "report.html", tmp_path / "movie.html"
    words = ["--steps", 12, "--movie", movie, "--report", path]
    status, _, err = invoke("sphere", "run", examples / "sphere.json", *words)
    assert status == 0, err
    return path, movie


def test_the_player(browser, run_page):
    path, movie = run_page
    for page in (path, movie):
        browser.open(page, 390, dark=True)
        assert browser.looked()["found"] == []
    require_well_made(browser, path)
    seen = "document.getElementById('now').textContent + document.getElementById('near').getAttribute('d')"
    first = browser.value(seen)
    assert first.startswith("step 0M")
    browser.value("document.getElementById('slider').value = 5")
    browser.value("document.getElementById('slider').dispatchEvent(new Event('input'))")
    moved = browser.value(seen)
    assert moved.startswith("step 5M") and moved.partition("M")[2] != first.partition("M")[2]
    browser.value("document.getElementById('sphere').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))")
    assert browser.value(seen).startswith("step 5M") and browser.value(seen) != moved
    browser.value("document.getElementById('play').click()")
    assert browser.value("document.getElementById('play').textContent") == "stop"
    assert browser.told() == []


def test_the_program_is_copied(browser, tmp_path):
    path, text = tmp_path / "page.html", 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q; // <a>\n'
    path.write_text(rendered(Page("t", "l", "c", sections=[Section("s", [Code("OpenQASM", text)])])))
    browser.open(path, 390, dark=False)
    browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.value("document.querySelector('button.copy').click()")
    browser.value("new Promise(done => setTimeout(done, 100))")
    assert browser.value("document.querySelector('button.copy').textContent") == "copied"
    assert browser.value("navigator.clipboard.readText()") == text
    assert browser.told() == []


SVG = '<svg viewBox="0 0 300 60"><title>t</title>'
FAULTS = {
    "contrast": '<p style="color: #999">words that are pale</p>',
    "letters of": '<p style="font-size: 8px">words that are small</p>',
    "the page is wider": '<div style="width: 3000px">a wide thing</div>',
    "scrolls without saying so": '<div style="overflow-x: auto; width: 90px"><pre>a very wide thing indeed, it is</pre></div>',
    "words are cut by their figure": SVG + '<text x="250" y="30">cut at the side</text></svg>',
    "words lie on words": SVG + '<text x="9" y="30">one</text><text x="12" y="31">two</text></svg>',
    "an empty figure": '<svg viewBox="0 0 300 60" width="3" height="2"><title>t</title></svg>',
    "contrast 1": '<svg viewBox="0 0 300 60"><title>t</title><rect width="300" height="60" style="fill: #1d2430"/>'
                  '<text x="9" y="30">dark on dark</text></svg>',
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_found(browser, tmp_path, fault):
    path = tmp_path / "page.html"
    path.write_text(document("t", f"<h1>words</h1>{FAULTS[fault]}", ()))
    browser.open(path, 390, dark=False)
    assert any(one.startswith(fault) for one in browser.looked()["found"])
    path.write_text(document("t", "<h1>words</h1>", ()))
    browser.open(path, 390, dark=False)
    assert browser.looked()["found"] == []


def test_a_script_that_is_not_ours_does_not_run(browser, tmp_path):
    """The policy: an injected script, an event handler and an address are refused, and that is heard on the console."""
    path = tmp_path / "page.html"
    for injected in (
        "<script>window.ran = 1</script>",
        '<p onclick="window.ran = 1" id="p">x</p>',
        '<img src="https://example.org/">',
    ):
        path.write_text(document("t", f"<h1>words</h1>{injected}"))
        browser.open(path, 390, dark=False)
        browser.value("document.getElementById('p')?.click()")
        assert browser.value("window.ran === undefined")
        assert browser.told() != []
