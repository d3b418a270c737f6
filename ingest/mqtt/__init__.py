"""Our MQTT front door: packets and session are pure, connection and gateway are the edge."""
