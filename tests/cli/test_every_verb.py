# SPDX-License-Identifier: Apache-2.0
"""Every verb as a user calls it: the installed script, a fresh process for each command, every kind of backend.

Other tests call the command inside a process in which everything is imported already. What goes wrong before that (imports in
another order, libraries loaded by another thread, options that no module registers) is seen here alone. Each story is a list
of commands, one after the other in one folder with one ledger. False-alarm rate of the sampled ones: 1e-6 a verdict.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
import typer

from standin import ChildStandIn
from stinespring.cli.main import VERBS

SCRIPT = Path(sys.executable).with_name("stinespring")
DEVICE = "ibm_small"

COMPILED = (
    "schedule extension phases qubits clbits two_qubit_gates two_qubit_depth depth mid_circuit_measurements conditions "
    "tvd_bound seconds hash"
)
CHECKED = "verdict p_value tvd tvd_low tvd_high tvd_noise_floor resolution shots"
RAN = f"{CHECKED} seconds counts cost"
ESTIMATED = f"{COMPILED} duration_s circuits jobs qpu_seconds expected_tvd shots_for_verdict"
TRAINED = "kl_per_token entropy_floor tokens parameters seconds ngrams names cross_entropy"
SUBMITTED = "id state jobs estimate"
LISTED = {"jobs": "id state backend shots created remote message"}
OFFERED = {"backends": "name installed qubits mid_circuit_measurement reset conditions noise probed"}
POINTS = {"points": "after layer entropy top", "operators": "layer part overlap norm_delta_psi v_dot_psi_in"}
STUDIED = {"operators": "layer part mean_cos_U floor_U mean_cos_H norm_mean_delta_psi p_value_H"}
SPHERE = "coefficients one_norm success_probability updated"
SURE = "--alpha 1e-6 --resolution 0.3"

TEXT = "texts.json --prompt a --steps 2"
FEW = f"{TEXT} --effort 0 --shots 400"
SPINS, PARTICLES, CHANNEL, GLASS = "spins.json", "sphere.json", "examples/amplitude_damping.npz", "glassllm:en --prompt Alice"

FILES = {
    "texts.json": {
        "format": "stinespring/table@1", "tokens": ["a", "b"], "context": 1, "law": [[0.3, 0.7], [0.6, 0.4]],
    },
    "spins.json": {
        "format": "stinespring/spins@1", "eps": 0.1, "gamma": 2, "beta": 1.0,
        "features": {"q": [[1, -1]], "k": [[1, 1]], "v": [[-1, 1]], "o": [[1, -1]]},
        "position_features": {"q": [[1]], "k": [[1]], "v": [[-1]], "o": [[-1]]},
        "repeat": 1, "time": 0, "window": [[1, -1], [1, 1]],
    },
    "sphere.json": {
        "format": "stinespring/sphere@1", "particles": [[1.0, 0.2], [0.3, -1.0]], "beta": 1.0, "normalise": "SA",
        "kernel": "plain", "perceptron": None, "direction": "ascent", "field": "projected", "step": 0.3,
    },
    "wrong.json": {"format": "stinespring/samples@1", "counts": {"a a": 400, "b b": 10}},
    "signs.json": {"format": "stinespring/samples@1", "counts": {"++": 5, "+-": 5, "-+": 5, "--": 5}},
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A command, and what must come of it.

    Attributes:
        words: after ``stinespring``.
        status: of the process.
        keys: that the object on stdout has; None: there is no ``--json``, and stdout is text.
        each: keys of every entry of a list in the object.
        values: that the object has.
    """

    words: str
    status: int = 0
    keys: str | None = None
    each: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """The words, with ``--json`` where an object is expected."""
        return shlex.split(self.words) + ["--json"] * (self.keys is not None)


def asked(words: str, keys: str, status: int = 0, each: Mapping[str, str] | None = None, **values: object) -> Call:
    """Return a command with ``--json``."""
    return Call(words, status, keys, each or {}, values)


def anything(file: str, what: str, *, more: str = "", compiled: str = COMPILED) -> tuple[Call, ...]:
    """Return the common verbs for a source of whatever kind: what was asked follows the file's name."""
    source = f"{file} {what}".strip()
    return (
        asked(f"compile {source} {more} -o any.qasm", compiled),
        asked(f"run {source} {more} --shots 4000 --seed 1 {SURE}", RAN, verdict="PASS"),
        asked(f"estimate {source} {more} --shots 4000 --backend aer", ESTIMATED),
        asked(f"submit {source} {more} --shots 4000 --seed 2 --backend aer --yes", SUBMITTED, state="done"),
        asked("export latest -o any_counts.json", "id"),
        asked(f"check {source} --counts any_counts.json {SURE}", CHECKED, verdict="PASS"),
    )


LOCAL = {
    "aer": "aer",
    "fake": "fake:manila",
    "dask": "dask:local?workers=1",
    "braket": "braket:local",
}
NEEDS = {"dask": "distributed", "braket": "braket.default_simulator", "fake": "qiskit_ibm_runtime", "ibm": "qiskit_ibm_runtime"}

STORIES: dict[str, tuple[Call, ...]] = {
    "version": (Call("--version"), Call("--help")),
    "unknown verb": (Call("compute", 2),),
    "law": (
        asked("law examples/two_tokens.json --prompt 'a b' --steps 2", "format joint", format="stinespring/law@1"),
        Call(f"law {TEXT}"),
    ),
    "train": (
        asked(
            "train texts.json -o trained.json --context 4 --heads 1 --mlp 2 --steps 3 --samples 400",
            TRAINED,
            tokens=2,
            context=4,
        ),
        asked(f"run trained.json --prompt 'a b' --steps 1 --effort 0 --shots 2000 --seed 1 {SURE}", RAN, verdict="PASS"),
    ),
    "compile": (
        asked(f"compile {TEXT} --effort 0 -o p.qasm", COMPILED),
        asked(f"compile {TEXT} --effort 0 --schedule dynamic --target fake:boston", COMPILED, schedule="dynamic"),
    ),
    "check fails": (asked(f"check {TEXT} --counts wrong.json", CHECKED, 1, verdict="FAIL"),),
    "run is not sure": (asked(f"run {TEXT} --effort 0 --shots 3 --seed 1", RAN, 3, verdict="UNVERIFIED"),),
    "bad input": (Call(f"run {TEXT} --shots 0", 2), Call("law no_such_file.json --prompt a --steps 1", 2)),
    "run for people": (Call(f"run {FEW} --seed 1 {SURE} --plot figure.png"),),
    **{
        f"run on {name}": (asked(f"run {FEW} --seed 1 {SURE} --backend {backend}", RAN, verdict="PASS"),)
        for name, backend in LOCAL.items()
    },
    **{f"estimate on {name}": (asked(f"estimate {FEW} --backend {LOCAL[name]}", ESTIMATED),) for name in ("aer", "fake")},
    "life of a run on aer": (
        asked(f"submit {FEW} --seed 1 --backend aer --yes", SUBMITTED, state="done"),
        asked("jobs", "jobs", each=LISTED),
        asked(f"fetch latest {SURE}", f"state {RAN}", verdict="PASS"),
        asked("resume latest", "id state", state="done"),
        asked("export latest -o counts.json", "id"),
        asked(f"check {TEXT} --counts counts.json {SURE}", CHECKED, verdict="PASS"),
    ),
    "estimate on ibm": (asked(f"estimate {FEW} --backend ibm:{DEVICE}", ESTIMATED),),
    "run on ibm": (asked(f"run {FEW} --seed 1 {SURE} --backend ibm:{DEVICE}", RAN, verdict="PASS"),),
    "life of a run on ibm": (
        asked(f"submit {FEW} --seed 1 --backend ibm:{DEVICE} --yes", SUBMITTED, state="submitted"),
        asked("jobs", "jobs", each=LISTED),
        asked("resume latest", "id state"),
        asked(f"fetch latest --wait 60 {SURE}", f"state {RAN}", verdict="PASS"),
        asked("export latest -o counts.json", "id"),
        asked(f"check {TEXT} --counts counts.json {SURE}", CHECKED, verdict="PASS"),
    ),
    "cancel on ibm": (
        asked(f"submit {FEW} --seed 1 --backend ibm:{DEVICE} --yes", SUBMITTED, state="submitted"),
        asked("cancel latest", "id state", state="cancelled"),
        asked("fetch latest", "state", 4, state="cancelled"),
    ),
    "backends": (
        asked("backends", "backends", each=OFFERED),
        asked(f"backends --backend ibm:{DEVICE} --save-calibration calibration.json", "file"),
    ),
    "channel": (
        asked(f"channel {CHANNEL} --effort 0 -o c.qasm", f"{COMPILED} rank choi_error"),
        asked(f"verify-channel {CHANNEL} c.qasm", "verdict", verdict="PASS"),
    ),
    "lens": (
        asked(f"lens {GLASS}", "points operators floor_U", each=POINTS),
        asked(f"lens compile {GLASS} --upto 0 --simplify state -o l.qasm", COMPILED),
        asked(f"lens run {GLASS} --upto 0 --simplify state --shots 400 --seed 1 --alpha 1e-6 --resolution 0.5", CHECKED),
        asked("lens study glassllm:en --prompts examples/lens_prompts.txt --permutations 9", "prompts operators", each=STUDIED),
        asked("lens train glassllm:en -o l.safetensors --positions 40 --steps 1", "points"),
    ),
    "spins simulated": (
        Call("spins new -o new.json --features 1 --columns 2 --position-bits 1 --seed 1"),
        asked("spins step new.json", "attention_weights A h p_plus"),
        asked(f"spins run {SPINS} --steps 2 --runs 10 --seed 1", "mean standard_error"),
        asked(f"spins meanfield {SPINS} --steps 2", "A m_o"),
        asked(f"spins lyapunov {SPINS} --transient 10 --steps 20", "exponents standard_errors cycle"),
        asked(f"spins cycle {SPINS} --length 2 --transient 10", "A stable"),
        asked(f"spins diagram {SPINS} --betas 0.5:1:2 --transient 4 --keep 2 -o d.npz", "betas"),
        asked(f"spins spectrum {SPINS} --steps 16 --transient 4", "peaks"),
    ),
    "spins as circuits": (
        asked(f"spins compile {SPINS} --steps 1 --schedule dynamic -o s.qasm", COMPILED),
        asked(f"spins sample {SPINS} --steps 1 --shots 2000 --seed 1 {SURE}", "verdict p_value", verdict="PASS"),
        asked(f"spins check {SPINS} --steps 1 --counts signs.json", "verdict p_value", 3, verdict="UNVERIFIED"),
    ),
    "sphere simulated": (
        Call("sphere new -o new.json --particles 2 --beta 1 --dimension 2"),
        asked("sphere run new.json --steps 2 -o run.npz", "positions energy residual clusters converged"),
        asked(f"sphere analyse {PARTICLES}", "atoms energy"),
        asked(f"sphere claims {PARTICLES}", "verdict claims", 3, verdict="UNVERIFIED"),
    ),
    "sphere as circuits": (
        asked(f"sphere compile {PARTICLES} --particle 0 -o x.qasm", f"{SPHERE} {COMPILED}"),
        asked(f"sphere sample {PARTICLES} --particle 0 --shots 2000 --seed 1 {SURE}", CHECKED, verdict="PASS"),
        asked(f"sphere overlaps {PARTICLES} --shots 2000 --seed 1 {SURE}", CHECKED, verdict="PASS"),
    ),
    "any source: spins": anything(SPINS, "--steps 1"),
    "any source: sphere": anything(PARTICLES, "--particle 0", compiled=f"{SPHERE} {COMPILED}"),
    "any source: lens": anything("glassllm:en", "--prompt Alice --lens logit --upto 0", more="--simplify state"),
    "any source: channel": anything(CHANNEL, "", more="--effort 0", compiled=f"{COMPILED} rank choi_error"),
}


def verb(call: Call) -> str:
    """Return the verb of a command: one word or two, or nothing."""
    pair = " ".join(call.words.split()[:2])
    return pair if pair in known() else call.words.partition(" ")[0]


def known() -> set[str]:
    """Return all verbs, and the second words of those that have verbs of their own."""
    return {*VERBS, *(f"{name} {second}" for name in VERBS for second in seconds(name))}


def seconds(name: str) -> list[str]:
    """Return the verbs below a verb."""
    module, function, _ = VERBS[name]
    found = getattr(import_module(module), function)
    if not isinstance(found, typer.Typer):
        return []
    return [str(command.name or command.callback.__name__) for command in found.registered_commands]


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The stand-in of IBM's service in a process of its own, one for all stories of a worker."""
    pytest.importorskip("qiskit_ibm_runtime")
    folder = tmp_path_factory.mktemp("standin")
    with ChildStandIn(folder / "state.json", devices=(f"{DEVICE}=boston:6@1",)) as child:
        yield child.env(folder / "home")


@pytest.fixture
def folder(tmp_path, examples):
    """A folder with the sources, in which the commands run."""
    (tmp_path / "examples").symlink_to(examples)
    for name, content in FILES.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


def executed(words: list[str], folder: Path, env: Mapping[str, str] = {}) -> tuple[int, str, str]:
    """Run the installed command in a process of its own: exit status, stdout, stderr."""
    assert SCRIPT.exists(), "the package is installed with its command"
    home = {"STINESPRING_HOME": str(folder / "ledger"), "COLUMNS": "120"}
    done = subprocess.run(
        [str(SCRIPT), *words], cwd=folder, env=os.environ | home | env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", STORIES)
def test_story(name, folder, request):
    for kind, module in NEEDS.items():
        if any(f" {kind}:" in call.words for call in STORIES[name]):
            pytest.importorskip(module)
    on_ibm = any("ibm:" in call.words for call in STORIES[name])
    env = request.getfixturevalue("service") if on_ibm else {}
    for call in STORIES[name]:
        status, out, err = executed(call.command, folder, env)
        assert status == call.status, f"stinespring {call.words}\n{status}\n{out}\n{err}"
        assert "Traceback" not in err and "Fatal Python error" not in err, err
        if status not in (0, 1, 3):
            assert 0 < len(err.splitlines()) <= 12, err
        if call.keys is None:
            continue
        content = json.loads(out)  # one object and nothing else
        assert set(call.keys.split()) <= set(content), call.words
        assert {key: content[key] for key in call.values} == call.values, call.words
        for entries, keys in call.each.items():
            assert content[entries] and all(set(keys.split()) <= set(entry) for entry in content[entries]), call.words


def test_alone_it_names_its_verbs(folder):
    status, out, err = executed([], folder)
    assert (status, out) == (2, "") and "no verb given" in err
    assert all(f"  {name} " in err for name in VERBS)


HELPED = (
    "law train compile run estimate submit jobs fetch resume cancel export backends check channel verify-channel lens spins "
    "sphere"
).split() + [
    *(f"lens {second}" for second in "compile run study train".split()),
    *(f"spins {second}" for second in "step run meanfield lyapunov cycle diagram spectrum new compile sample check".split()),
    *(f"sphere {second}" for second in "run new analyse claims compile sample overlaps".split()),
]


@pytest.mark.parametrize("words", HELPED)
def test_help(words, folder):
    status, out, err = executed([*words.split(), "--help"], folder)
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: stinespring {words} ") and "--help" in out


def test_every_verb_has_a_story():
    """Also those below another verb; and all of them have been asked for help."""
    families = {name for name in VERBS if seconds(name)}
    assert known() - families <= {verb(call) for calls in STORIES.values() for call in calls}
    assert known() == set(HELPED)
