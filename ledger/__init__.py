# SPDX-License-Identifier: Apache-2.0
"""A ledger of runs that loses nothing: what was asked, what was sent, what came back."""
