# SPDX-License-Identifier: Apache-2.0
"""The text of OpenQASM 3 programs: cut and parsed, constants, gates as factors, calls written out, circuits."""
