"""Looking at a registry as a pull would see it, from where the pull is made."""
