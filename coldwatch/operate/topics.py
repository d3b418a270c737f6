"""Makes the Kafka topics of the one table; checks and corrects those that exist. Services never create topics."""

from contextlib import suppress

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from coldwatch.wiring import kafka
from schemas.errors import Permanent
from schemas.settings import KafkaSettings
from schemas.topics import TIMESTAMPS, TOPICS, Topic


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
        _correct(admin, prefix, [topic for topic in TOPICS if topic not in missing])
        return [prefix + topic.name for topic in missing]
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, names: list[str], topics: list[Topic]) -> None:
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


def _correct(admin: KafkaAdminClient, prefix: str, topics: list[Topic]) -> None:
    """Retention is the operator's to change; whose time a record carries is not.

    Topics made a moment ago are not asked: they are as the table says, and Kafka may not have their settings at hand.
    """
    if not topics:
        return
    wanted = {prefix + topic.name: topic.config()[TIMESTAMPS] for topic in topics}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs={TIMESTAMPS: ""}) for name in wanted]
    found = admin.describe_configs(asked, config_filter="all")[ConfigResourceType.TOPIC.name.lower()]
    untold = [name for name in wanted if TIMESTAMPS not in found.get(name, {})]
    if untold:  # the client leaves the broker's reason out
        raise KafkaError(
            f"Kafka does not tell the settings of {', '.join(untold)}: may this user describe them?"
        )
    wrong = [name for name, kind in wanted.items() if found[name][TIMESTAMPS]["value"] != kind]
    if wrong:
        admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, name, configs={TIMESTAMPS: wanted[name]})
                for name in wrong
            ]
        )
