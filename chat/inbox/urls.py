"""Where the pages are, below /admin/inbox/."""

from django.urls import path

from chat.inbox import views

app_name = "inbox"

urlpatterns = [
    path("", views.index, name="index"),
    path("undo/", views.undo, name="undo"),
    path("renew/", views.renew, name="renew"),
    path("release/", views.release, name="release"),
    path("history/", views.history, name="history"),
    path("<int:row>/", views.show, name="show"),
    path("<int:row>/decide/", views.decide, name="decide"),
    path("<int:row>/pass/", views.pass_over, name="pass"),
]
