"""A pod made real: the Provider of the virtual node, built from pull, content and linux."""
