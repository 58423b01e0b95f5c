"""The URLs of the project."""

from django.contrib import admin
from django.urls import include, path

from chat import views

urlpatterns = [
    path("", views.page, name="chat"),
    path("history/", views.history, name="history"),
    path("healthz", views.healthz, name="healthz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/inbox/", include("chat.inbox.urls")),
    path("admin/models/", include("chat.versions.urls")),
    path("admin/training/", include("chat.training.urls")),
    path("admin/", admin.site.urls),
]
