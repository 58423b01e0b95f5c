"""Where the pages are, below /admin/training/."""

from django.urls import path

from chat.training import views

app_name = "training"

urlpatterns = [
    path("", views.index, name="index"),
    path("state/", views.state, name="state"),
    path("start/", views.start, name="start"),
    path("<int:run_id>/cancel/", views.cancel, name="cancel"),
]
