# SPDX-License-Identifier: Apache-2.0
"""Gates, flows (gates, measurements, resets, flat conditions), what they cost and what they do."""
