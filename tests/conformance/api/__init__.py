"""What ``/openapi.json`` says and what the application does, compared for every operation by schemathesis."""
