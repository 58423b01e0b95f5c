"""The Django app: what was said and reviewed, the websocket, the admin and the commands."""
