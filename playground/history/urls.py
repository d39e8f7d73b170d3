"""Addresses of the history app."""

from django.urls import path

from playground.history import views, views_line

app_name = "history"
urlpatterns = [
    path("", views.index, name="list"),
    path("news", views.news, name="news"),
    path("do", views.do, name="do"),
    path("undo", views.undo, name="undo"),
    path("views", views_line.keep_view, name="keep-view"),
    path("views/<uuid:pk>/remove", views_line.remove_view, name="remove-view"),
    path("views/<uuid:pk>/first", views_line.begin_with, name="begin-with"),
    path("<uuid:subject>/", views.show, name="show"),
    path("<uuid:subject>/rating", views_line.rated, name="rating"),
    path("<uuid:subject>/rate", views_line.rate, name="rate"),
    path("<uuid:subject>/thumb", views_line.thumb, name="thumb"),
    path("<uuid:subject>/share", views_line.share, name="share"),
    path("<uuid:subject>/copy", views_line.copy, name="copy"),
    path("<uuid:subject>/copy/make", views_line.make_copy, name="make-copy"),
]
