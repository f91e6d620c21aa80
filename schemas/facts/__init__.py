"""The typed facts of an event: what the rules may see, and no more.

Ids and amounts, no names, mail addresses or phone numbers of customers (DESIGN section 8). `None` means that Shopify
said null or nothing; what was to be looked up and is not known yet is named in the event's `incomplete`. Enums keep
the words of the source in lower case: a value nobody knows yet stays readable. Times are aware. Fields:
contracts of Shopify's webhook topics (REST shape) and Admin GraphQL 2026-04 for what is looked up.
"""
