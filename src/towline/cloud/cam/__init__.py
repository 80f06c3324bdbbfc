"""Access management, `cam` 2019-01-16: the keys of accounts."""
