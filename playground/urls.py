"""Every address of the site, by app."""

from django.urls import include, path

from playground import frame, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("livez", pages.livez, name="livez"),
    path("readyz", pages.readyz, name="readyz"),
    path("activity", frame.activity, name="activity"),
    path("find", frame.find, name="find"),
    path("chat/", include("playground.chat.urls")),
    path("compare/", include("playground.compare.urls")),
    path("", include("playground.media.urls")),
    path("", include("playground.library.urls")),
    path("", include("playground.ops.urls")),
    path("usage/", include("playground.usage.urls")),
    path("verify/", include("playground.verify.urls")),
    path("models/", include("playground.catalogue.urls")),
    path("history/", include("playground.history.urls")),
    path("", include("accounts.urls")),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.failed
