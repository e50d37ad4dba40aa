"""Imported by a child process as it starts: it dies where `FAULT` says, and stops within `GRACE_SECONDS`."""

import os

from executions.engine import dispatch, faults

if fault := os.environ.get("FAULT"):
    faults.arm_from(fault)
if grace := os.environ.get("GRACE_SECONDS"):
    dispatch.STOP_GRACE_SECONDS = float(grace)
