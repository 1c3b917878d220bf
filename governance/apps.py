from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self):
        from governance.refusals import count_refusal
        from kit.core.acts import act_refused

        act_refused.connect(count_refusal)
