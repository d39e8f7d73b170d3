"""Addresses of the ops app: keys and models."""

from django.urls import path

from playground.ops import picker, team_views, views

urlpatterns = [
    path("settings/keys/", views.keys, name="keys"),
    path("settings/keys/<uuid:pk>/test/", views.test, name="key-test"),
    path("settings/keys/<uuid:pk>/change/", views.change, name="key-change"),
    path("settings/keys/<uuid:pk>/rotate/", views.rotate, name="key-rotate"),
    path("settings/keys/<uuid:pk>/revoke/", views.revoke, name="key-revoke"),
    path("settings/team-keys/", team_views.keys, name="team-keys"),
    path("settings/team-keys/<uuid:pk>/test/", team_views.test, name="team-key-test"),
    path("settings/team-keys/<uuid:pk>/change/", team_views.change, name="team-key-change"),
    path("settings/team-keys/<uuid:pk>/limits/", team_views.limit, name="team-key-limits"),
    path("settings/team-keys/<uuid:pk>/rotate/", team_views.rotate, name="team-key-rotate"),
    path("settings/team-keys/<uuid:pk>/revoke/", team_views.revoke, name="team-key-revoke"),
    path("models/options", picker.model_options, name="model-options"),
    path("models/refresh", picker.model_refresh, name="model-refresh"),
]
