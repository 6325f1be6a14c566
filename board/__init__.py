"""What people see in Airflow's own pages: forms for connections. This room must not know a platform by name."""
