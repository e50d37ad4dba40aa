"""Imported by a server as it starts: it looks as often as it is told."""

import os

from config import streaming
from executions.stream import following, hub

if seconds := os.environ.get("LOOK_SECONDS"):
    streaming.LOOK_SECONDS = float(seconds)
if seconds := os.environ.get("KEEP_ALIVE_SECONDS"):
    following.KEEP_ALIVE_SECONDS = float(seconds)
if seconds := os.environ.get("HUB_LOOK_SECONDS"):
    hub.LOOK_SECONDS = float(seconds)
