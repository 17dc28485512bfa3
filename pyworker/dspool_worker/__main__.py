"""Entry points: `python -m dspool_worker worker ...` and `python -m dspool_worker zygote ...`."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="dspool_worker")
    modes = parser.add_subparsers(dest="mode", required=True)
    worker = modes.add_parser("worker", help="serve one host over an inherited socket")
    worker.add_argument("--settings", required=True)
    zygote = modes.add_parser("zygote", help="import once, fork workers on demand")
    zygote.add_argument("--control", type=int, required=True)
    zygote.add_argument("--settings", required=True)
    options = parser.parse_args()
    if options.mode == "worker":
        from . import worker as mode

        return mode.run(mode.parse(options.settings))
    from . import zygote as server

    return server.run(options.control, options.settings)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of the user's own may never end
