"""The Python side of dspool: a worker process that runs DSPy programs and functions for a Go host."""

__version__ = "0.1.0"
