# SPDX-License-Identifier: Apache-2.0
"""The report: well-formed, escaped, loading nothing, and saying what the JSON says, verb by verb.

Sampled runs have a fixed seed; what is tested is that page and JSON agree, whatever the verdict is.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest

import stinespring
from oracles.page_reader import PageReader, read_page, require_policy
from stinespring.compiler.options import DECODERS
from stinespring.ledger.store import Ledger
from stinespring.models.spins import draw_network
from stinespring.pipeline.whole import Result
from stinespring.report.html.page import Code, Figure, Finding, Folded, Page, PageTable, Player, Section, rendered
from stinespring.report.html.texts import texts_page
from stinespring.report.html.tree import INDENT, contexts_table, tree_parts, tree_table
from stinespring.report.svg.paper import Paper
from stinespring.report.svg.tree import branches_of


def ask(invoke, *words):
    """Run a verb with --json: status, the printed object."""
    status, out, err = invoke(*words, "--json")
    assert status in (0, 1, 3), err
    return status, json.loads(out)


def drawn(words):
    """Return a picture of some words, whole and cut."""
    paper = Paper()
    paper.words(0, 0, words)
    paper.words(0, 0, words[:5], hint=words)
    return paper.picture(10, 10, words, words)


def test_whatever_is_quoted_is_escaped(tmp_path):
    nasty = "<script>alert('x')</script>\" onload=\"y &amp; ]]>"
    page = Page(
        nasty, nasty, nasty, Finding("FAIL", nasty, nasty), [Finding("FAIL", nasty, nasty), Finding("PASS", nasty, nasty)],
        [Section(nasty, [nasty, PageTable(nasty, [nasty, nasty], [[nasty, nasty]]), Figure([drawn(nasty)], nasty),
                         Player({"rule": nasty}, nasty, nasty), Code(nasty, nasty), Folded(nasty, [nasty])])],
        {nasty: nasty, "inner": {nasty: 1}, "nothing": None},
    )  # fmt: skip
    path = tmp_path / "page.html"
    page.write(path)
    found = PageReader(path.read_text(encoding="utf-8"))
    assert len(found.all("script")) == 3  # what copies and plays, and what is played
    assert not any("onload" in attributes for _, attributes in found.tags)
    plain = " ".join(nasty.split())
    assert found.words.count(plain) == 25  # everything but what is drawn and played
    [picture] = [one for one in found.pictures if one.title == nasty]
    assert picture.desc == nasty and picture.words == [nasty, nasty]  # the second was cut and has the whole as a hint
    [data] = re.findall(r'<script type="application/json" id="run">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert json.loads(data) == {"rule": nasty} and "<" not in data
    assert found.badges == ["FAIL", "FAIL", "PASS"]
    assert "nothing" not in found.words


def test_only_the_scripts_written_here_may_run():
    def page(*parts):
        text = rendered(Page("t", "l", "c", sections=[Section("s", parts)]))
        require_policy(text, PageReader(text))
        return text

    alone, playing = page("words"), page(Player({"n": 1}, "t", "c"))
    assert alone.count("<script>") == 1 and playing.count("<script>") == 2


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_run(invoke, examples, tmp_path, schedule):
    path = tmp_path / "report.html"
    words = ["run", examples / "two_tokens.json", "--prompt", "a b", "--steps", 2, "--extension", "position", "--shots", 2000]
    status, data = ask(invoke, *words, "--schedule", schedule, "--effort", 0, "--report", path)
    page = read_page(path, figures=4)  # texts, tree, attention, circuit
    assert page.badges[1:3] == [data["verdict"], data["attention_verdict"]["verdict"]]
    assert {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}[page.badges[0]] == status
    assert data["reason"] in page.words
    for text, count in data["counts"].items():
        assert f"{text} " in page.words and f"{count:,}" in page.words
    for figure in (f"{data['tvd']:.5f}", f"{data['resolution']:.4g}", data["cost"]["hash"], f"--seed {data['seed']}"):
        assert figure in page.words
    assert all(done["reason"] in page.words for done in data["cost"]["passes"])
    again = ask(invoke, *words, "--schedule", schedule, "--effort", 0, "--seed", data["seed"])[1]
    assert again["counts"] == data["counts"]  # the command of the page gives the same numbers


def test_a_failure_is_what_the_page_begins_with(two_tokens, tmp_path):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    sampled = stinespring.run(program, shots=4000, seed=1)
    [outcomes] = sampled.outcomes
    turned = replace(outcomes, counts=outcomes.counts[::-1].copy())  # of four texts whose probabilities differ by 0.04 to 0.31
    wrong = replace(sampled, outcomes=(turned,))
    verdict = stinespring.check(wrong)
    assert verdict.verdict == "FAIL"
    path = tmp_path / "report.html"
    texts_page(Result(program, wrong, verdict, {"applied": False}), "c").write(path)
    page = read_page(path, figures=3)
    assert page.badges == ["FAIL"]
    assert page.words.count(verdict.reason) == 1


@pytest.mark.parametrize("codes", ["free", "prefix", "texts"])
def test_costs_say_what_decodes_a_reading(invoke, examples, tmp_path, codes):
    """The page, the record of the passes, the line of the cost and the JSON."""
    words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", 2, "--codes", codes, "--effort", 0]
    path = tmp_path / "report.html"
    status, out, err = invoke("compile", *words, "--explain")
    assert status == 0 and DECODERS[codes] in " ".join((out + err).split())
    _, data = ask(invoke, "run", *words, "--shots", 500, "--seed", 4, "--report", path)
    assert data["cost"]["codes"] == codes
    assert f"{codes}: {DECODERS[codes]}" in read_page(path, figures=3).words


@pytest.mark.parametrize(("schedule", "drawn"), [("dynamic", 0), ("stepwise", 1)])
def test_fetch(invoke, examples, tmp_path, monkeypatch, schedule, drawn):
    """The circuits of a run that was fetched are not at hand, unless the host makes them as it goes."""
    path = tmp_path / "report.html"
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    words = ["--prompt", "a b", "--steps", 2, "--shots", 500, "--seed", 4, "--backend", "fake:fez", "--schedule", schedule]
    status, _, err = invoke("submit", examples / "two_tokens.json", *words, "--effort", 0, "--yes")
    assert status == 0, err
    status, data = ask(invoke, "fetch", "latest", "--report", path)
    page = read_page(path, figures=2 + drawn)
    assert page.badges == [data["verdict"]]
    assert data["reason"] in page.words and data["cost"]["hash"] in page.words
    assert ("they are not drawn here" in page.words) == (not drawn)
    assert "Qiskit's StatePreparation" in page.words or drawn
    assert f"stinespring fetch {data['id']} --report" in page.words
    assert "What was asked" in page.words and f"schedule {schedule}" in page.words
    run = Ledger().run(data["id"])
    assert run.created in page.words and f"{run.estimate['executions']}" in page.words
    assert "no calibration when the run was submitted" in page.words
    assert ask(invoke, "fetch", "latest")[1]["counts"] == data["counts"]


def test_the_calibration_of_the_day_is_shown(invoke, examples, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    words = ["--prompt", "a b", "--steps", 1, "--shots", 100, "--seed", 4, "--effort", 0, "--yes"]
    assert invoke("submit", examples / "two_tokens.json", *words)[0] == 0
    found = {"name": "some_device", "taken": "2026-01-02", "qubits": [{"t1": 1.0}] * 7, "gates": []}
    monkeypatch.setattr(Ledger, "calibration", lambda self, run: found)
    ask(invoke, "fetch", "latest", "--report", path)
    page = read_page(path, figures=2)
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    assert page.words.count(digest) == 2  # with the calibration, and where the numbers come from
    assert all(text in page.words for text in ("some_device", "2026-01-02", "7 entries", "0 entries"))


def test_the_calibration_is_named(invoke, examples, tmp_path):
    path = tmp_path / "report.html"
    words = ["--prompt", "a b", "--steps", 2, "--shots", 3000, "--seed", 1, "--effort", 0, "--schedule", "static"]
    _, data = ask(invoke, "run", examples / "two_tokens.json", *words, "--backend", "aer?noise=fez", "--report", path)
    page = read_page(path, figures=3)
    assert page.badges[0] == data["verdict"]
    assert data["metadata"]["noise"]["digest"] in page.words


def test_token_names_are_text(invoke, save, tmp_path):
    path, name = tmp_path / "report.html", "<script>alert(1)</script>"
    model = {"format": "stinespring/table@1", "tokens": [name, "b&amp;"], "context": 1, "law": [[0.5, 0.5], [0.2, 0.8]]}
    _, data = ask(invoke, "run", save(model), "--prompt", name, "--steps", 1, "--shots", 500, "--report", path)
    page = read_page(path, figures=3)
    assert page.badges[0] == data["verdict"]
    assert page.words.count(name) >= 3
    assert "b&amp; " in page.words


def test_lens_study(invoke, examples, tmp_path):
    path, prompts = tmp_path / "report.html", tmp_path / "prompts.txt"
    prompts.write_text("Alice was\nThe Queen said\n", encoding="utf-8")
    _, data = ask(invoke, "lens", "study", "glassllm:en", "--prompts", prompts, "--permutations", 19, "--report", path)
    page = read_page(path, figures=4)  # operators, answers, two prompts
    assert page.badges == []
    assert f"{data['operators'][0]['floor_U']:.6f}" in page.words
    for operator in data["operators"]:
        assert f"{operator['part']} {operator['layer']} {operator['mean_cos_U']:.6f}" in page.words


@pytest.fixture
def spins(tmp_path):
    path = tmp_path / "spins.json"
    path.write_text(json.dumps(draw_network(M=2, N=3, P=1, eps=0.1, gamma=3.0, beta=1.1, seed=6).content()))
    return path


def test_spins_sample(invoke, spins, tmp_path):
    path = tmp_path / "report.html"
    status, data = ask(invoke, "spins", "sample", spins, "--steps", 2, "--shots", 300, "--seed", 2, "--report", path)
    page = read_page(path, figures=2)  # averages, circuit
    judged = [data["verdict"], data["mean_field"]["exact_verdict"], data["mean_field"]["verdict"]]
    assert page.badges[1:] == judged
    assert {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}[page.badges[0]] == status
    assert all(step["reason"] in page.words for step in data["steps"])
    assert data["cost"]["hash"] in page.words


def test_a_single_run_of_spins_has_no_averages(invoke, spins, tmp_path):
    path = tmp_path / "report.html"
    _, data = ask(invoke, "spins", "sample", spins, "--steps", 1, "--shots", 1, "--seed", 2, "--report", path)
    assert read_page(path, figures=1).badges == [data["verdict"]]


def test_spins_diagram(invoke, spins, tmp_path):
    path = tmp_path / "report.html"
    words = ["--betas", "0:2:5", "--transient", 10, "--keep", 20, "--exponents", 1, "-o", tmp_path / "d.npz"]
    _, data = ask(invoke, "spins", "diagram", spins, *words, "--report", path)
    page = read_page(path, figures=1)
    largest = max(row[0] for row in data["exponents"] if row[0] is not None)
    assert f"{largest:.6f}" in page.words


@pytest.mark.parametrize("movie", [True, False])
def test_sphere_run(invoke, examples, tmp_path, movie):
    path, played = tmp_path / "report.html", tmp_path / "play.html"
    more = ["--movie", played] if movie else []
    _, data = ask(invoke, "sphere", "run", examples / "sphere.json", "--steps", 8, *more, "--report", path)
    page = read_page(path, figures=1 + movie)
    assert f"{data['energy']['attention']:.6g}" in page.words
    assert all(f"{value:.6f}" in page.words for value in np.ravel(data["positions"]))
    found = re.findall(r'<script type="application/json" id="run">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found == ([run_of(played)] if movie else [])


def run_of(path):
    """Return what the page of ``--movie`` plays."""
    [found] = re.findall(r'<script type="application/json" id="run">(.*?)</script>', path.read_text(encoding="utf-8"))
    return found


def test_sphere_sample(invoke, examples, tmp_path):
    path = tmp_path / "report.html"
    words = ["--particle", 0, "--shots", 500, "--report", path]
    _, data = ask(invoke, "sphere", "sample", examples / "sphere.json", *words)
    page = read_page(path, figures=2)  # layers, circuits
    assert page.badges == [data["verdict"]]
    assert f"--seed {data['seed']}" in page.words
    for circuit in data["circuits"]:
        assert f"{sum(circuit['counts']) / 500:.5f}" in page.words


def test_counts_from_elsewhere(invoke, examples, tmp_path, spins):
    """A page of ``check`` says what the JSON says; nothing is known of a program."""
    path, counts = tmp_path / "report.html", tmp_path / "counts.json"
    counts.write_text(json.dumps({"format": "stinespring/samples@1", "counts": {"a b": 300, "b a": 500, "b b": 200}}))
    words = ["check", examples / "two_tokens.json", "--prompt", "a b", "--steps", 2, "--counts", counts]
    status, data = ask(invoke, *words, "--report", path)
    page = read_page(path, figures=2)  # shares, tree
    assert status == 1 and page.badges[0] == data["verdict"] == "FAIL"
    assert data["reason"] in page.words and "read from" in page.words and "The program" not in page.words
    counts.write_text(json.dumps({"format": "stinespring/samples@1", "counts": {"+-+": 20, "--+": 30}}))
    status, data = ask(invoke, "spins", "check", spins, "--steps", 1, "--counts", counts, "--report", path)
    page = read_page(path, figures=None)
    assert page.badges[0] == data["verdict"] and data["steps"][0]["reason"] in page.words


def test_verify_channel(invoke, examples, tmp_path):
    path, files = tmp_path / "report.html", [examples / "amplitude_damping.npz", examples / "amplitude_damping.qasm"]
    _, data = ask(invoke, "verify-channel", *files, "--report", path)
    page = read_page(path, figures=1)
    assert page.badges == [data["verdict"]] and f"{data['diamond_distance']:.6g}" in page.words
    assert files[1].read_text().splitlines()[0] in page.words  # to be copied
    assert "Qiskit's Isometry" in page.words
    _, data = ask(invoke, "verify-channel", *files, "--shots", 4000, "--report", path)
    page = read_page(path, figures=2)
    assert page.badges == [data["verdict"]] and data["reason"] in page.words and "--seed" in page.words


def test_lens(invoke, tmp_path):
    path = tmp_path / "report.html"
    _, data = ask(invoke, "lens", "glassllm:en", "--prompt", "Alice was", "--report", path)
    page = read_page(path, figures=1)
    for point in data["points"]:
        assert f"{point['entropy']:.3f}" in page.words and f"{point['top'][0]['p']:.3f}" in page.words
    assert "␣was" in page.words and "␣ a blank" in page.words


def test_new_lines_and_blanks_of_tokens_break_no_row(tmp_path):
    table = PageTable("t", ["token", "text"], [[" a\n", "x\n y  z"], ["\t", "a b"]], frozenset({0}))
    text = rendered(Page("after “\n”", "l", "c", sections=[Section("s", [table])]))
    page = PageReader(text)
    assert page.all("table") and "<h1>after “↵”</h1>" in text
    for shown in ("␣a↵", "x↵␣y␣␣z", "⇥", ">a b<", "↵ is a new line, ␣ a blank, ⇥ a tabulator"):
        assert shown in text
    assert "∅" not in page.words  # a sign that is not there is not explained


def commands(examples, tmp_path):
    prompts = examples / "lens_prompts.txt"
    sphere, spins, two = examples / "sphere.json", examples / "spins.json", examples / "two_tokens.json"
    return [
        ["run", two, "--prompt", "a b", "--steps", 2],
        ["fetch", "latest"],
        ["lens", "study", "glassllm:en", "--prompts", prompts],
        ["spins", "sample", spins, "--steps", 1],
        ["spins", "diagram", spins, "--betas", "0:1:2", "-o", tmp_path / "d.npz"],
        ["sphere", "run", sphere, "--steps", 1],
        ["sphere", "sample", sphere],
        ["sphere", "overlaps", sphere],
        ["check", two, "--prompt", "a b", "--steps", 2, "--counts", examples / "counts.json"],
        ["lens", "glassllm:en", "--prompt", "Alice was"],
        ["lens", "run", "glassllm:en", "--prompt", "Alice was"],
        ["verify-channel", examples / "amplitude_damping.npz", examples / "amplitude_damping.qasm"],
        ["spins", "check", spins, "--steps", 1, "--counts", examples / "counts.json"],
    ]


@pytest.mark.parametrize("number", range(13))
def test_unusable_names_are_refused_before_the_work(invoke, examples, tmp_path, monkeypatch, number):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    (tmp_path / "folder.html").mkdir()
    words = commands(examples, tmp_path)[number]
    for name in ("report.pdf", "missing/report.html", "folder.html"):
        status, out, err = invoke(*words, "--report", tmp_path / name)
        assert (status, out) == (2, "")
        assert err.startswith("stinespring: ") and "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.html"]


@pytest.mark.parametrize("number", [0, 3, 4, 5, 7, 8])
def test_matplotlib_is_not_needed(invoke, examples, tmp_path, monkeypatch, number):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, _, err = invoke(*commands(examples, tmp_path)[number], "--report", tmp_path / "report.html")
    assert status in (0, 1, 3), err
    assert read_page(tmp_path / "report.html", figures=None).pictures


def test_a_report_replaces_no_other_output(invoke, examples, tmp_path):
    path = tmp_path / "page.html"
    status, _, err = invoke("sphere", "run", examples / "sphere.json", "--steps", 1, "--movie", path, "--report", path)
    assert status == 2 and "one name" in err
    assert list(tmp_path.iterdir()) == []


def test_the_command_can_be_pasted(invoke, spins, tmp_path):
    path = tmp_path / "it's a report.html"
    ask(invoke, "spins", "sample", spins, "--steps", 1, "--shots", 2, "--seed", 7, "--report", path)
    text = path.read_text(encoding="utf-8")
    [command] = [t for t in PageReader(text).texts if t.startswith("stinespring spins sample")]
    words = shlex.split(command)
    assert words[:3] == ["stinespring", "spins", "sample"] and str(path) in words
    assert words.count("--seed") == 1


def test_the_tree_of_texts_and_the_contexts_that_deviate(three_tokens, tmp_path):
    """Counts of the tree add up as the samples do, and its laws are the model's own."""
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=3)
    samples = stinespring.run(program, shots=4_000, seed=2)
    verdict = stinespring.check(samples)
    branches = branches_of(samples)
    table = tree_table(branches, 1)
    assert tree_parts(samples)[1].parts[0].rows == table.rows
    texts = samples.by_text()
    rows = [(len(row[0]) - len(row[0].lstrip(INDENT)), row[0].lstrip(INDENT), *row[1:4]) for row in table.rows]
    path: list[str] = []
    for depth, token, count, share, analytic in rows:
        path[depth // len(INDENT) :] = [token]
        above, here = " ".join(path[:-1]), " ".join(path)
        inside = sum(n for text, n in texts.items() if f"{text} ".startswith(f"{here} "))
        assert int(count.replace(",", "")) == inside
        parent = sum(n for text, n in texts.items() if not above or f"{text} ".startswith(f"{above} "))
        assert float(share) == pytest.approx(inside / parent, abs=6e-5)
        own = three_tokens.symbol_law(len(path), three_tokens.encode(f"sun rain {above}")[None])[0]
        assert float(analytic) == pytest.approx(own[three_tokens.tokens.index(token)], abs=6e-5)
    assert {depth for depth, *_ in rows} == {0, len(INDENT), 2 * len(INDENT)}
    [contexts] = contexts_table(verdict)
    assert [row[0] for row in contexts.rows] == [one["after"] or "(the prompt)" for one in verdict.details["contexts"]["most"]]
