# SPDX-License-Identifier: Apache-2.0
"""What editors complete in Python is what the command line takes, word for word: neither knows one that the other refuses."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Literal, get_args, get_origin

import pytest

import stinespring as ss
from stinespring.checks.statistics.family import Scope
from stinespring.cli.options import COMPILE
from stinespring.errors import InputError
from stinespring.pipeline.python.arguments import CompileArguments, SourceArguments
from stinespring.pipeline.python.known import arguments_of_compilers
from stinespring.pipeline.readout.mitigation import Mitigation
from stinespring.pipeline.systems import system

HINTS = typing.get_type_hints(CompileArguments)
FREE = {"tolerance", "token_qubits", "amplify"}  # a number, or a word
CLI_ONLY = {"top_k", "top_p", "temperature", "lens", "settings"}  # of loading and of sampling
PYTHON_ONLY = {"points", "particles", "read", "seed"}


def words(hint):
    """The words that a type allows; none where it is no Literal."""
    parts = [hint, *get_args(hint)]
    return {word for part in parts if get_origin(part) is Literal for word in get_args(part)}


LITERALS = {name: words(hint) for name, hint in HINTS.items() if words(hint)}
SOURCES = {
    "texts": ("two_tokens.json", "--prompt", "a b", "--steps", "1"),
    "spins": ("spins.json", "--steps", "1"),
    "sphere": ("sphere.json", "--particle", "0"),
    "lens": ("mathformer:add", "--prompt", "1+2=", "--lens", "logit"),
    "channel": ("amplitude_damping.npz",),
}
HERE = {"schedule": "texts", "simplify": "lens", "ancilla": "lens", "form": "channel", "test": "sphere", "amplify": "sphere"}


def compiled(invoke, examples, name, word):
    """What the command line says to a word."""
    kind = HERE.get(name, "texts")
    first, *rest = SOURCES[kind]
    rest += ["--effort", "0"] if kind in ("texts", "channel") else []
    rest += ["--target", "line:8"] if name == "delays" and word != "none" else []
    source = first if ":" in first else examples / first
    return invoke("compile", source, *rest, "--" + name.replace("_", "-"), word)[0::2]


@pytest.mark.parametrize("name", sorted(set(LITERALS) - {"read"}))
def test_the_command_line_takes_these_words_and_no_other(name, invoke, examples):
    if HERE.get(name) == "lens":
        pytest.importorskip("mathformer", reason="a packaged decoder")
    status, err = compiled(invoke, examples, name, "nonsense")
    assert status == 2
    if name != "tolerance":  # a number, which is read before anything knows the word beside it
        said = set(re.findall(r"[a-z]+", re.search(r"expected: (.*)", err).group(1)))
        assert said >= LITERALS[name] if name in FREE else said - {"or"} == LITERALS[name], err
    for word in LITERALS[name]:
        status, err = compiled(invoke, examples, name, word)
        assert status == 0 or not err.startswith(("stinespring: unknown", "stinespring: the rounds cannot")), (word, err)


def test_python_refuses_the_same(two_tokens):
    for name in set(LITERALS) & set(arguments_of_compilers()["texts"]) - FREE:
        with pytest.raises(InputError, match=f"unknown {name}") as found:
            ss.compile(two_tokens, prompt="a b", steps=1, **{name: "nonsense"})
        assert set(str(found.value.expected).split(" or ")) == LITERALS[name]


def test_both_have_the_same_arguments():
    compilers = arguments_of_compilers()
    python = {name: {kind for kind, names in compilers.items() if name in (*names, *system(kind).asks)} for name in HINTS}
    every = set(compilers)
    for name in set(HINTS) - PYTHON_ONLY:
        wanted = set(COMPILE[name][2]) - ({"lens"} if name == "prompt" else set())  # which ss.lens.read_states takes
        assert python[name] == wanted or (wanted == every and name in ("target", "delays")), name
    assert set(COMPILE) - CLI_ONLY == set(HINTS) - PYTHON_ONLY


def test_signatures_spell_everything_out():
    for function, arguments in ((ss.compile, CompileArguments), (ss.estimate, SourceArguments), (ss.submit, SourceArguments)):
        found = inspect.signature(function).parameters
        assert set(typing.get_type_hints(arguments)) <= set(found), function
        assert all(entry.kind is not inspect.Parameter.VAR_KEYWORD for entry in found.values())
        assert words(found["schedule"].annotation) == LITERALS["schedule"] and found["memory"].default == "auto"


def test_other_public_functions_have_words_too():
    scope = typing.get_type_hints(ss.check)["scope"]
    assert set(get_args(scope)) == set(get_args(Scope)) and words(typing.get_type_hints(ss.check)["within"]) == {"auto", "none"}
    assert set(get_args(typing.get_type_hints(ss.submit)["mitigation"])) == set(get_args(Mitigation))
    assert words(inspect.signature(ss.compile_channel, eval_str=True).parameters["form"].annotation) == LITERALS["form"]
    assert words(inspect.signature(ss.Program.draw, eval_str=True).parameters["output"].annotation) >= {"text", "mpl"}


@pytest.mark.parametrize(("option", "hint"), [("--scope", Scope), ("--mitigation", Mitigation)])
def test_the_options_of_run(option, hint, invoke, examples):
    first, *rest = SOURCES["texts"]
    status, _, err = invoke("run", examples / first, *rest, "--shots", "100", option, "nonsense")
    assert status == 2
    assert set(re.findall(r"[a-z]+", re.search(r"expected: (.*)", err).group(1))) - {"or"} == set(get_args(hint)), err


def test_a_misspelt_argument_is_told(two_tokens, examples):
    for given, says in (
        ({"shedule": "static"}, "write schedule="),
        ({"upto": 3}, "it belongs to lens"),
        ({"steps": None}, "texts need steps"),
    ):
        with pytest.raises(InputError, match=says):
            ss.compile(two_tokens, **{"prompt": "a b", "steps": 1, **given})
    with pytest.raises(InputError, match="spins need steps"):
        ss.compile(ss.load(examples / "spins.json"))
    given = {name: None for name in HINTS if name not in ("prompt", "steps")}  # as the signature shows them
    assert ss.compile(two_tokens, prompt="a b", steps=1, **given).cost.qubits == 1
