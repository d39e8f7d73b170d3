"""Signing in and out, and a person's settings.

Of allauth's pages only those that lead somewhere here are given an address.
"""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts import audit_views, entrance, member_views, team_views, token_views, views
from accounts.forms import ChangeForm, ResetForm, ResetKeyForm, SetForm, SignUpForm

sign_up = allauth_views.SignupView.as_view(form_class=SignUpForm)
password_change = allauth_views.PasswordChangeView.as_view(form_class=ChangeForm)
password_set = allauth_views.PasswordSetView.as_view(form_class=SetForm)
password_reset = allauth_views.PasswordResetView.as_view(form_class=ResetForm)
password_reset_from_key = allauth_views.PasswordResetFromKeyView.as_view(form_class=ResetKeyForm)

urlpatterns = [
    path("enter/<str:token>/", entrance.enter, name="enter"),
    path("join/", entrance.join, name="join"),
    path("join/<str:token>/", entrance.join_by_link, name="join-by-link"),
    path("settings/", views.settings, name="settings"),
    path("settings/appearance/", views.appearance, name="appearance"),
    path("settings/account/", views.account, name="account"),
    path("settings/theme/", views.set_theme, name="set-theme"),
    path("settings/team/", views.switch_team, name="switch-team"),
    path("settings/teams/", team_views.overview, name="teams"),
    path("settings/teams/rename/", team_views.rename, name="team-rename"),
    path("settings/teams/owner/", team_views.hand_over, name="team-hand-over"),
    path("settings/teams/leave/", team_views.leave, name="team-leave"),
    path("settings/teams/delete/", team_views.delete, name="team-delete"),
    path("settings/roles/", team_views.roles, name="roles"),
    path("settings/members/", member_views.members, name="members"),
    path("settings/members/<uuid:pk>/role/", member_views.change_role, name="member-role"),
    path("settings/members/<uuid:pk>/remove/", member_views.remove, name="member-remove"),
    path("settings/invitations/<uuid:pk>/revoke/", member_views.revoke_invitation, name="invitation-revoke"),
    path("settings/invitations/<uuid:pk>/renew/", member_views.renew_invitation, name="invitation-renew"),
    path("settings/audit/", audit_views.log, name="audit"),
    path("settings/audit/export/", audit_views.export, name="audit-export"),
    path("settings/tokens/", token_views.listing, name="tokens"),
    path("settings/tokens/<uuid:pk>/revoke/", token_views.revoke, name="token-revoke"),
    path("account/login/", entrance.SignIn.as_view(), name="account_login"),
    path("account/logout/", allauth_views.logout, name="account_logout"),
    path("account/signup/", sign_up, name="account_signup"),
    path("account/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("settings/password/", password_change, name="account_change_password"),
    path("settings/password/set/", password_set, name="account_set_password"),
    path("account/password/reset/", password_reset, name="account_reset_password"),
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
        password_reset_from_key,
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
