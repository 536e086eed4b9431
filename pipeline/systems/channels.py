# SPDX-License-Identifier: Apache-2.0
"""Channels in the pipeline: compiled as they are, sampled between product inputs and product measurements."""

from __future__ import annotations

from typing import Any

from stinespring.backends.seeds import derive_seed
from stinespring.checks.plain.settings import alike
from stinespring.checks.tables import check_tables
from stinespring.errors import InputError, StinespringError
from stinespring.models.channels.asked import ChannelAsked, drawn
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.files import made
from stinespring.models.texts.joint import require_count
from stinespring.pipeline.system import Settings, System
from stinespring.stages import Program, Samples, Verdict

__all__ = ["SYSTEM", "settled"]

SETTINGS = 40


def ask(channel: CPTP, given: Settings) -> ChannelAsked:
    """Return the settings that are given; otherwise none: they are drawn when the seed is known."""
    settings = given.get("settings", ())
    if not isinstance(settings, list | tuple):
        expected = "pairs of input states and bases; how many are drawn is said when it is sampled"
        raise InputError("the settings of a channel cannot be read", got=settings, expected=expected)
    return ChannelAsked(tuple(settings))


def compiled(channel: CPTP, asked: ChannelAsked, options: Settings) -> Program:
    """Return the channel's own program, or between the settings asked for."""
    from stinespring.compiler.channels.channel import compile_channel
    from stinespring.compiler.channels.probe import probed

    program = compile_channel(channel, **options)
    return probed(program, asked) if asked.settings else program


def settled(channel: CPTP, asked: ChannelAsked, settings: Settings, root: int) -> ChannelAsked:
    """Return random product inputs and measurements, drawn from the run's seed.

    Raises:
        StinespringError: they are not as different as they can be, a defect of the package.
    """
    if asked.settings:
        return asked
    found = drawn(channel, require_count(settings.get("settings", SETTINGS), "settings"), derive_seed(root, 0))
    wrong = alike(found.settings, channel.inputs, channel.outputs)
    if wrong is not None:
        raise StinespringError("the channel is tried with too few different settings", got=wrong, expected="all different")
    return found


def sampled(program: Program, settings: Settings, root: int) -> Program:
    """Return the program between random product inputs and measurements, drawn from the run's seed."""
    if program.asked is not None and program.asked.settings:
        return program
    from stinespring.compiler.channels.probe import probed

    return probed(program, settled(program.source, ChannelAsked(()), settings, root))


def check(samples: Samples, alpha: float, resolution: float, seed: int) -> Verdict:
    """Return the verdict of one test over all settings."""
    return check_tables(samples, alpha=alpha, resolution=resolution, seed=seed, what="settings")


def owns(source: Any) -> bool:
    """Return whether an object is a channel."""
    return isinstance(source, CPTP)


SYSTEM = System("channel", ChannelAsked, owns, ("settings",), ask, compiled, check, made, settled, sampled, shared=True)
