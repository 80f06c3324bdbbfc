"""The towline command: one verb, one file."""
