"""The catalogue app: the page Models: what keys can see, what was measured, what depends on it."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "playground.catalogue"
    default_auto_field = "django.db.models.BigAutoField"
