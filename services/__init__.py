"""The services of the agency, each an application of its own with a schema of its own."""
