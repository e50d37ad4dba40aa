#!/usr/bin/env python
"""Django's command line for Trilith."""

import os
import sys

from django.core.management import execute_from_command_line

from workspaces import speakers


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with speakers.command(" ".join(sys.argv[1:2])):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
