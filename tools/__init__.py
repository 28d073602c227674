"""What authors use to write and check the course; learners never need it."""
