# SPDX-License-Identifier: Apache-2.0
"""The analytic side: models of texts and their exact laws. NumPy only."""

from stinespring.models.load import load
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import JointLaw, joint_law
from stinespring.models.texts.table import TableModel

__all__ = ["AttentionModel", "JointLaw", "TableModel", "TextModel", "joint_law", "load"]
