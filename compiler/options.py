# SPDX-License-Identifier: Apache-2.0
"""All that a compilation of texts takes besides the model and what is asked of it, checked in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from stinespring.errors import InputError
from stinespring.showing import Brief, FourLines, told
from stinespring.stages import Device, Promise, Schedule

__all__ = ["DECODERS", "LIMITS", "Codes", "CompileOptions", "Extension", "FormChoice", "Memory", "Simplify", "SpareCodes"]

Extension = Literal["token", "position", "dephased"]
Memory = Literal["auto", "classical", "quantum"]
Simplify = Literal["operators", "none", "state"]  # of the lens
FormChoice = Literal["auto", "isometry", "tree"]  # of channels
SpareCodes = Literal["any", "detect", "bit"]
Codes = Literal["binary", "free", "prefix", "texts"]
DECODERS = {  # whose work it is: said with every count of gates, which only compare within one class
    "binary": "one code a token", "free": "one code a token", "prefix": "codes by prefix", "texts": "a table of texts",
}  # fmt: skip
MODES = {
    "schedule": ("auto", *get_args(Schedule)),
    "extension": get_args(Extension),
    "input": ("known", "quantum"),
    "codes": get_args(Codes),
    "phases": get_args(Promise),
    "feed_forward": ("auto", "none", "all"),
    "attention": ("auto", "table", "rejection"),
    "delays": ("none", "pad", "decouple", "stretch"),
    "memory": get_args(Memory),
    "spare": get_args(SpareCodes),
}
ROUND = 5  # qubits of a round of a token, by default
WHOLE = "all"  # of token_qubits
LIMITS = {"max_qubits": 1, "max_two_qubit_gates": 0, "max_conditions": 0}  # the least that each may be


@dataclass(frozen=True, repr=False)
class CompileOptions(Brief):
    """How a text program is compiled.

    Attributes:
        schedule: ``static`` (one circuit, measured at the end), ``dynamic`` (measured on the way, qubits reused, later gates
            steered by bits), ``stepwise`` (one template, bound for each sampled prefix) or ``auto``, which is ``dynamic`` where
            a budget or feed-forward is asked for.
        extension: which environment the dilation has: ``token`` none, ``position`` (attention models) the attended
            positions, ``dephased`` a record of the text, so that no coherence between prompts survives.
        input: ``known`` folds the prompt into the laws, ``quantum`` keeps it as registers ``p1..pn`` (the default with an
            input state, which is then prepared in them).
        codes: what a reading needs to be decoded: ``binary``: tokens have their plain numbers; ``free``: one code a token,
            chosen by the compiler; ``prefix``: the code of a token depends on the text before it (causal; where supports differ
            in size the texts are numbered in the order of their trie, in one register ``text``); ``texts``: a table of all
            texts, by falling probability. None is ``prefix`` where that is allowed and cheaper, else ``free``; it is allowed
            for a known prompt with phases free and texts that can be listed.
        phases: the promise: ``exact`` (the isometry itself) or ``free`` (the law of the measured tokens; the default where
            the prompt is known and everything is measured). Stepwise templates are exact.
        tolerance: the TVD of the joint law that the compiler may spend, in [0, 1).
        effort: about the seconds that numerical synthesis may take (counted in operations, so that results repeat); 0 means
            closed forms only. By default 0.4 to 2.4, more where more gates can be saved; see
            :func:`stinespring.compiler.isometries.synthesise.default_effort`.
        target: a device whose basis and coupling the circuit is lowered to; see
            :func:`stinespring.circuits.devices.targets.open_target`. ``aer`` has no constraints. A stepwise program is
            lowered for its cost; a backend with a device lowers its templates again.
        max_qubits: a hard limit on the qubits declared.
        max_two_qubit_gates: a hard limit on the two-qubit gates of the worst path.
        max_conditions: a hard limit on the ``if`` statements.
        feed_forward: for ``dynamic``: ``none`` (quantum controls only), ``all`` (every register is measured before it is read)
            or ``auto``.
        attention: for ``dynamic``: ``table`` (a law for every context), ``rejection`` (attention models with one head, no stop
            token and a tolerance: attended positions are drawn by rejection, with gates polynomial in the length of the text)
            or ``auto``, which is rejection only where the table does not fit.
        delays: for a target that states its times: ``pad`` fills idle times with delays, ``decouple`` with pairs of X,
            ``stretch`` with pairs of X and delays whose length IBM's service finds.
        memory: what is carried from token to token: ``quantum`` (states that overlap as the futures do, on as few qubits as the
            tolerance allows; see :mod:`stinespring.compiler.memory.tensors`), ``classical`` (the tokens themselves, or causal
            states), or ``auto``: classical, and quantum where a dynamic program would be over its limits otherwise.
        token_qubits: for ``stepwise``: a token is measured in rounds of at most so many qubits, the likeliest ones first; the
            law is the same. ``all`` measures it at once, as do ``codes="binary"`` and attended positions.
        spare: ``detect`` gives tokens codes such that wrong readings of single bits land on spare ones, by what the target
            reads wrongly, as far as that takes no more two-qubit gates; one code a token, see
            :mod:`stinespring.compiler.texts.spare`. ``bit``: likewise with one bit more for every token, at whatever price.
            ``any``: wherever gates are saved.

    Raises:
        InputError: a value that does not exist, or a combination that makes no sense.

    Example:
        >>> CompileOptions(schedule="dynamic", max_qubits=3).plain()["max_qubits"]
        3
    """

    schedule: Literal["auto", "static", "dynamic", "stepwise"] = "auto"
    extension: Extension = "token"
    input: Literal["known", "quantum"] | None = None
    codes: Codes | None = None
    phases: Promise | None = None
    tolerance: float = 0.0
    effort: float | None = None
    target: str | Device = "aer"
    max_qubits: int | None = None
    max_two_qubit_gates: int | None = None
    max_conditions: int | None = None
    feed_forward: Literal["auto", "none", "all"] = "auto"
    attention: Literal["auto", "table", "rejection"] = "auto"
    delays: Literal["none", "pad", "decouple", "stretch"] = "none"
    memory: Memory = "auto"
    token_qubits: int | Literal["all"] = ROUND
    spare: SpareCodes = "any"

    def __post_init__(self) -> None:
        for name, allowed in MODES.items():
            value = getattr(self, name)
            if value not in allowed and not (value is None and name in ("input", "codes", "phases")):
                raise InputError(f"unknown {name}", got=value, expected=" or ".join(allowed))
        check_combination(self)
        for name, least in LIMITS.items():
            check_limit(getattr(self, name), name.replace("_", "-"), least)
        if isinstance(self.token_qubits, str):
            object.__setattr__(self, "token_qubits", round_qubits(self.token_qubits))
        check_limit(None if self.token_qubits == WHOLE else self.token_qubits, "token-qubits", 1)
        object.__setattr__(self, "tolerance", checked_share(self.tolerance, "tolerance", 1.0))
        if self.effort is not None:
            object.__setattr__(self, "effort", checked_share(self.effort, "effort", math.inf))

    @property
    def round_codes(self) -> int | None:
        """How many codes a round of a token has; None: every token is measured at once."""
        return None if isinstance(self.token_qubits, str) else 2**self.token_qubits

    @property
    def listable(self) -> bool:
        """Whether codes may depend on the text before; see ``codes``."""
        return self.codes in (None, "prefix", "texts") and self.phases != "exact" and self.input != "quantum"

    @property
    def budgeted(self) -> bool:
        """Whether a limit or a kind of feed-forward is asked for."""
        return self.feed_forward != "auto" or any(getattr(self, name) is not None for name in LIMITS)

    def settled(self, *, state: bool) -> CompileOptions:
        """Return the options with input and phases as they are by default.

        Args:
            state: whether there is an input state.
        """
        known = "quantum" if state else "known"
        codes = self.codes if self.spare == "any" else "free"
        options = replace(self, input=self.input or known, codes=codes)  # type: ignore[arg-type]
        if self.phases is not None:
            return options
        measured = self.schedule == "dynamic" or options.input == "known"
        return replace(options, phases="free" if measured and self.schedule != "stepwise" else "exact")

    def plain(self) -> dict[str, Any]:
        """Return the options as JSON data; ``CompileOptions(**plain)`` makes them again, a target by its name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.spare == "any":  # as in versions that had no such option
            values.pop("spare")
        return values | {"target": self.target if isinstance(self.target, str) else self.target.name}

    def brief(self) -> FourLines:
        """Return what differs from the defaults."""
        changed = [f"{f.name}: {told(getattr(self, f.name))}" for f in fields(self) if getattr(self, f.name) != f.default]
        return FourLines("CompileOptions", ["; ".join(changed) or "all by default"])


def check_combination(options: CompileOptions) -> None:
    """Refuse combinations that make no sense."""
    if options.phases == "exact" and options.schedule == "dynamic":
        raise InputError(
            "a dynamic program keeps the measured law only",
            got="--phases exact --schedule dynamic",
            expected="--phases free",
            todo="use --phases free, or --schedule static",
        )
    steered = options.feed_forward != "auto" or options.attention == "rejection"
    if steered and options.schedule in ("static", "stepwise"):
        raise InputError(
            "only dynamic programs have feed-forward",
            got=f"--schedule {options.schedule} --feed-forward {options.feed_forward} --attention {options.attention}",
            expected="--schedule dynamic",
        )
    check_codes(options)
    check_spare(options)
    check_rounds(options)
    if options.memory == "quantum" and options.schedule == "stepwise":
        raise InputError(
            "in a stepwise program the host remembers the text",
            got="--memory quantum --schedule stepwise",
            expected="--schedule static or dynamic",
        )
    if options.input == "quantum" and options.schedule == "stepwise":
        raise InputError(
            "a stepwise program knows its prompt",
            got="--input quantum --schedule stepwise",
            expected="--schedule static",
            todo="use --schedule static or --input known",
        )


def check_spare(options: CompileOptions) -> None:
    """Refuse to place spare codes where nobody chooses codes."""
    if options.spare == "any":
        return
    wrong = {
        "codes": options.codes not in (None, "free"), "schedule": options.schedule == "stepwise",
        "memory": options.memory == "quantum", "attention": options.attention == "rejection",
        "input": options.input == "quantum", "phases": options.phases == "exact",
    }  # fmt: skip
    name = next((name for name, found in wrong.items() if found), None)
    if name is not None:
        raise InputError(
            "spare codes are placed with one code a token, phases free, in one circuit",
            got=f"--spare {options.spare} --{name} {getattr(options, name)}",
            expected="--codes free, --schedule static or dynamic",
        )


def check_rounds(options: CompileOptions) -> None:
    """Refuse rounds where a token is measured at once: they would not be made, without a word."""
    if options.token_qubits in (ROUND, str(ROUND)) or (options.codes == "binary" and options.token_qubits == WHOLE):
        return
    whole = "--token-qubits all"
    for name, values, expected in (
        ("schedule", ("static", "dynamic"), "--schedule stepwise"), ("codes", ("binary",), whole),
        ("extension", () if options.token_qubits == WHOLE else ("position",), whole),
    ):  # fmt: skip
        if getattr(options, name) in values:
            raise InputError(
                "a token is measured at once", expected=expected,
                got=f"--{name} {getattr(options, name)} --token-qubits {options.token_qubits}",
            )  # fmt: skip


def check_codes(options: CompileOptions) -> None:
    """Refuse codes of texts where nobody could decode them, or where they are no law of what is measured."""
    if options.codes not in ("prefix", "texts"):
        return
    told = {"expected": "--codes free or binary"}
    if options.input == "quantum":
        raise InputError("whoever decodes would not know the prompt", got=f"--codes {options.codes} --input quantum", **told)
    if options.phases == "exact" and options.schedule != "stepwise":  # whose host knows the text, whatever the codes
        raise InputError("the isometry acts on tokens", got=f"--codes {options.codes} --phases exact", **told)
    if options.codes == "texts" and (options.extension != "token" or options.schedule == "stepwise"):
        raise InputError(
            "a table of whole texts leaves no steps",
            got=f"--codes texts --extension {options.extension} --schedule {options.schedule}",
            expected="--codes prefix",
        )


def round_qubits(value: str) -> int | Literal["all"]:
    """Return what was written as ``token_qubits``."""
    if value == WHOLE:
        return "all"
    if not value.isdecimal():
        raise InputError("--token-qubits is out of range", got=value, expected="a whole number of at least 1, or all")
    return int(value)


def check_limit(value: object, name: str, least: int) -> None:
    """Say why a limit is none, if it is none."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise InputError(f"--{name} is out of range", got=value, expected=f"a whole number of at least {least}")


def checked_share(value: object, name: str, most: float) -> float:
    """Return a number from 0 up to a limit, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
        raise InputError(f"the {name} is out of range", got=value, expected=f"a number from 0 up to, not including, {most:g}")
    return float(value)
