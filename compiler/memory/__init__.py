# SPDX-License-Identifier: Apache-2.0
"""Memories that hold quantum states: what a chain must carry from step to step, on fewer qubits than causal states take."""
