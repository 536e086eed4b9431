# SPDX-License-Identifier: Apache-2.0
"""``stinespring train``: attention blocks from a text, or from a larger model."""

from __future__ import annotations

import time
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from stinespring.cli import options, paths
from stinespring.cli.output import print_json, progress
from stinespring.cli.screen import print_table, say, wrote
from stinespring.errors import InputError
from stinespring.models.decoders.names import is_named
from stinespring.models.load import load
from stinespring.models.texts.base import TextModel
from stinespring.models.training.train import Sizes, train
from stinespring.writing import write_whole

Source = Annotated[str, typer.Argument(metavar="TEXT|MODEL", help="A text file, or a model to distil: a file or a name.")]
ModelFile = Annotated[Path, typer.Option("-o", "--output", callback=paths.written("model", ".json"), help="FILE.json.")]
Tokens = Annotated[
    int | None, typer.Option("--tokens", help="d, 2 to 32: default 16 characters of a text, 8 tokens of a model.")
]
Context = Annotated[int, typer.Option("--context", help="How many tokens back the block reads, 1 to 8.")]
Heads = Annotated[
    int | None, typer.Option("--heads", help="So many places are copied at a time: default 3 of a text, 4 of a model.")
]
Mlp = Annotated[int, typer.Option("--mlp", help="Neurons of the hidden layer; 0 for a linear map.")]
TrainingSteps = Annotated[int, typer.Option("--steps", help="At most so many iterations of L-BFGS.")]
TrainingSeed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same model.")]
Longest = Annotated[
    int | None,
    typer.Option("--longest", help="The longest text, prompt included, the model can be used for: default context + 12."),
]
Samples = Annotated[int, typer.Option("--samples", help="Of a model: how many contexts are drawn.")]
Start = Annotated[str | None, typer.Option("--prompt", help="Of a model: where texts begin whose likeliest tokens are kept.")]
Decay = Annotated[
    float | None, typer.Option("--decay", min=0.0, help="Of the parameters' squares: default 6 / characters, 3e-5 for a model.")
]


def train_(
    source: Source,
    output: ModelFile,
    tokens: Tokens = None,
    context: Context = 4,
    heads: Heads = None,
    mlp: Mlp = 64,
    steps: TrainingSteps = 500,
    seed: TrainingSeed = 0,
    longest: Longest = None,
    prompt: Start = None,
    samples: Samples = 1 << 16,
    decay: Decay = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    temperature: options.Temperature = None,
    json: options.Json = False,
) -> None:
    """Train one attention block by maximum likelihood and write it as a model file."""
    sizes = Sizes(tokens, context, heads, mlp, longest)
    sampling = {"top_k": top_k, "top_p": top_p, "temperature": temperature}
    read = named(source, prompt, sampling)
    begun = time.perf_counter()
    with progress("reading") as report:
        trained = train(read, sizes, steps=steps, seed=seed, prompt=prompt, samples=samples, decay=decay, report=report)
    write_whole(output, dumps(trained.content, ensure_ascii=False, separators=(",", ":")) + "\n")
    wrote(output)
    found = trained.figures | {"seconds": time.perf_counter() - begun, "files": [str(output)]}
    if json:
        print_json(found)
    else:
        show(found)


def named(source: str, prompt: str | None, sampling: dict[str, Any]) -> Path | TextModel:
    """Return the text's path, or the model that a word names."""
    path = Path(source)
    if is_named(source) or path.suffix in (".json", ".npz") or (":" in source and not path.exists()):
        model = load(source, **sampling)
        if not isinstance(model, TextModel):
            raise InputError("only models of texts are distilled", got=source, expected="a text file or a model of texts")
        return model
    given = [name for name, value in {"prompt": prompt, **sampling}.items() if value is not None]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise InputError(f"{option} belongs to models", got=f"{source}: a text", todo="leave it out")
    return path


def show(found: dict[str, Any]) -> None:
    """Print the figures for people."""
    heads = f"the block, {found['heads']} heads" if found["heads"] > 1 else "the block, one head"
    rows = [(heads, found["kl_per_token"])] + [
        (f"{row['context']} back: n-gram", row["kl_per_token"]) for row in found["ngrams"]
    ]
    table = [[name, f"{kl['train']:.4f}", f"{kl['held_out']:.4f}"] for name, kl in rows]
    table.append(["entropy floor", *(f"{found['floors'][part]:.4f}" for part in ("train", "held_out"))])
    print_table(f"KL per token in nats: {found['source']}", ["", "train", "held out"], table)
    kept = found["iterations"]
    say(
        f"{found['parameters']:,} parameters, {found['tokens']} tokens, {kept['kept']} of {kept['all']} iterations kept, "
        f"{found['seconds']:.1f} s"
    )
