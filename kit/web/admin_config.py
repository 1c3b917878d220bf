"""The app of the admin, apart from its pages, which need the apps to be there."""

from django.contrib.admin.apps import AdminConfig


class OfficeAdminConfig(AdminConfig):
    default_site = "kit.web.admin.site.OfficeAdminSite"
