"""Makes the Kafka topics of the one table; checks and corrects those that exist. Services never create topics."""

from contextlib import suppress

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from coldwatch.wiring import kafka
from schemas.errors import Permanent
from schemas.settings import KafkaSettings
from schemas.topics import TIMESTAMPS, TOPICS


def ensure(settings: KafkaSettings) -> list[str]:
    """Creates what is missing; returns the names created.

    Existing topics are given the table's timestamp type: gateways' clocks are held against Kafka's.
    Raises Permanent when a partition count differs, kafka.errors.KafkaError when Kafka cannot be asked.
    """
    admin, prefix = kafka.admin(settings, "topics"), settings.prefix
    try:
        existing = set(admin.list_topics())
        missing = [topic for topic in TOPICS if prefix + topic.name not in existing]
        if missing:
            _create(admin, [prefix + topic.name for topic in missing], missing)
        _check(admin, prefix)
        _correct(admin, prefix)
        return [prefix + topic.name for topic in missing]
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, names: list[str], topics: list) -> None:  # type: ignore[type-arg]
    new = [
        NewTopic(name, topic.partitions, replication_factor=-1, topic_configs=topic.config())
        for name, topic in zip(names, topics, strict=True)
    ]
    with suppress(TopicAlreadyExistsError):  # another front door was quicker
        admin.create_topics(new)


def _check(admin: KafkaAdminClient, prefix: str) -> None:
    wanted = {prefix + topic.name: topic.partitions for topic in TOPICS}
    for found in admin.describe_topics(list(wanted)):
        count = len(found["partitions"])
        if count and count != wanted[found["name"]]:
            raise Permanent(
                f"topic {found['name']} has {count} partitions and needs {wanted[found['name']]}: "
                "devices would change partition; use another prefix or an empty Kafka"
            )


def _correct(admin: KafkaAdminClient, prefix: str) -> None:
    """Retention is the operator's to change; whose time a record carries is not."""
    wanted = {prefix + topic.name: topic.config()[TIMESTAMPS] for topic in TOPICS}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs={TIMESTAMPS: ""}) for name in wanted]
    found = admin.describe_configs(asked, config_filter="all")[ConfigResourceType.TOPIC.name.lower()]
    wrong = [name for name, kind in wanted.items() if found[name][TIMESTAMPS]["value"] != kind]
    if wrong:
        admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, name, configs={TIMESTAMPS: wanted[name]})
                for name in wrong
            ]
        )
