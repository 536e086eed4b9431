# SPDX-License-Identifier: Apache-2.0
"""What Python has beside the command line: arguments that are spelt out, runs listed, counts read, progress shown."""
