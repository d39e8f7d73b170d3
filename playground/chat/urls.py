"""Addresses of the chat."""

from django.urls import path

from playground.chat import conversations, stream, views

app_name = "chat"
urlpatterns = [
    path("", views.new, name="new"),
    path("list", conversations.index, name="list"),
    path("live", stream.live, name="live"),
    path("activity", conversations.activity, name="activity"),
    path("upload", conversations.upload, name="upload"),
    path("attachment/<uuid:pk>", conversations.attachment, name="attachment"),
    path("<uuid:pk>/", views.show, name="show"),
    path("<uuid:pk>/ask", views.ask, name="ask"),
    path("<uuid:pk>/thread", views.thread, name="thread"),
    path("<uuid:pk>/rename", conversations.rename, name="rename"),
    path("<uuid:pk>/pin", conversations.pin, name="pin"),
    path("<uuid:pk>/delete", conversations.delete, name="delete"),
    path("<uuid:pk>/draft", conversations.draft, name="draft"),
    path("<uuid:pk>/settings", conversations.settings, name="settings"),
    path("turn/<uuid:pk>", views.turn, name="turn"),
    path("turn/<uuid:pk>/source", views.source, name="source"),
    path("turn/<uuid:pk>/details", views.details, name="details"),
    path("turn/<uuid:pk>/regenerate", views.regenerate, name="regenerate"),
    path("turn/<uuid:pk>/go-on", views.go_on, name="go-on"),
    path("turn/<uuid:pk>/edit", views.edit, name="edit"),
    path("turn/<uuid:pk>/rerun", views.rerun, name="rerun"),
    path("turn/<uuid:pk>/branch", views.branch, name="branch"),
    path("run/<uuid:pk>/stop", views.stop, name="stop"),
]
