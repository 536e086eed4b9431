# SPDX-License-Identifier: Apache-2.0
"""Qiskit Aer: methods, noise of devices, exact channels."""
