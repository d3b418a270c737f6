"""From a device to Kafka: the MQTT front door, admission, packs, the registry."""
