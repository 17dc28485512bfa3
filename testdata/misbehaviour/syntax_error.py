"""Cannot be compiled."""

def broken(:
    return 1
