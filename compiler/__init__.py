# SPDX-License-Identifier: Apache-2.0
"""Source to program: ``compile.py`` tells the story of texts, ``systems/`` and ``channels/`` that of the other sources."""
