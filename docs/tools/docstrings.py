# SPDX-License-Identifier: Apache-2.0
"""Docstrings as the site shows them: examples as code, and names of Sphinx's roles as names."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Plainer(griffe.Extension):
    """Turns ``Example:`` into the section that is shown as code, and ``:func:`name``` into ``name``."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change an object's docstring when it was read."""
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)


def plain(text: str) -> str:
    """Return a docstring without what only another tool understands.

    Example:
        >>> plain("See :func:`stinespring.run`.")
        'See `stinespring.run`.'
    """
    return re.sub(r"^(\s*)Example:", r"\1Examples:", re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text), flags=re.MULTILINE)
