# SPDX-License-Identifier: Apache-2.0
"""Small scripts that a reader of OpenQASM runs in a fresh process of an environment of its own; they import nothing of ours."""
