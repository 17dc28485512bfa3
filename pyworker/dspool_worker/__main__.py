"""Entry points: `python -m dspool_worker worker ...`, and `zygote` and `sandbox` in its place."""

from __future__ import annotations

import argparse
import os


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="dspool_worker")
    modes = parser.add_subparsers(dest="mode", required=True)
    serve = modes.add_parser("worker", help="serve one host over an inherited socket")
    serve.add_argument("--settings", required=True)
    fork = modes.add_parser("zygote", help="import once, fork workers on demand")
    fork.add_argument("--control", type=int, required=True)
    fork.add_argument("--settings", required=True)
    trial = modes.add_parser("sandbox", help="tell as JSON what becomes of a sandbox on this system")
    trial.add_argument("--settings", required=True)
    options = parser.parse_args()
    if options.mode == "worker":
        from . import sandbox, worker

        settings = worker.parse(options.settings)
        return worker.run(settings, sandbox.enter(settings.sandbox, settings.path))
    if options.mode == "sandbox":
        from . import sandbox

        return sandbox.report(options.settings)
    from .zygote import run

    return run(options.control, options.settings)


if __name__ == "__main__":
    code = main()
    from . import output

    output.flush()
    os._exit(code)  # threads of the user's own may never end
