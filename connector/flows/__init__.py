"""Use cases: one function of Deps each. They know ports, never an adapter."""
