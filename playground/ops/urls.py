"""Addresses of the ops app: keys and models."""

from django.urls import path

from playground.ops import picker, views

urlpatterns = [
    path("settings/keys/", views.keys, name="keys"),
    path("settings/keys/<uuid:pk>/test/", views.test, name="key-test"),
    path("settings/keys/<uuid:pk>/change/", views.change, name="key-change"),
    path("settings/keys/<uuid:pk>/rotate/", views.rotate, name="key-rotate"),
    path("settings/keys/<uuid:pk>/revoke/", views.revoke, name="key-revoke"),
    path("models/options", picker.model_options, name="model-options"),
    path("models/refresh", picker.model_refresh, name="model-refresh"),
]
