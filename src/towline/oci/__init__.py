"""The words of the OCI specifications: references, digests, manifests, scopes, error codes. No
I/O.
"""
