# SPDX-License-Identifier: Apache-2.0
"""Counts in files: our own format, and those that somebody else sampled from an export."""
