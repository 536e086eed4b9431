# SPDX-License-Identifier: Apache-2.0
"""What noise will do to a program: predicted distances, and what is chosen by them."""
