from django.urls import path

from foreman_office.dashboard.notifications import (
    broken_views,
    channel_views,
    delivery_views,
    rule_views,
)

urlpatterns = [
    path("account/notifications/", rule_views.notifications, name="notifications"),
    path("account/notifications/broken/", broken_views.broken_now, name="broken_now"),
    path("account/notifications/test/", rule_views.notifications_test, name="notifications_test"),
    path(
        "account/notifications/<uuid:pk>/",
        rule_views.notification_rule,
        name="notification_rule",
    ),
    path(
        "account/notifications/<uuid:pk>/delete/",
        rule_views.notification_rule_delete,
        name="notification_rule_delete",
    ),
    path("channels/", channel_views.channels, name="channels"),
    path("channels/<uuid:pk>/", channel_views.channel, name="channel"),
    path("channels/<uuid:pk>/test/", channel_views.channel_test, name="channel_test"),
    path("channels/<uuid:pk>/enable/", channel_views.channel_enable, name="channel_enable"),
    path("channels/<uuid:pk>/disable/", channel_views.channel_disable, name="channel_disable"),
    path("channels/<uuid:pk>/delete/", channel_views.channel_delete, name="channel_delete"),
    path("deliveries/", delivery_views.deliveries, name="deliveries"),
    path("deliveries/<uuid:pk>/", delivery_views.delivery, name="delivery"),
    path("deliveries/<uuid:pk>/resend/", delivery_views.delivery_resend, name="delivery_resend"),
    path(
        "deliveries/to/<str:target>/resend/",
        delivery_views.deliveries_resend,
        name="deliveries_resend",
    ),
    path(
        "deliveries/to/<str:target>/set-aside/",
        delivery_views.deliveries_set_aside,
        name="deliveries_set_aside",
    ),
]
