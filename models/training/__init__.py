# SPDX-License-Identifier: Apache-2.0
"""Training of attention blocks: texts or a larger model's laws in, a ``stinespring/attention@1`` file out."""
