"""Our own MQTT 3.1.1 and 5 front door: pure packets and session, and the edge."""
