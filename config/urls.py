from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from config.health import healthz, readyz
from config.metrics import metrics
from executions.admin import start

SAFE = {"http_method_names": ["get", "head"]}

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("admin/", admin.site.admin_view(start.page)),  # in the place of the site's own index, which links to it
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularJSONAPIView.as_view(**SAFE), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema", **SAFE), name="docs"),
    path("api/", include("executions.api.urls")),
    path("api/", include("workflows.api.urls")),
    path("api/", include("workspaces.api.urls")),
]
