"""One cause of failed pulls a file, by its code: how it reads, how it is proved, what mends it."""
