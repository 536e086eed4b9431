# SPDX-License-Identifier: Apache-2.0
"""From laws to isometries as circuits: exactly, with free phases, or within a tolerance. The entry is ``synthesise``."""
