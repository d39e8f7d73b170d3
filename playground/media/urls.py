"""Addresses of the media app: the studio, kept files, and what the gateway and providers reach."""

from django.urls import path

from playground.media import callbacks, compare, detail, files, guide, prompt_views, route_views, shelf, views

app_name = "media"
urlpatterns = [
    path("callbacks/<str:task>/<str:token>", callbacks.callback, name="callback"),
    path("files/public/<str:token>", files.public, name="public_file"),
    path("media/asset/<uuid:pk>", files.asset, name="asset"),
    path("media/asset/<uuid:pk>/small", files.thumbnail, name="thumbnail"),
    path("media/asset/<uuid:pk>/lyrics", detail.lyrics, name="lyrics"),
    path("media/upload/<uuid:pk>", files.upload, name="upload"),
    path("settings/routes/", route_views.listing, name="routes"),
    path("settings/routes/new/", route_views.new, name="route-new"),
    path("settings/routes/<uuid:pk>/", route_views.edit, name="route"),
    path("settings/routes/<uuid:pk>/archive/", route_views.archive, name="route-archive"),
    path("settings/routes/<uuid:pk>/restore/", route_views.restore, name="route-restore"),
    path("studio/", views.home, name="home"),
    path("studio/make", views.make, name="make"),
    path("studio/keep", prompt_views.keep, name="keep"),
    path("studio/prompt/<uuid:pk>/", prompt_views.prompt, name="prompt"),
    path("studio/preview", views.preview, name="preview"),
    path("studio/upload", views.upload, name="give"),
    path("studio/files", views.files, name="files"),
    path("studio/model", views.model, name="model"),
    path("studio/models", views.models, name="models"),
    path("studio/guide/", guide.guide, name="guide"),
    path("studio/compare/", compare.compare, name="compare"),
    path("studio/tasks/", shelf.tasks, name="tasks"),
    path("studio/tasks/news", shelf.news, name="tasks-news"),
    path("studio/tasks/do", shelf.do, name="tasks-do"),
    path("studio/task/<uuid:pk>/row", shelf.row, name="row"),
    path("studio/task/<uuid:pk>/zip", shelf.download, name="zip"),
    path("studio/task/<uuid:pk>/", detail.task, name="task"),
    path("studio/task/<uuid:pk>/card", detail.card, name="card"),
    path("studio/task/<uuid:pk>/stop", detail.stop, name="stop"),
    path("studio/task/<uuid:pk>/take-back", detail.take_back, name="take-back"),
    path("studio/task/<uuid:pk>/check", detail.check, name="check"),
    path("studio/task/<uuid:pk>/fetch", detail.fetch, name="fetch"),
    path("studio/task/<uuid:pk>/resume", detail.resume, name="resume"),
    path("studio/task/<uuid:pk>/favourite", detail.favourite, name="favourite"),
    path("studio/task/<uuid:pk>/adopt", detail.adopt, name="adopt"),
    path("studio/task/<uuid:pk>/again", detail.again, name="again"),
    path("studio/task/<uuid:pk>/delete", detail.delete, name="delete"),
    path("studio/<slug:tab>/", views.studio, name="studio"),
]
