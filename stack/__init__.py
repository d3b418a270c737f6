"""The local stack: real Kafka, real TimescaleDB and our services, started, watched and stopped without Docker."""
