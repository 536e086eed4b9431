# SPDX-License-Identifier: Apache-2.0
"""Decoders in local files that transformers loads: a folder or a GGUF file, looked at before it is opened."""
