"""What a builder did with its time, and how its work went."""

from django import template
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.builders.track_record import TrackRecord

register = template.Library()


@register.simple_tag
def record_of(builder: Builder) -> TrackRecord:
    return TrackRecord(builder, now())
