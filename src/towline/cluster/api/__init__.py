"""The Kubernetes API as unmodified clients know it."""
