# SPDX-License-Identifier: Apache-2.0
"""The options of ``ibm:NAME?option=value``, and the client's options made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from stinespring.errors import InputError

__all__ = ["IBMOptions", "read_options"]

Twirling = Literal["none", "gates", "measure", "all"]
Decoupling = Literal["none", "XX", "XpXm", "XY4"]
Mode = Literal["auto", "job", "batch", "session"]


@dataclass(frozen=True)
class IBMOptions:
    """What a backend string asks of IBM's service.

    Attributes:
        twirling: Pauli twirling of ``gates``, ``measure`` ments, ``all`` of both, or ``none``.
        dynamical_decoupling: a sequence, or ``none``; the service refuses it for programs with conditions.
        rep_delay: seconds between a measurement and the next circuit; None: the device's default.
        mode: ``job``, ``batch`` or ``session`` for the jobs of one run; ``auto`` is a batch where a run has several jobs.
        max_time: most seconds that the batch or session may stay open.
        max_execution_time: most seconds of QPU time of each job.
        measurement: ``mid`` uses the device's own instructions for mid-circuit measurement and reset where it has them.
        account: name of a saved account.
        instance: name or CRN of the instance.
        timing: whether the service tells when everything began and what stretches were resolved to, for the run's record.
        private: whether the service deletes inputs at the end and results once they are read.
    """

    twirling: Twirling = "none"
    dynamical_decoupling: Decoupling = "none"
    rep_delay: float | None = None
    mode: Mode = "auto"
    max_time: int | None = None
    max_execution_time: int | None = None
    measurement: Literal["mid", "plain"] = "mid"
    account: str | None = None
    instance: str | None = None
    timing: bool = True
    private: bool = False

    def sampler(self, shots: int, tags: list[str]) -> dict[str, Any]:
        """Return the options of the client's sampler."""
        return {
            "default_shots": shots,
            "twirling": {
                "enable_gates": self.twirling in ("gates", "all"),
                "enable_measure": self.twirling in ("measure", "all"),
            },
            "dynamical_decoupling": {"enable": True, "sequence_type": self.dynamical_decoupling}
            if self.dynamical_decoupling != "none"
            else {"enable": False},
            "execution": {"rep_delay": self.rep_delay, "scheduler_timing": self.timing, "stretch_values": self.timing},
            "max_execution_time": self.max_execution_time,
            "environment": {"job_tags": tags, "private": self.private},
        }


def read_options(options: Mapping[str, str]) -> IBMOptions:
    """Return the options of a backend string.

    Raises:
        InputError: an unknown option or a value it cannot have.
    """
    read: dict[str, Callable[[str], Any]] = {
        "twirling": lambda text: choice("twirling", text, get_args(Twirling)),
        "dynamical_decoupling": lambda text: choice("dynamical_decoupling", text, get_args(Decoupling)),
        "rep_delay": lambda text: number("rep_delay", text, 0.0, 0.1),
        "mode": lambda text: choice("mode", text, get_args(Mode)),
        "max_time": lambda text: round(number("max_time", text, 1, 10**6)),
        "max_execution_time": lambda text: round(number("max_execution_time", text, 1, 3 * 3600)),
        "measurement": lambda text: choice("measurement", text, ("mid", "plain")),
        "account": str,
        "instance": str,
        "timing": lambda text: choice("timing", text, ("yes", "no")) == "yes",
        "private": lambda text: choice("private", text, ("yes", "no")) == "yes",
    }
    unknown = sorted(set(options) - set(read))
    if unknown:
        raise InputError("unknown option of backend ibm", got=", ".join(unknown), expected=", ".join(read))
    return IBMOptions(**{name: read[name](text) for name, text in options.items()})


def choice(name: str, text: str, allowed: tuple[str, ...]) -> str:
    """Return the value of an option with named values."""
    if text not in allowed:
        raise InputError(f"unknown {name} of backend ibm", got=text, expected=" or ".join(allowed))
    return text


def number(name: str, text: str, least: float, most: float) -> float:
    """Return the value of a numerical option, in seconds."""
    try:
        value = float(text) if re.fullmatch(r"[\d.eE+-]+", text) else math.nan
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise InputError(f"{name} of backend ibm is out of range", got=text, expected=f"seconds from {least:g} to {most:g}")
    return value
