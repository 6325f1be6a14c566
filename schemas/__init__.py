"""What a call IS: frozen values and the lifecycle. No I/O; this room imports none of ours."""
