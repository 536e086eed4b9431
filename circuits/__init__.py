# SPDX-License-Identifier: Apache-2.0
"""Parametrised circuits: gate lists, uniformly controlled rotations, preparations of conditional laws."""
