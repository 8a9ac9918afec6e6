"""What is known about the customer and the past, each fact with its source and age, under a deadline."""
