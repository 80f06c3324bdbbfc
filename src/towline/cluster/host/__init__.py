"""Clusters as a machine hosts them: which there are, and each from its beginning to its end."""
