"""Digest-addressed bytes, verified on write: blobs, layers, and how layers become a root file
system.
"""
