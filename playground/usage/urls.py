"""Addresses of the usage app."""

from django.urls import path

from playground.usage import budget_views, price_views, views

app_name = "usage"
urlpatterns = [
    path("", views.page, name="page"),
    path("export/", views.csv, name="export"),
    path("prices/", price_views.prices_page, name="prices"),
    path("prices/model/", price_views.price, name="price"),
    path("prices/<uuid:pk>/take-back/", price_views.take_back, name="price-take-back"),
    path("budgets/", budget_views.page, name="budgets"),
    path("budgets/<uuid:pk>/remove/", budget_views.remove, name="budget-remove"),
]
