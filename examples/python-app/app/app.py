"""Counts visits in Redis."""

import os
import signal
import socket
import sys

from flask import Flask, jsonify
from redis import Redis

app = Flask(__name__)
db = Redis(host=os.environ["REDIS_HOST"], socket_timeout=2, socket_connect_timeout=2)


@app.get("/")
def visit():
    visits = db.incr("visits")
    return f"{os.environ['GREETING']}: visit {visits}, served by {socket.gethostname()}\n"


@app.get("/health")
def health():
    """Healthy is an app that could serve a visit."""
    db.ping()
    return jsonify(status="ok")


if __name__ == "__main__":
    # Process 1 of a container hears only the signals that it handles.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app.run(host="0.0.0.0", port=5000)
