"""From Kafka to judged history: rules, engine, store; Faust is the engine of the edge."""
