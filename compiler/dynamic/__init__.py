# SPDX-License-Identifier: Apache-2.0
"""Programs that measure on the way: what is steered by bits, and where registers live."""
