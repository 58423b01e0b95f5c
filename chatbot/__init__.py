"""The Django project: settings, URLs and the ASGI application. Knows chat and Django, nothing below."""
