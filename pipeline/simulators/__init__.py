"""Shopify and OpenText, played over HTTP by what is publicly known of them: for trials, the demo and tests.

They know the two companies' contracts and nothing of our stages: what we send and take is judged from outside.
"""
