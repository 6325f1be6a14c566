"""The engine: knows meanings, not wires; names no platform and imports neither Airflow nor a concrete adapter."""
