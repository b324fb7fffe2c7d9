"""The routes by which a learner is taught, asked why, corrected and looked after: documents, jobs, versions,
feedback, keys. Each calls one verb of the learner, and names the role that it takes.
"""
