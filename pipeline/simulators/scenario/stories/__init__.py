"""A day in a store, one story per use case. What each step is for stands in its last argument."""
