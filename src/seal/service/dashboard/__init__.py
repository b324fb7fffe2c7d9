"""The dashboard, at `/`: pages for people, made on the server, each with the same data as JSON beside it.

Read `frame.py` first: what all pages stand in. What a page shows is a dict that a function on the learner
makes; its template shows nothing else, and its twin (`.json`, or `Accept: application/json`) is that dict.
Forms are plain; the script only reloads what has changed.
"""
