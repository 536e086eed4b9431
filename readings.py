# SPDX-License-Identifier: Apache-2.0
"""Arrays by their names, registers, and what they read: distinct readings with counts, which add up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
BoolArray = NDArray[np.bool_]
