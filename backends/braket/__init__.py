# SPDX-License-Identifier: Apache-2.0
"""Amazon Braket's local simulator."""
