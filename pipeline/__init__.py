# SPDX-License-Identifier: Apache-2.0
"""The few functions that know several rooms: compile, run, check, estimate, submit, fetch, for sources of any kind."""
