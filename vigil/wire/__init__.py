"""The contract on the wire: MQTT topics, SenML packs (JSON and CBOR), application acknowledgement."""
