"""Revisioned records with watches: the memory that every role shares and none owns."""
