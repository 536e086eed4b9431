# SPDX-License-Identifier: Apache-2.0
"""A wrong word is answered with the verb and the option that are right; what is said comes from the verbs themselves."""

from __future__ import annotations

import pytest

from stinespring.cli.words.mistakes import commands, options_of

SAID = [
    (("run", "--noise", "boston"), "--backend: For example aer, aer?noise=boston"),
    (("compile", "--shots", 100), "verbs that have it: run, estimate, submit"),
    (("sphere", "run", "--particle", 0), "verbs that have it: sphere compile, sphere sample"),
    (("lens", "--steps"), "verbs that have it: lens train, law, compile, run"),
    (("fetch", "--backend"), "verbs that have it: run, estimate, submit"),
    (("run", "m.json", "--promt", "a"), "the nearest it has: --prompt"),
    (("sphere", "run", "f.json", "--stpe", 1), "'sphere run' has no option --stpe"),
    (("lens", "study", "glassllm:en", "--top-k", 3), "'lens study' has no option --top-k"),
    (("law", "--permutation", 3), "--permutations of lens study"),
    (("law", "--nonsense"), "'law' has no option --nonsense"),
    (("-V",), "no option -V before the verb"),
    (("runn", "x"), "the nearest: run"),
    (("diagram",), "there is: spins diagram"),
    (("sphere", "diagram"), "there is: spins diagram"),
    (("sphere", "clames"), "the nearest: claims"),
    (("sphere", "nothing"), "it has: run, new, analyse"),
    (("sphere",), "one of: run, new, analyse, claims, compile, sample, overlaps"),
    (("spins",), "one of: step, run, meanfield"),
    (("lens", "compile", "glassllm:en"), "Missing option '--prompt'"),
]


@pytest.mark.parametrize(
    ("words", "said"), SAID, ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else None
)
def test_what_is_said_to_a_wrong_word(words, said, invoke):
    status, out, err = invoke(*words)
    assert (status, out) == (2, "") and said in err
    assert len(err.splitlines()) <= 12 and "\n  to do: see 'stinespring" in err


def test_every_verb_that_is_named_has_the_option():
    """Whatever option is given to a verb: verbs that are named have it, and one that exists is found."""
    known = commands()
    having = {name: {option for option, _ in options_of(command)} for name, command in known.items()}
    assert len(known) > 30 and all("--help" in options or options for options in having.values())
    from stinespring.cli.words.mistakes import about_option

    for verb in ("run", "law", "sphere run", "lens", "fetch"):
        for option in sorted(set().union(*having.values()) - having[verb] - {"-o"}):
            line = next(line for line in about_option(option, verb) if "verbs that have it" in line)
            named = [name.strip() for name in line.partition(": ")[2].split(",") if not name.strip().startswith("and ")]
            assert named and all(option in having[name] for name in named), (verb, option)
