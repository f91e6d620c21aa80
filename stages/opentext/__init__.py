"""OpenText Notifications over REST: one client of one account, and how its answers are read."""
