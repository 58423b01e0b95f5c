"""Where the pages are, below /admin/models/."""

from django.urls import path

from chat.versions import views

app_name = "versions"

urlpatterns = [
    path("", views.index, name="index"),
    path("compare/", views.compare, name="compare"),
    path("ask/", views.ask, name="ask"),
    path("ask/answer/", views.answer, name="answer"),
    path("rollback/", views.rollback, name="rollback"),
    path("<str:name>/", views.detail, name="detail"),
    path("<str:name>/publish/", views.publish, name="publish"),
    path("<str:name>/receipt/", views.receipt, name="receipt"),
    path("<str:name>/receipt.csv", views.receipt_csv, name="receipt_csv"),
]
