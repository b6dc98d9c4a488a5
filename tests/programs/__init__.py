"""Golden pairs: X.log, what a program said, and X.events, what we must make of it."""
