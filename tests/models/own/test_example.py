# SPDX-License-Identifier: Apache-2.0
"""The example package: its model by file and by entry point, its script, and its PyTorch decoder under the lens."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import InputError

TORCH = "the decoder of the example is a PyTorch module, and PyTorch is in no extra that the tests need"


@pytest.fixture
def package(examples):
    return examples / "own_model"


@pytest.fixture
def installed(package, tmp_path, monkeypatch):
    """What pip leaves of the package: its metadata, with the entry points of its pyproject.toml."""
    told = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = tmp_path / "own_model-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    points = told["entry-points"]["stinespring.models"]
    (info / "entry_points.txt").write_text("[stinespring.models]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(package)
    yield points
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_model"]:
        del sys.modules[name]


def test_the_class_has_eleven_lines(package):
    text = (package / "own_model" / "weather.py").read_text()
    first, last = text.index("class Weather"), len(text)
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert len(text[first:last].strip().splitlines()) + len(imports) == 11


def test_by_file_and_by_entry_point(package, installed, invoke, monkeypatch):
    monkeypatch.chdir(package)
    words = ("--prompt", "sun", "--steps", "2", "--json")
    laws = []
    for name in ("own_model/weather.py:Weather", "weather"):
        status, out, err = invoke("law", name, *words)
        assert status == 0, err
        laws.append(json.loads(out)["joint"])
        assert invoke("run", name, *words, "--shots", "20000", "--seed", "1")[0] == 0
    assert laws[0] == laws[1] and laws[0]["rain snow"] == pytest.approx(0.2 * 0.2)
    assert set(installed) == {"weather", "net"} and ss.load("weather").name == "weather"


def test_the_script(package, capsys):
    spec = importlib.util.spec_from_file_location("own_model_verdict", package / "verdict.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main() and capsys.readouterr().out.count("PASS") == 3


def test_the_readme_names_what_is_there(package):
    for name in re.findall(r"^\| `([^`]+)`", (package / "README.md").read_text(), re.MULTILINE):
        assert (package / name).is_file(), name


# ------------------------------------------------------------------------------------------------------------- PyTorch


@pytest.fixture
def decoder(package, monkeypatch):
    pytest.importorskip("torch", reason=TORCH)
    return ss.lens.load_decoder(f"{package / 'own_model' / 'net.py'}:net")


def test_the_lens_sees_the_stream(decoder):
    """Held against the module itself: what its parts give, called one by one without hooks."""
    import torch

    net, text = decoder.module, np.array([[0, 1, 3, 4]])
    with torch.no_grad():
        x = net.token(torch.from_numpy(text)) + net.place(torch.arange(4))
        wanted = [x.numpy()]
        for block in net.blocks:
            y = block.norm1(x)
            mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), diagonal=1)
            x = x + block.attention(y, y, y, attn_mask=mask, need_weights=False)[0]
            wanted.append(x.numpy())
            x = x + block.mlp(block.norm2(x))
            wanted.append(x.numpy())
        last = torch.softmax(net(torch.from_numpy(text))[0, -1].double(), dim=0).numpy()
    assert [str(point) for point in decoder.points] == ["embedding", "attention 0", "mlp 0", "attention 1", "mlp 1"]
    assert decoder.stream(text) == pytest.approx(np.stack(wanted), abs=1e-6)
    assert decoder.law(text)[0] == pytest.approx(last, abs=1e-6)
    states = ss.lens.read_states(decoder, "the cat sees a")
    assert states.law(4) == pytest.approx(last, abs=1e-5)


def test_the_lens_has_a_verdict(decoder):
    states = ss.lens.read_states(decoder, "the cat")
    assert ss.check(ss.run(ss.compile(states, upto=2), shots=20_000, seed=1)).verdict == "PASS"
    model = ss.load(decoder, top_k=3)
    assert ss.check(ss.run(ss.compile(model, prompt="the cat", steps=2), shots=20_000, seed=1)).verdict == "PASS"


def test_what_the_hooks_cannot_read_is_refused(decoder, package):
    import torch
    from torch import nn

    net = decoder.module
    words = decoder.tokens
    right = {"tokens": words, "layers": net.blocks, "norm": net.norm, "unembedding": net.head, "longest": 32}
    biased = nn.Linear(16, 12)
    for given, says in (
        ({"norm": net.blocks[0].norm1}, "logits differ"),
        ({"layers": net.blocks[:1]}, "logits differ"),
        ({"unembedding": biased}, "bias"),
        ({"tokens": 11}, "12 rows of the unembedding for 11 tokens"),
        ({"middle": "norm3"}, "no module 'norm3'"),
        ({"norm": net.head}, "final norm is a Linear"),
    ):
        if given.get("norm") is net.blocks[0].norm1:
            nn.init.constant_(net.blocks[0].norm1.weight, 2.0)
        with pytest.raises(InputError, match=says):
            ss.lens.from_torch(net, **{**right, **given})

    class Ahead(nn.Module):
        def forward(self, ids):
            return net(ids).flip(1)

    with pytest.raises(InputError, match="no causal decoder"):
        ss.lens.from_torch(Ahead(), **right)

    class Broken(nn.Module):
        def forward(self, ids):
            raise RuntimeError("no luck")

    with pytest.raises(InputError, match="no luck"):
        ss.lens.from_torch(Broken(), **right)
    with pytest.raises(InputError, match="gives no logits"):
        ss.lens.from_torch(nn.Embedding(12, 5), **right)
    torch.nn.init.constant_(net.head.weight, float("nan"))
    with pytest.raises(InputError, match="not finite"):
        ss.lens.from_torch(net, **right)


def test_weights_tell_decoders_apart(decoder, package):
    import torch

    again = ss.lens.load_decoder(f"{package / 'own_model' / 'net.py'}:net")
    assert again.fingerprint() == decoder.fingerprint()
    with torch.no_grad():
        again.inner.module.head.weight[0, 0] += 1e-3
    del again.inner.__dict__["_weights"]
    assert again.fingerprint() != decoder.fingerprint()
