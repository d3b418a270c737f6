"""Makes the Kafka topics of the one table and checks those that exist. Services never create topics."""

from contextlib import suppress

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from schemas.errors import Permanent
from schemas.topics import TOPICS


def ensure(bootstrap: str, prefix: str = "") -> list[str]:
    """Creates what is missing; returns the names created. Raises Permanent when a partition count differs."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="coldwatch-topics")
    try:
        existing = set(admin.list_topics())
        missing = [topic for topic in TOPICS if prefix + topic.name not in existing]
        if missing:
            _create(admin, [prefix + topic.name for topic in missing], missing)
        _check(admin, prefix)
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
