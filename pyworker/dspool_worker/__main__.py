"""Entry points: `python -m dspool_worker worker ...` and `python -m dspool_worker zygote ...`."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="dspool_worker")
    modes = parser.add_subparsers(dest="mode", required=True)
    serve = modes.add_parser("worker", help="serve one host over an inherited socket")
    serve.add_argument("--settings", required=True)
    fork = modes.add_parser("zygote", help="import once, fork workers on demand")
    fork.add_argument("--control", type=int, required=True)
    fork.add_argument("--settings", required=True)
    options = parser.parse_args()
    if options.mode == "worker":
        from . import worker

        return worker.run(worker.parse(options.settings))
    from .zygote import run

    return run(options.control, options.settings)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of the user's own may never end
