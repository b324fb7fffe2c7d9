"""Models behind OpenAI-compatible chat endpoints: where one is (address.py), how many requests are sent to
it, and what becomes of each (client.py).

Knows nothing about what is asked. Texts leave the machine only to an address that the user has named.
"""
