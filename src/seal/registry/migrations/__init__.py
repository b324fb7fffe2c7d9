"""How the tables came to be as they are, step by step (Alembic), run when a workspace is opened.

A new step: a file in versions/ with the next number, and that number as HEAD below.
"""

HEAD = "0005"
