"""Every address of the site, by app."""

from django.urls import include, path

from playground import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("livez", pages.livez, name="livez"),
    path("readyz", pages.readyz, name="readyz"),
    path("chat/", include("playground.chat.urls")),
    path("", include("playground.ops.urls")),
    path("", include("accounts.urls")),
]

handler400 = pages.bad_request
handler403 = pages.forbidden
handler404 = pages.not_found
handler500 = pages.failed
