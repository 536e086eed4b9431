# SPDX-License-Identifier: Apache-2.0
"""IBM's service through its own client: connecting, submitting, fetching, and naming what went wrong."""
