"""The words of the Kubernetes API: objects, selectors, patches, tables. No I/O."""
