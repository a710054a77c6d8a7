"""Documents: papers of an application, judged by their content, sealed, stored once by hash."""
