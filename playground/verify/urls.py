"""Addresses of the verify app."""

from django.urls import path

from playground.verify import note_views, views

app_name = "verify"
urlpatterns = [
    path("", views.index, name="index"),
    path("start", views.start, name="start"),
    path("setup", views.setup, name="setup"),
    path("note", note_views.note, name="note"),
    path("note.md", note_views.markdown, name="note-markdown"),
    path("<uuid:pk>/", views.run, name="run"),
    path("<uuid:pk>/rows", views.rows, name="rows"),
    path("<uuid:pk>/json", views.as_json, name="json"),
    path("<uuid:pk>/evidence/<str:name>", views.evidence, name="evidence"),
    path("<uuid:pk>/stop", views.stop, name="stop"),
    path("<uuid:pk>/again", views.again, name="again"),
    path("<uuid:pk>/share", views.share, name="share"),
    path("<uuid:pk>/pin", views.pin, name="pin"),
    path("<uuid:pk>/delete", views.delete, name="delete"),
    path("<uuid:pk>/seen", views.seen, name="seen"),
]
