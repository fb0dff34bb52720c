"""A stand-in for a Databricks workspace: the calls, states, limits and errors that a client sees, on loopback only."""
