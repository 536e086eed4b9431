# SPDX-License-Identifier: Apache-2.0
"""What backends can do, found by asking and by trying."""
