from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self):
        from foreman_office.kit.acts import act_refused
        from governance import holding, latest
        from governance.refusals import count_refusal

        holding.hang()
        latest.hang()
        act_refused.connect(count_refusal)
