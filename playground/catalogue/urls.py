"""Addresses of the catalogue app."""

from django.urls import path

from playground.catalogue import views

app_name = "catalogue"
urlpatterns = [
    path("", views.models, name="models"),
    path("changes/", views.changes, name="changes"),
    path("compare/", views.compare, name="compare"),
    path("model/", views.model, name="model"),
    path("model/labels/", views.label, name="label"),
    path("model/try/", views.attempt, name="try"),
    path("keys/<uuid:pk>/refresh/", views.refresh, name="refresh"),
]
