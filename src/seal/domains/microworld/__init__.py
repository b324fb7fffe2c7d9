"""A seeded fictional encyclopedia with known truth, on which the embedded model lives and is examined."""
