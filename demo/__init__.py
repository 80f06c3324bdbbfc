"""The main job of Towline as a story: every chapter does a thing for real and checks what came of it.

`python -m demo` tells it, with `--all` also the chapters that take minutes; `tests/story` runs them all
as tests.
"""
