"""The network of an installation on one machine: kept as the records say, and lent to pods."""
