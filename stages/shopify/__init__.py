"""Shopify's Admin GraphQL: one client for all shops, what may be asked of it, and what an event's facts lack."""
