"""The health check of app.py: the image has no curl."""

from urllib.request import urlopen

urlopen("http://127.0.0.1:5000/health", timeout=2).close()
