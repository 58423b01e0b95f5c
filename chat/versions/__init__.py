"""The admin's pages on model versions: listed, looked into, compared, asked, made live and rolled back.

Versions are files (`core.registry`), not rows; the pages read them anew for every request and trust nothing in them.
"""
