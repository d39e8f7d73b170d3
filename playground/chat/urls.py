"""Addresses of the chat."""

from django.urls import path

from playground.chat import conversations, preview, prompt_views, stream, toolbox, views

app_name = "chat"
urlpatterns = [
    path("", views.new, name="new"),
    path("list", conversations.index, name="list"),
    path("live", stream.live, name="live"),
    path("upload", conversations.upload, name="upload"),
    path("attachment/<uuid:pk>", conversations.attachment, name="attachment"),
    path("tool-sets", toolbox.tool_sets, name="tool-sets"),
    path("prompts", prompt_views.choose, name="prompts"),
    path("prompt/<uuid:pk>/", prompt_views.prompt, name="prompt"),
    path("<uuid:pk>/keep", prompt_views.keep, name="keep"),
    path("<uuid:pk>/tools", toolbox.tools, name="tools"),
    path("<uuid:pk>/schema", toolbox.schema, name="schema"),
    path("<uuid:pk>/", views.show, name="show"),
    path("<uuid:pk>/ask", views.ask, name="ask"),
    path("<uuid:pk>/thread", views.thread, name="thread"),
    path("<uuid:pk>/rename", conversations.rename, name="rename"),
    path("<uuid:pk>/pin", conversations.pin, name="pin"),
    path("<uuid:pk>/delete", conversations.delete, name="delete"),
    path("<uuid:pk>/share", conversations.share, name="share"),
    path("<uuid:pk>/copy", conversations.copy, name="copy"),
    path("<uuid:pk>/draft", conversations.draft, name="draft"),
    path("<uuid:pk>/settings", conversations.settings, name="settings"),
    path("<uuid:pk>/preview", preview.preview, name="preview"),
    path("<uuid:pk>/code", preview.code, name="code"),
    path("<uuid:pk>/tokens", preview.tokens, name="tokens"),
    path("<uuid:pk>/count", preview.count, name="count"),
    path("turn/<uuid:pk>", views.turn, name="turn"),
    path("turn/<uuid:pk>/source", views.source, name="source"),
    path("turn/<uuid:pk>/details", views.details, name="details"),
    path("turn/<uuid:pk>/regenerate", views.regenerate, name="regenerate"),
    path("turn/<uuid:pk>/go-on", views.go_on, name="go-on"),
    path("turn/<uuid:pk>/fall-back", views.fall_back, name="fall-back"),
    path("turn/<uuid:pk>/edit", views.edit, name="edit"),
    path("turn/<uuid:pk>/rerun", views.rerun, name="rerun"),
    path("turn/<uuid:pk>/branch", views.branch, name="branch"),
    path("turn/<uuid:pk>/cache", preview.cache_turn, name="cache-turn"),
    path("turn/<uuid:pk>/give", toolbox.give, name="give"),
    path("turn/<uuid:pk>/repair", toolbox.repair, name="repair"),
    path("run/<uuid:pk>/stop", views.stop, name="stop"),
]
