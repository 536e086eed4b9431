# SPDX-License-Identifier: Apache-2.0
"""The analytic side: models of texts and their exact laws. NumPy only."""
