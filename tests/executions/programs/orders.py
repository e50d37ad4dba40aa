"""Imported by a child process as it starts: it dies where `FAULT` says."""

import os

from executions.engine import faults

if fault := os.environ.get("FAULT"):
    faults.arm_from(fault)
