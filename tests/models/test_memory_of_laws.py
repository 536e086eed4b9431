# SPDX-License-Identifier: Apache-2.0
"""What a list of texts takes is predicted within 25 %, and what is too long for it is refused before it is made."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from stinespring import memory
from stinespring.errors import TooLargeError
from stinespring.models.texts import joint
from stinespring.models.texts.joint import SparseLaw, expand, expand_bytes, joint_law


class Uniform:
    """Every token as likely as every other: a law that takes no more than its own numbers."""

    name = "uniform"
    least_branching = 1

    def __init__(self, d: int) -> None:
        self.d = d

    def encode(self, prompt):
        return np.zeros(1, dtype=np.int64)

    def check_length(self, length, what):
        pass

    def possible(self, step, texts):
        law = np.full((len(texts), self.d + 1), 1.0 / self.d)
        law[:, -1] = 0.0
        return SparseLaw.of(law)

    def text(self, numbers):
        return " ".join(map(str, numbers))


def peak(call) -> tuple[int, object]:
    """Return the bytes that a call allocates at once beyond what there is, and what it returns or raises."""
    tracemalloc.start()
    try:
        result = call()
    except TooLargeError as error:
        result = error
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most, result


@pytest.mark.parametrize(("texts", "length", "d"), [(1 << 12, 4, 16), (1 << 15, 3, 8), (1 << 14, 12, 4)])
def test_the_list_of_texts(texts, length, d):
    rows = np.zeros((texts, length - 1), dtype=np.int64)
    taken, _ = peak(lambda: expand(Uniform(d), length, np.zeros(1, dtype=np.int64), rows, np.ones(texts)))
    assert taken == pytest.approx(expand_bytes(texts * d, length), rel=0.25)


def test_too_many_texts_are_refused_before_they_are_listed():
    taken, error = peak(lambda: joint_law(Uniform(64), "", 4))  # 64^3 = 262,144 fit, 64^4 do not
    assert isinstance(error, TooLargeError) and "at most 3 step(s)" in str(error)
    assert taken < 3 * expand_bytes(1 << 18, 4) < expand_bytes(64**4, 4) / 8, "what was listed, not the 64^4 texts"


def test_a_list_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: memory.Room(memory.RESERVE + (1 << 20), "ulimit -v"))
    with pytest.raises(TooLargeError, match="list of texts.*does not fit"):
        joint_law(Uniform(64), "", 3)
    assert len(joint_law(Uniform(2), "", 3)) == 8
    assert joint.MOST_TEXTS == 1 << 18
