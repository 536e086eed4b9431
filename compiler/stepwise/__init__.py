# SPDX-License-Identifier: Apache-2.0
"""The host in the loop of a text: templates with free angles, bound for every prefix that was read."""
