# SPDX-License-Identifier: Apache-2.0
"""A stand-in of IBM's REST service on loopback, so that the real client submits, polls, fetches and cancels without a network.

``with StandIn() as standin:`` serves from a thread, ``ChildStandIn`` or ``python -m standin`` from a process of its own, and
``standin.env(folder)`` are the environment variables that send an unpatched client there. Job inputs are decoded, judged by
the hardware's rules (:mod:`standin.judge`) and run on Aer; :mod:`standin.faults` tells what can be made to go wrong.
"""

from standin.control import ChildStandIn, Control
from standin.server import StandIn
from standin.tokens import CRN, TOKEN

__all__ = ["CRN", "TOKEN", "ChildStandIn", "Control", "StandIn"]
