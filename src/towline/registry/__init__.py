"""The OCI Distribution API behind a gate of tokens and permissions."""
