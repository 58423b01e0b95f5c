"""The commands of manage.py: they parse, call one function and say what came of it."""
