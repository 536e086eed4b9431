# SPDX-License-Identifier: Apache-2.0
"""The options that several verbs share, each declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from stinespring.circuits.qasm.dialects import require_dialect
from stinespring.cli import paths
from stinespring.cli.words import names


def share_or_auto(text: Any) -> Any:
    """Return a number, or ``auto``."""
    try:
        return "auto" if text == "auto" else float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor auto") from None


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=names.model_names,
        help="A model file (.json), or a language model as glassllm:en or hf:FOLDER (docs/models.md).",
    ),
]
AnySource = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=names.model_names,
        help="A file of any source (.json, .npz), or a language model as glassllm:en or hf:FOLDER.",
    ),
]
Prompt = Annotated[
    str | None, typer.Option("--prompt", help="Token names separated by spaces; for a language model plain text.")
]
DecoderModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=names.lens_words,
        help="A language model as glassllm:en or hf:FOLDER (docs/models.md).",
    ),
]
TextPrompt = Annotated[str, typer.Option("--prompt", help="Plain text.")]
Lens = Annotated[
    str,
    typer.Option(
        "--lens",
        autocompletion=names.lens_names,
        help="logit, or tuned:FILE.safetensors that 'lens train' wrote.",
    ),
]
Upto = Annotated[
    int | None, typer.Option("--upto", help="Number of the point to measure at, 0 = embedding; default the last one.")
]
LayerTime = Annotated[float, typer.Option("--time", help="How much of the last operator acts: exp(-i H time); 1 is all.")]
SimplifyOption = Annotated[
    str,
    typer.Option(
        "--simplify",
        help="operators (merge neighbouring preparations), none, or state (prepare the last state).",
    ),
]
InputState = Annotated[
    Path | None,
    typer.Option(
        "--input-state",
        callback=paths.existing("input state"),
        help="Instead of --prompt: FILE.json, a superposition or mixture of texts.",
    ),
]
Level = Annotated[
    int | None, typer.Option("--level", help="N of the Fock space: texts of N tokens are left as they are; default no limit.")
]
Steps = Annotated[int, typer.Option("--steps", help="How many tokens to generate.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Remembered = Annotated[
    bool, typer.Option("--memory", help="What must be remembered between two steps: quantum states against classical ones.")
]
TopK = Annotated[int | None, typer.Option("--top-k", help="Texts: keep the K likeliest tokens of each law.")]
TopP = Annotated[
    float | None,
    typer.Option("--top-p", help="Texts: of these, the fewest likeliest that have at least the share P."),
]
Temperature = Annotated[float | None, typer.Option("--temperature", help="Texts: T in softmax(logits / T), or p^(1/T).")]
SpareOption = Annotated[
    str,
    typer.Option(
        "--spare",
        help="Spare codes where wrong bits land: detect, bit (one bit more a token), or any.",
    ),
]
TokenQubits = Annotated[
    str,
    typer.Option(
        "--token-qubits",
        metavar="B|all",
        help="stepwise: a token is measured in rounds of at most B qubits, or all at once.",
    ),
]
Layer = Annotated[
    int | None,
    typer.Option(
        "--layer", help="Language models: the law after this layer, 0 for the first, by the final norm and unembedding."
    ),
]
ScheduleOption = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="static, dynamic, stepwise or auto; on a device with noise auto takes what is predicted closest to the law "
        "(default: likewise, of programs without the host in the loop where one circuit holds the text).",
    ),
]
MaxQubits = Annotated[int | None, typer.Option("--max-qubits", help="Hard limit on the qubits of the program.")]
MaxGates = Annotated[int | None, typer.Option("--max-two-qubit-gates", help="Hard limit on the worst path.")]
MaxConditions = Annotated[int | None, typer.Option("--max-conditions", help="Hard limit on the 'if' statements.")]
FeedForward = Annotated[
    str,
    typer.Option(
        "--feed-forward",
        help="dynamic: none (quantum controls), all (measure before reading) or auto.",
    ),
]
ExtensionOption = Annotated[
    str,
    typer.Option(
        "--extension",
        help="token, position or dephased: which environment the dilation has.",
    ),
]
InputOption = Annotated[
    str | None,
    typer.Option(
        "--input",
        help="known (prompt folded in) or quantum (prompt kept as registers; default with --input-state).",
    ),
]
CodesOption = Annotated[
    str | None,
    typer.Option(
        "--codes",
        help="What decodes a reading: binary or free (one code a token), prefix (codes depend on the text before), texts (a "
        "table of whole texts). Default: prefix where it saves gates.",
    ),
]
PhasesOption = Annotated[
    str | None,
    typer.Option("--phases", help="exact (the isometry itself) or free (the measured law only)."),
]
Effort = Annotated[
    float | None,
    typer.Option("--effort", help="The seconds for numerical synthesis (default 0.4 to 2.4 by gates); 0 means closed forms."),
]
AncillaOption = Annotated[
    str,
    typer.Option(
        "--ancilla",
        help="One clean qubit for reflections: clean, none, or auto (where the target has room).",
    ),
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target",
        autocompletion=names.target_names,
        help="aer, line:N, grid:RxC, heavy-hex:D or fake:NAME: lower to a device.",
    ),
]
AttentionOption = Annotated[
    str,
    typer.Option(
        "--attention",
        help="dynamic: table (a law a context), rejection (long contexts) or auto.",
    ),
]
MemoryOption = Annotated[
    str,
    typer.Option(
        "--memory",
        help="What is carried from token to token: classical, quantum (overlapping states), or auto.",
    ),
]
Delays = Annotated[
    str,
    typer.Option(
        "--delays",
        help="With a device as target: none, pad (idle times), decouple (pairs of X in them) or stretch (beside conditions, "
        "with lengths that IBM's service finds).",
    ),
]
Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance", metavar="E|auto", parser=share_or_auto,
        help="TVD of the joint law that the compiler may spend; auto: what makes least of it and the target's noise together.",
    ),
]  # fmt: skip
Shots = Annotated[int, typer.Option("--shots", help="How many texts to sample.")]
Seed = Annotated[int | None, typer.Option("--seed", help="The same seed gives the same counts.")]
BackendOption = Annotated[
    str,
    typer.Option(
        "--backend",
        autocompletion=names.backend_names,
        help="For example aer, aer?noise=boston or fake:boston; see 'stinespring backends'.",
    ),
]
Plot = Annotated[
    Path | None, typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg): sampled against analytic.")
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", callback=paths.PAGE, help="Write a page with everything that was found."),
]
Alpha = Annotated[float, typer.Option("--alpha", help="False-alarm rate of the check.")]
Resolution = Annotated[float, typer.Option("--resolution", help="The TVD that a PASS must be able to detect.")]
Scope = Annotated[
    str,
    typer.Option(
        "--scope",
        autocompletion=names.words_of("scope"),
        help="What a PASS covers, of texts and spins: auto, all, contexts, pairs, triples, bits, ...",
    ),
]
Within = Annotated[
    str,
    typer.Option(
        "--within",
        autocompletion=names.words_of("within"),
        metavar="D|auto|none",
        help="Equivalence: PASS if the TVD is at most D for certain. auto: at the resolution, on backends with noise.",
    ),
]
MitigationOption = Annotated[
    str,
    typer.Option(
        "--mitigation",
        autocompletion=names.words_of("mitigation"),
        help="none; readout (undo a device's readout errors, also what they steered); flips (by random flips everywhere); "
        "always (what was recorded only).",
    ),
]
Detect = Annotated[
    bool, typer.Option("--detect", help="Drop shots whose readings tell an error, say how many, and judge the others.")
]
Verify = Annotated[
    str,
    typer.Option(
        "--verify",
        autocompletion=names.words_of("verify"),
        help="Follow the circuits exactly: auto (what takes about a second, all up to 10 qubits), all, none.",
    ),
]


Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", callback=paths.PROGRAM, help="FILE.qasm (with FILE.json beside it), or a folder for stepwise."
    ),
]
DialectOption = Annotated[
    str,
    typer.Option(
        "--dialect",
        autocompletion=names.words_of("dialect"),
        callback=require_dialect,
        help="The language of -o: qasm3 (the portable subset), braket (Amazon Braket's) or qasm2 (static programs).",
    ),
]
Particle = Annotated[int | None, typer.Option("--particle", help="sphere: which particle; 0 is the first.")]
Layers = Annotated[int, typer.Option("--layers", help="sphere: how many layers.")]
Amplify = Annotated[
    str,
    typer.Option("--amplify", help="sphere: rounds of amplitude amplification, or auto."),
]
OverlapTest = Annotated[
    str | None,
    typer.Option(
        "--test",
        help="sphere: overlaps of all pairs by hadamard (signed, with the energy) or swap.",
    ),
]
LensOption = Annotated[
    str | None,
    typer.Option(
        "--lens",
        autocompletion=names.lens_names,
        help="Read a decoder's layers: logit, or tuned:FILE.safetensors.",
    ),
]
EveryPoint = Annotated[bool, typer.Option("--every-point", help="lens: measure after every layer, a circuit for each point.")]
FormOption = Annotated[
    str,
    typer.Option("--form", help="channel: isometry, tree (one measured ancilla) or auto."),
]
SettingsOption = Annotated[int, typer.Option("--settings", help="channel: how many inputs and measurements are drawn.")]
StepsOption = Annotated[int | None, typer.Option("--steps", help="texts and spins: how many tokens to generate.")]

TEXTS, LENS, SPHERE, SPINS, CHANNEL = "texts", "lens", "sphere", "spins", "channel"
ANY = (TEXTS, LENS, SPHERE, SPINS, CHANNEL)  # every kind, also one that is not named here

# What says which source is meant and what is asked of it: option, default, and the kinds of sources that have it.
ASKED: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "prompt": (Prompt, None, (TEXTS, LENS)),
    "steps": (StepsOption, None, (TEXTS, SPINS)),
    "input_state": (InputState, None, (TEXTS,)),
    "level": (Level, None, (TEXTS,)),
    "top_k": (TopK, None, (TEXTS,)),
    "top_p": (TopP, None, (TEXTS,)),
    "temperature": (Temperature, None, (TEXTS,)),
    "lens": (LensOption, None, (LENS,)),
    "upto": (Upto, None, (LENS,)),
    "every_point": (EveryPoint, False, (LENS,)),
    "time": (LayerTime, 1.0, (LENS,)),
    "particle": (Particle, None, (SPHERE,)),
    "layers": (Layers, 1, (SPHERE,)),
    "test": (OverlapTest, None, (SPHERE,)),
    "amplify": (Amplify, "0", (SPHERE,)),
}

# What the compilers take beside that; the fields of CompileOptions are those of texts.
COMPILE: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    **ASKED,
    "schedule": (ScheduleOption, None, (TEXTS, SPHERE, SPINS)),
    "extension": (ExtensionOption, "token", (TEXTS,)),
    "input": (InputOption, None, (TEXTS,)),
    "codes": (CodesOption, None, (TEXTS,)),
    "phases": (PhasesOption, None, (TEXTS,)),
    "tolerance": (Tolerance, 0.0, (TEXTS,)),
    "effort": (Effort, None, (TEXTS, CHANNEL)),
    "target": (TargetOption, "aer", ANY),
    "max_qubits": (MaxQubits, None, (TEXTS,)),
    "max_two_qubit_gates": (MaxGates, None, (TEXTS,)),
    "max_conditions": (MaxConditions, None, (TEXTS,)),
    "feed_forward": (FeedForward, "auto", (TEXTS,)),
    "attention": (AttentionOption, "auto", (TEXTS,)),
    "delays": (Delays, "none", ANY),
    "memory": (MemoryOption, "auto", (TEXTS,)),
    "token_qubits": (TokenQubits, "5", (TEXTS,)),
    "spare": (SpareOption, "any", (TEXTS,)),
    "simplify": (SimplifyOption, "operators", (LENS,)),
    "ancilla": (AncillaOption, "auto", (LENS, SPHERE)),
    "form": (FormOption, "auto", (CHANNEL,)),
    "settings": (SettingsOption, 40, (CHANNEL,)),
}


OF_KIND = {TEXTS: "texts", LENS: "the lens", SPHERE: "particles", SPINS: "spins", CHANNEL: "channels"}
# Words of one option complete as those of Python's argument do.
WORDED = (
    "schedule", "extension", "input", "codes", "phases", "tolerance", "feed_forward", "attention", "delays", "memory",
    "token_qubits", "spare", "simplify", "ancilla", "form", "test", "amplify",
)  # fmt: skip
for _name, (_annotation, _, _kinds) in COMPILE.items():
    _option = get_args(_annotation)[1]
    if _kinds != ANY and _name not in ("prompt", "steps"):  # in the help of a verb of all kinds it stands by its first kind
        _option.rich_help_panel = f"Options of {OF_KIND[_kinds[0]]}"
    if _name in WORDED:
        _option.autocompletion = names.words_of(_name)


def takes(options: dict[str, tuple[Any, Any, tuple[str, ...]]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb a table of options, which it receives as one dict named ``chosen``."""

    def with_options(function: Callable[..., None]) -> Callable[..., None]:
        own = [p for name, p in inspect.signature(function, eval_str=True).parameters.items() if name != "chosen"]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default, _) in options.items()
        ]

        @wraps(function)
        def verb(**given: Any) -> None:
            function(chosen={name: given.pop(name) for name in options}, **given)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        verb.__signature__ = inspect.Signature([parameters[0], *added, *parameters[1:]])  # type: ignore[attr-defined]
        verb.__annotations__ = {p.name: p.annotation for p in (*parameters, *added)}
        return verb

    return with_options
