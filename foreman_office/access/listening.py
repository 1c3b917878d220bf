"""Connect the log lines about users with the signals of Django."""

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from foreman_office.access import security_log

user_logged_in.connect(security_log.note_login)
user_logged_out.connect(security_log.note_logout)
user_login_failed.connect(security_log.note_failure)

for who in (User, Group):
    pre_save.connect(security_log.declare_person, sender=who)
    pre_delete.connect(security_log.declare_person, sender=who)
pre_save.connect(security_log.remember, sender=User)
post_save.connect(security_log.note_change, sender=User)
post_delete.connect(security_log.note_deletion, sender=User)
for members in (User.groups.through, User.user_permissions.through, Group.permissions.through):
    m2m_changed.connect(security_log.declare_person, sender=members)
    m2m_changed.connect(security_log.note_roles, sender=members)
