"""Signing in and out, and a person's settings.

Of allauth's pages only those that lead somewhere here are given an address.
"""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts import entrance, views
from accounts.forms import SignUpForm

sign_up = allauth_views.SignupView.as_view(form_class=SignUpForm)

urlpatterns = [
    path("enter/<str:token>/", entrance.enter, name="enter"),
    path("join/", entrance.join, name="join"),
    path("join/<str:token>/", entrance.join_by_link, name="join-by-link"),
    path("settings/", views.settings, name="settings"),
    path("settings/appearance/", views.appearance, name="appearance"),
    path("settings/account/", views.account, name="account"),
    path("settings/theme/", views.set_theme, name="set-theme"),
    path("settings/team/", views.switch_team, name="switch-team"),
    path("account/login/", entrance.SignIn.as_view(), name="account_login"),
    path("account/logout/", allauth_views.logout, name="account_logout"),
    path("account/signup/", sign_up, name="account_signup"),
    path("account/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("settings/password/", allauth_views.password_change, name="account_change_password"),
    path("settings/password/set/", allauth_views.password_set, name="account_set_password"),
    path("account/password/reset/", allauth_views.password_reset, name="account_reset_password"),
    path(
        "account/password/reset/sent/", allauth_views.password_reset_done, name="account_reset_password_done"
    ),
    path(
        "account/password/reset/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^account/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/confirm/",
        allauth_views.email_verification_sent,
        name="account_email_verification_sent",
    ),
    re_path(
        r"^account/confirm/(?P<key>[-:\w]+)/$", allauth_views.confirm_email, name="account_confirm_email"
    ),
]
