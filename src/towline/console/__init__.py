"""The web pages of the installation."""
