"""Opens a socket while it is imported."""

import socket

KEPT = socket.socket()
