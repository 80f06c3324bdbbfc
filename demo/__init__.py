"""The main job of Towline as a story: every chapter does a thing for real and checks what came of it.

`python -m demo` tells it; `tests/story` runs the same chapters as tests.
"""
