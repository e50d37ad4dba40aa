"""Imported once by the process that all workers and servers are forked from, so that none of them has to load it."""

import django

django.setup()

import config.asgi  # noqa: E402, F401 (the apps have to be there first)
import tests.faults.programs.players  # noqa: E402, F401 (the apps have to be there first)
