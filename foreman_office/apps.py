from django.apps import AppConfig


class ForemanOfficeConfig(AppConfig):
    name = "foreman_office"

    def ready(self):
        from foreman_office import checks  # noqa: F401  (registers itself)
        from foreman_office.access import listening  # noqa: F401  (as the one above)
