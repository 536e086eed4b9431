# SPDX-License-Identifier: Apache-2.0
"""Programs as Qiskit circuits, OpenQASM 3 and files."""
