"""What the network should be, as pure functions from wanted and seen to changes."""
