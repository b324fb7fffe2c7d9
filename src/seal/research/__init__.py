"""The method in a few short files: adapt (inner loop), outer (ReST-EM), evaluate, demo. Read these first."""
