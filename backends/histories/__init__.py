# SPDX-License-Identifier: Apache-2.0
"""Programs with measurements on the way, sampled by the fastest faithful path."""
