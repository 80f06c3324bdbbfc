"""Layers that are read before they are whole: who holds their files, and who fills them."""
