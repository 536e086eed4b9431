# SPDX-License-Identifier: Apache-2.0
"""The words of the command line: the verbs, what is said to a wrong word, and how a word is completed."""
