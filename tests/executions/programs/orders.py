"""Imported by a child process at its start: it dies where `FAULT` says (`effect.after=2`), stops within `GRACE_SECONDS`."""

import os

from executions.engine import dispatch, faults

if fault := os.environ.get("FAULT"):
    faults.arm_from(fault)
if grace := os.environ.get("GRACE_SECONDS"):
    dispatch.STOP_GRACE_SECONDS = float(grace)
