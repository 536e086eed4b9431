# SPDX-License-Identifier: Apache-2.0
"""What is done about readings that are wrong: detected and dropped, or mitigated."""
