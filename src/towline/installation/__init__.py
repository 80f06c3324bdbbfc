"""The data directory of one installation: its paths, its keys and certificates, its processes."""
