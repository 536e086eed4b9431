# SPDX-License-Identifier: Apache-2.0
"""A second, plain evaluation of a source's law on a few contexts of every run, from its content alone.

A verdict compares samples with the law of the models' room. A mistake in that law would be compiled, sampled and confirmed. So
a few contexts of each run are evaluated again from the source's content, loop by loop as the equations stand, by code that
shares nothing with the models.
"""
