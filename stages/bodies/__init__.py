"""What Shopify sends, read into typed facts: one module per family of topics, one table (`table.py`) over them."""
