"""Dynamics on the sphere against plain loops over the formulas, the two ways of summing, schemes, clusters, checkpoints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oracles import plain_sphere as plain
from stinespring.errors import InputError
from stinespring.models.sphere.clusters import atoms, cluster_threshold, greedy_arcs, heaviest_arc, single_linkage
from stinespring.models.sphere.direct import DirectSums
from stinespring.models.sphere.dynamics import Dynamics
from stinespring.models.sphere.files import random_model, read_sphere, sphere_from
from stinespring.models.sphere.series import SeriesSums
from stinespring.models.sphere.simulate import simulate
from strategies import sphere_models


@given(sphere_models())
def test_steps_field_and_energy_against_loops(data):
    model = sphere_from(data)
    xs = [plain.unit(x) for x in data["particles"]]
    try:
        for _ in range(3):
            xs = plain.euler(data, xs)
    except (OverflowError, ZeroDivisionError):
        assume(False)
    run = simulate(model, steps=3)
    # one step of h = 0.3 with |field| up to e^10 turns errors of 1e-16 into at most 1e-9
    np.testing.assert_allclose(run.positions, xs, atol=1e-9)
    assert run.residual == pytest.approx(plain.residual(data, run.positions.tolist()), rel=1e-9, abs=1e-12)
    in_gradient = all(name not in data for name in ("query", "key", "value"))
    if in_gradient and "output" not in (data["perceptron"] or {}):
        assert run.energy == pytest.approx(plain.energy(data, run.positions.tolist()), rel=1e-11, abs=1e-13)
    elif any(name in data for name in ("query", "key", "value")):
        assert run.energy is None


@given(st.sampled_from([2, 3]), st.sampled_from([0.01, 1.0, 9.0, 16.0, 50.0]), st.integers(1, 400), st.integers(0, 99))
def test_series_equals_direct_sums(d, beta, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    x[0] = np.eye(d)[-1]  # a pole
    x /= np.linalg.norm(x, axis=1)[:, None]
    value = rng.normal(size=(d, d))
    shift = beta if beta > 1 else 0.0
    plain_sums = DirectSums(n, d, beta, np.eye(d), value, shift)(x).copy()
    scale = n * np.exp(beta - shift) * np.linalg.norm(value)
    series = [SeriesSums(n, d, beta, value, shift)] if d == 2 or beta <= 16 else []
    for sums in (DirectSums(n, d, beta, None, value, shift), *series):
        assert abs(sums(x) - plain_sums).max() <= 1e-13 * scale


def test_series_in_chunks_that_are_not_kept(monkeypatch):
    from stinespring.models.sphere import series

    monkeypatch.setattr(series, "KEPT_ENTRIES", 0)
    monkeypatch.setattr(series, "CHUNK_ENTRIES", 1)
    x = random_model(particles=333, dimension=3, beta=1.0, seed=1).particles
    np.testing.assert_allclose(SeriesSums(333, 3, 2.0, None, 0.0)(x), DirectSums(333, 3, 2.0, None, None, 0.0)(x), rtol=1e-12)


def test_scores_beyond_the_range_of_floats():
    """SA looks for each row's largest score; USA says that the kernel overflows, or scales it."""
    data = {"format": "stinespring/sphere@1", "particles": [[1, 0], [0, 1], [-1, 0.1]], "beta": 2000.0, "normalise": "SA"}
    for matrices in ({}, {"query": [[-1, 0.5], [0, 2]]}):
        model = sphere_from(data | matrices)
        assert np.isfinite(simulate(model, steps=3).positions).all()
    with pytest.raises(InputError, match="overflows"):
        simulate(sphere_from(data | {"normalise": "USA"}), steps=1)
    scaled = simulate(sphere_from(data | {"normalise": "USA", "kernel": "scaled"}), steps=1)
    assert scaled.energy.attention == pytest.approx(3 / (2 * 2000 * 9))


@pytest.mark.parametrize(("scheme", "order"), [("euler", 1), ("rk4", 4)])
def test_order_of_convergence(scheme, order):
    """Halving the step divides the error at a fixed time by 2^order; tanh is smooth."""
    base = random_model(particles=9, dimension=3, beta=2.0, hidden=3, seed=3, activation="tanh", step=0.2)
    reference = simulate(random_like(base, 0.2 / 64), steps=5 * 64, scheme="rk4").positions
    errors = [abs(simulate(random_like(base, 0.2 / r), steps=5 * r, scheme=scheme).positions - reference).max() for r in (2, 4)]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.25)


def random_like(model, step):
    from dataclasses import replace

    return replace(model, step=step)


@given(sphere_models(max_particles=6, gradient=True), st.sampled_from(["plain", "scaled"]))
@settings(max_examples=15)
def test_adaptive_steps_move_the_energy_one_way(data, kernel):
    data = data | {"normalise": "USA", "kernel": kernel}
    run = simulate(sphere_from(data), steps=30, scheme="adaptive", every=1)
    assert run.wrong_steps == 0
    sign = 1 if data["direction"] == "ascent" else -1
    energies = [plain.energy(data, x.tolist()) for x in run.record.positions]  # summed without the package
    for before, after in pairwise(energies):
        assert sign * (sum(after) - sum(before)) >= -1e-12 * max(abs(before[0]) + abs(before[1]), 1e-300)


def test_adaptive_follows_the_flow():
    model = random_model(particles=20, dimension=3, beta=3.0, hidden=3, seed=8, activation="gelu", direction="descent")
    run = simulate(model, steps=60, scheme="adaptive", tolerance=1e-9)
    steps = 4000
    reference = simulate(random_like(model, run.time / steps), steps=steps, scheme="rk4")
    assert abs(run.positions - reference.positions).max() < 1e-6


def test_convergence_and_stopping():
    model = random_model(particles=12, dimension=3, beta=1.0, seed=1)
    run = simulate(model, steps=5000, scheme="adaptive", stop=True, converged=1e-9)
    assert run.converged and run.step < 5000
    assert plain.residual(model.content(), run.positions.tolist()) < 1e-8
    assert not simulate(model, steps=1).converged


@given(st.integers(1, 40), st.sampled_from([2, 3]), st.floats(0.01, 1.0), st.integers(0, 99))
def test_single_linkage_is_connected_components(n, d, threshold, seed):
    import networkx

    x = random_model(particles=n, dimension=d, beta=1.0, seed=seed).particles
    graph = networkx.Graph()
    graph.add_nodes_from(range(n))
    angle = lambda a, b: 2 * np.arcsin(min(1.0, np.linalg.norm(a - b) / 2))  # noqa: E731
    graph.add_edges_from((i, j) for i in range(n) for j in range(i) if angle(x[i], x[j]) <= threshold)
    sizes = sorted(map(len, networkx.connected_components(graph)))
    labels = single_linkage(x, threshold)
    assert sorted(np.bincount(labels).tolist()) == sizes
    assert labels[0] == 0
    points, masses = atoms(x, threshold)
    assert len(points) == len(sizes)
    assert masses.sum() == pytest.approx(1)


@given(st.integers(1, 30), st.floats(0.05, 2.0), st.integers(0, 99))
def test_greedy_arcs_against_a_search(n, length, seed):
    x = random_model(particles=n, dimension=2, beta=1.0, seed=seed).particles
    angles = np.arctan2(x[:, 1], x[:, 0]).tolist()
    inside = lambda a, b: (b - a) % (2 * np.pi) <= length  # noqa: E731
    fullest = max(sum(inside(a, b) for b in angles) for a in angles)
    sizes = greedy_arcs(x, length)
    assert sizes[0] == fullest
    assert sum(sizes) == n
    assert heaviest_arc(x, length) == pytest.approx(fullest / n)


def test_threshold_of_clusters():
    assert cluster_threshold(25.0, 2) == pytest.approx(0.1)
    assert cluster_threshold(0.01, 3) == pytest.approx(np.pi / 6)


@given(sphere_models())
def test_files_read_back(data):
    model = sphere_from(data)
    again = sphere_from(json.loads(json.dumps(model.content())))
    np.testing.assert_allclose(again.particles, model.particles, rtol=1e-15)
    assert (again.beta, again.field, again.step) == (model.beta, model.field, model.step)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"particles": [[0.0, 0.0], [1.0, 0.0]]}, "a particle is zero"),
        ({"particles": [[1.0], [1.0]]}, "too few coordinates"),
        ({"particles": [[1.0, 0.0], [1.0]]}, "ragged"),
        ({"beta": 0}, "'beta'"),
        ({"beta": float("inf")}, "not finite"),
        ({"normalise": "softmax"}, "'normalise'"),
        ({"step": -1}, "'step'"),
        ({"query": [[1.0]]}, "wrong shape"),
        ({"perceptron": {"directions": [[1, 0]], "weights": [1, 2], "activation": "relu"}}, "wrong shape"),
        ({"perceptron": {"directions": [[1, 0]], "weights": [1], "activation": "sigmoid"}}, "'activation'"),
        ({"perceptron": {"weights": [1], "activation": "relu"}}, "lacks"),
        ({"perceptorn": None}, "unknown field"),
        ({"format": "stinespring/table@1"}, "no sphere model"),
    ],
)
def test_bad_files(tmp_path, change, message):
    data = {"format": "stinespring/sphere@1", "particles": [[1.0, 0.0], [0.0, 1.0]], "beta": 1.0} | change
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        read_sphere(path)


@pytest.mark.parametrize("scheme", ["euler", "adaptive"])
def test_a_run_goes_on_to_the_last_bit(tmp_path, scheme):
    model = random_model(particles=30, dimension=2, beta=5.0, hidden=2, seed=2, kernel="scaled", direction="descent")
    whole = simulate(model, steps=40, scheme=scheme, every=7)
    file = tmp_path / "c.npz"
    simulate(model, steps=17, scheme=scheme, every=7, checkpoint=file)
    run = simulate(model, steps=40, scheme=scheme, every=7, checkpoint=file)
    assert np.array_equal(run.positions, whole.positions)
    assert run.time == whole.time
    kept, wanted = run.record.arrays(), whole.record.arrays()
    assert [s for s in kept["steps"].tolist() if s % 7 == 0 or s == 40] == wanted["steps"].tolist()
    with pytest.raises(InputError, match="another run"):
        simulate(random_like(model, 0.01), steps=40, scheme=scheme, every=7, checkpoint=file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        simulate(model, steps=40, scheme=scheme, every=7, checkpoint=file)


def test_kill_at_any_moment(tmp_path):
    """A run that is killed again and again, while it writes checkpoints all the time, ends where an undisturbed one ends."""
    model = random_model(particles=40, dimension=3, beta=2.0, seed=4)
    (tmp_path / "m.json").write_text(json.dumps(model.content()))
    file = tmp_path / "c.npz"
    code = (
        "from stinespring.models.sphere.files import read_sphere; from stinespring.models.sphere.simulate import simulate;"
        "simulate(read_sphere('m.json'), steps=10**9, checkpoint='c.npz', checkpoint_seconds=0.0)"
    )
    steps = 0
    for pause in (0.1, 0.23):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        before = file.stat().st_mtime_ns if file.exists() else 0
        while child.poll() is None and time.monotonic() < deadline and not (file.exists() and file.stat().st_mtime_ns > before):
            time.sleep(0.01)
        time.sleep(pause)
        assert child.poll() is None, child.stderr.read()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stderr.close()
        with np.load(file) as data:
            assert int(data["step"]) > steps
            steps = int(data["step"])
            found = data["positions"]
    read = read_sphere(tmp_path / "m.json")
    assert np.array_equal(found, simulate(read, steps=steps).positions)


def test_memory_stays_bounded():
    """10,000 particles: the working arrays of one evaluation, not n^2 numbers (800 MB)."""
    import tracemalloc

    model = random_model(particles=10_000, dimension=3, beta=1.0, hidden=3, seed=1)
    for sums in ("direct", "series"):
        tracemalloc.start()
        Dynamics(model, sums=sums)(model.particles)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6


def test_series_only_where_there_is_one():
    with pytest.raises(InputError, match="no series"):
        Dynamics(random_model(particles=5, dimension=4, beta=1.0, seed=1), sums="series")
    with pytest.raises(InputError, match="no series"):
        Dynamics(random_model(particles=5, dimension=3, beta=17.0, seed=1), sums="series")


@pytest.mark.parametrize("d", [3, 5])
def test_a_run_at_rest_goes_on(d):
    """At a stationary point the error of a step is 0: steps must not grow until they are infinite."""
    run = simulate(random_model(particles=12, dimension=d, beta=1.0, seed=1), steps=700, scheme="adaptive")
    assert run.converged and run.step == 700 and run.wrong_steps == 0
    assert np.isfinite(run.time)
