"""Door 3: the learner over HTTP, for clients that speak OpenAI's API.

Read `app.py` first: it wires all others. A tenant is a workspace (hosting.py); who may do what is decided
in access/. Everything here stands on the learner's verbs: what a learner can do, it can
without a service too.
"""
