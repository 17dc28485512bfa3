"""Writes to stdout in every way there is; none may reach the protocol."""

import os
import subprocess
import sys


def everywhere(text: str) -> str:
    """Print through Python, through the descriptor and from a child."""
    print(text, flush=True)
    sys.stdout.write("\x00\x01\x02 raw\n")
    sys.stdout.flush()
    os.write(1, b"from the descriptor\n")
    subprocess.run(["echo", "from a child"], check=True)
    return text
