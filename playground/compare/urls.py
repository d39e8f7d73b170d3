"""Addresses of Compare."""

from django.urls import path

from playground.compare import views

app_name = "compare"
urlpatterns = [
    path("", views.new, name="new"),
    path("models", views.models, name="models"),
    path("turn/<uuid:pk>", views.turn, name="turn"),
    path("<uuid:pk>/", views.show, name="show"),
    path("<uuid:pk>/ask", views.ask, name="ask"),
    path("<uuid:pk>/thread", views.thread, name="thread"),
    path("<uuid:pk>/figures", views.side_by_side, name="figures"),
    path("<uuid:pk>/again", views.again, name="again"),
    path("<uuid:pk>/stop", views.stop, name="stop"),
    path("<uuid:pk>/best", views.best, name="best"),
    path("<uuid:pk>/reveal", views.reveal, name="reveal"),
    path("<uuid:pk>/diff", views.diff, name="diff"),
    path("<uuid:pk>/comparison.md", views.as_markdown, name="markdown"),
    path("<uuid:pk>/chat", views.to_chat, name="chat"),
]
