# SPDX-License-Identifier: Apache-2.0
"""The analytic side: models of texts and their exact laws. NumPy only."""

from stinespring.models.attention import AttentionModel
from stinespring.models.base import TextModel
from stinespring.models.joint import JointLaw, joint_law
from stinespring.models.load import load
from stinespring.models.table import TableModel

__all__ = ["AttentionModel", "JointLaw", "TableModel", "TextModel", "joint_law", "load"]
