"""The loops that move a cluster towards what its objects ask for."""
