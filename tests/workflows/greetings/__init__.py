"""An app as somebody else would write it: its `actions.py` is found because it is installed."""
