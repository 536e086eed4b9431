# SPDX-License-Identifier: Apache-2.0
"""The report of ``--report FILE.html``: one page that needs nothing but itself."""
