"""One chapter, one thing that must be seen."""
