"""Django's WSGI app. Importing this sets Django up. It starts no executor: `config/asgi.py` does."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
