"""Django's WSGI app. Importing this sets Django up, or ends the process on wrong settings, whatever server it is.

It starts no executor: `config/asgi.py` does.
"""

import os

from django.core.wsgi import get_wsgi_application

from config import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
checks.refuse_wrong_environment()
