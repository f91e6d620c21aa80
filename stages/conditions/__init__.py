"""Conditions that a configuration writes in CEL: what they see, what they say, and what is wrong with them."""
