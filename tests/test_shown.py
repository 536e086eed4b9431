# SPDX-License-Identifier: Apache-2.0
"""What objects show of themselves: four lines at a prompt, a card in a notebook, and Qiskit's drawing of a circuit."""

from __future__ import annotations

import inspect
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import InputError
from stinespring.showing import Brief, many, told

VOID = {"rect", "path", "line", "br", "meta"}


class Card(HTMLParser):
    """Reads a card: its words, its bars, and whether every element ends where it should."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.tags, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


@pytest.fixture(scope="module")
def shown(examples):
    """One object of every public class that a user meets."""
    model = ss.load(examples / "two_tokens.json")
    program = ss.compile(model, prompt="a b", steps=2)
    samples = ss.run(program, shots=20_000, seed=1)
    verdict = ss.check(samples)
    spins, sphere = ss.load(examples / "spins.json"), ss.load(examples / "sphere.json")
    decoder = ss.lens.load_decoder(f"{examples / 'own_decoder.py'}:weather")
    states = ss.lens.read_states(decoder, "sun rain")
    channel = ss.channels.amplitude_damping(0.3)
    compiled = [
        ss.compile_channel(channel, effort=0),
        ss.compile(states),
        ss.compile(sphere, particle=0),
        ss.compile(spins, steps=1),
    ]
    few = [ss.run(one, shots=400, seed=1) for one in (compiled[0], compiled[1])]
    return [
        model, program, samples, verdict, verdict.distance, program.cost, model.joint("a b", 2), ss.top_k(model, 1), spins,
        sphere,
        decoder, states, channel, program.asked, ss.CompileOptions(tolerance=0.1), *compiled, *few, *map(ss.check, few),
        *(one.asked for one in few), decoder.norm, ss.estimate(model, backend="aer", prompt="a b", steps=2),
        ss.load(decoder, top_k=2), states.decoder,
    ]  # fmt: skip


def test_four_lines(shown):
    for thing in shown:
        begun = time.process_time()
        text = repr(thing)
        assert time.process_time() - begun < 0.2, type(thing)
        lines = text.split("\n")
        assert 1 <= len(lines) <= 4 and max(map(len, lines)) <= 113, text
        assert not re.search(r" at 0x|array\(", text) and type(thing).__repr__ is Brief.__repr__, text


def test_they_say_what_they_are(shown, examples):
    model, program, samples, verdict = shown[:4]
    assert repr(model) == (
        "AttentionModel 'two_tokens'\n  tokens: 2: a b\n  law: reads the whole text; stop token: none\n  longest text: no limit"
    )
    assert repr(program).startswith(
        "Program of 'two_tokens': 2 tokens after 'a b'\n  circuit: static, 2 qubits, 0 two-qubit gates"
    )
    top = max(samples.by_text().items(), key=lambda pair: pair[1])
    assert "20,000 on aer, seed 1" in repr(samples) and f"'{top[0]}' {top[1]:,}" in repr(samples)
    assert repr(verdict).startswith("Verdict: PASS\n") and f"{verdict.tvd:.4f}" in repr(verdict)
    assert repr(ss.CompileOptions(tolerance=0.1)) == "CompileOptions\n  tolerance: 0.1"


def test_every_public_class_says_what_it_is():
    """Classes that a room or the package names, but for protocols, tuples and errors: their own words are short."""
    silent = []
    for room in (ss, ss.lens, ss.spins, ss.channels):
        for name in room.__all__:
            thing = getattr(room, name)
            if not inspect.isclass(thing) or issubclass(thing, (tuple, Exception)) or getattr(thing, "_is_protocol", False):
                continue
            if thing.__repr__ is not Brief.__repr__:
                silent.append(name)
    assert not silent


def test_a_card_is_whole_and_alone(shown):
    for thing in shown:
        html = thing._repr_html_()
        read = Card(html)
        assert html.startswith('<div class="stinespring">') and read.tags[0] == "div" and len("".join(read.words)) > 20
        assert "script" not in read.tags and not re.search(r"(?:src|href|url)\s*[=(]", html)
        style = re.search("<style>(.*)</style>", html, re.DOTALL).group(1).replace("@media (prefers-color-scheme:dark){", "")
        assert style != html and all(".stinespring" in selector for selector in re.findall(r"([^{}]+){", style))


def test_a_verdict_shows_ruling_figure_cost_and_circuit(shown):
    model, program, samples, verdict = shown[:4]
    read = Card(verdict._repr_html_())
    words = " ".join(read.words)
    assert "PASS" in read.words and "two-qubit gates" in words and "q_t1" in words and "svg" in read.tags
    law, counts = model.joint("a b", 2), samples.by_text()
    names = [word for word in read.words if word in law]
    figures = [word for word in read.words if re.fullmatch(r"[\d.]+ / [\d.]+", word)]
    assert names == list(counts)  # the most frequent first
    for name, figure in zip(names, figures, strict=True):
        wanted, seen = map(float, figure.split(" / "))
        assert wanted == pytest.approx(law[name], abs=5e-5) and seen == pytest.approx(counts[name] / 20_000, abs=5e-5)
    widths = [float(entry["width"]) for entry in read.attributes if entry.get("class") in ("law", "seen")][2:]
    shares = [value for name in names for value in (law[name], counts[name] / 20_000)]
    assert widths == pytest.approx([300 * share / max(shares) for share in shares], abs=0.1)


def test_names_cannot_write_the_page():
    evil = ("<script>alert(1)</script>", '"onload="x', "&amp;")
    model = ss.load(lambda texts: [[0.5, 0.3, 0.2]] * len(texts), tokens=evil, name="<b>")
    samples = ss.run(ss.compile(model, prompt="&amp;", steps=1), shots=1000, seed=1)
    for thing in (model, samples, ss.check(samples), model.joint("&amp;", 1)):
        read = Card(thing._repr_html_())
        assert "script" not in read.tags and "b" not in read.tags and not any("onload" in entry for entry in read.attributes)
        assert any("<b>" in word for word in read.words) or thing.__class__.__name__ == "Verdict"


def test_a_failed_verdict_says_so(two_tokens, three_tokens):
    samples = ss.run(ss.compile(two_tokens, prompt="a b", steps=2), shots=20_000, seed=1)
    found = ss.check(samples, ss.temperature(two_tokens, 3.0))
    assert "FAIL" in Card(found._repr_html_()).words and 'class="ruling FAIL"' in found._repr_html_()


def test_arrays_are_told_by_their_shape():
    assert told(np.zeros((3, 4))) == "float64 (3, 4)" and told([np.zeros(2)] * 3) == "3 of ndarray"
    assert many(1, "qubit") == "1 qubit" and many(2000, "shot") == "2,000 shots"


# --------------------------------------------------------------------------------------------------------------- drawing


def test_draw_works_as_qiskit_does(shown):
    program = shown[1]
    assert str(program.draw()) == str(program.circuit.draw()) == str(program.draw("text")) == str(program.draw(output="text"))
    pytest.importorskip("pylatexenc", reason="Qiskit draws with it; the extra [plot]")
    from matplotlib.figure import Figure

    assert isinstance(program.draw("mpl"), Figure) and isinstance(program.draw("mpl", fold=20, idle_wires=False), Figure)
    assert "documentclass" in program.draw("latex_source")
    with pytest.raises(InputError, match="cannot draw"):
        program.draw("svg")


def test_what_drawing_needs_is_said(shown, monkeypatch):
    from qiskit.exceptions import MissingOptionalLibraryError

    def draw(self, output=None, **options):
        raise MissingOptionalLibraryError("pylatexenc", "drawing")

    monkeypatch.setattr("qiskit.QuantumCircuit.draw", draw)
    with pytest.raises(InputError, match=r"stinespring\[plot\]"):
        shown[1].draw("mpl")
