# SPDX-License-Identifier: Apache-2.0
"""Models that somebody else wrote: what they have to give, functions as models, the options of sampling."""
